"""Write every form in which anndata, of any version, or a writer of another language has put tables and names.

Usage: make_elements.py FOLDER. Beside a file NAME stands NAME.json: what anndata reads from it, or, where
anndata itself fails, what the script says.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import zarr
from make_h5ad import expected_of
from make_legacy import names, records, write_07

CELLS = 60
GENES = 5
TEXT = h5py.string_dtype()


def base() -> anndata.AnnData:
    """Return a small AnnData with raw."""
    random = np.random.default_rng(2)
    obs = pd.DataFrame(
        {"kind": pd.Categorical(random.choice(["B", "NK", "T"], CELLS)), "score": random.normal(size=CELLS)},
        index=[f"cell{i}-1" for i in range(CELLS)],
    )
    var = pd.DataFrame({"means": np.arange(GENES, dtype="f4")}, index=[f"GENE{i}" for i in range(GENES)])
    adata = anndata.AnnData(random.poisson(1, (CELLS, GENES)).astype("f4"), obs=obs, var=var)
    adata.raw = adata
    adata.obsm["X_umap"] = random.normal(size=(CELLS, 2))
    return adata


def categorical_index(adata: anndata.AnnData) -> None:
    adata.obs.index = pd.CategoricalIndex(adata.obs_names)
    adata.var.index = pd.CategoricalIndex(adata.var_names[::-1])


def repeated_categorical_index(adata: anndata.AnnData) -> None:
    adata.obs.index = pd.CategoricalIndex([f"c{i % 7}" for i in range(CELLS)])


def nullable_index(adata: anndata.AnnData) -> None:
    adata.obs.index = pd.Index(adata.obs_names, dtype="string")
    adata.var.index = pd.Index(adata.var_names, dtype="string")


def column_named_as_the_index(adata: anndata.AnnData) -> None:
    adata.obs.index.name = "cell_id"
    adata.obs["cell_id"] = adata.obs_names
    adata.var.index.name = "means_of"
    adata.var["means_of"] = adata.var_names


def no_columns(adata: anndata.AnnData) -> None:
    adata.obs = adata.obs[[]]
    adata.var = adata.var[[]]


def categories_of_all_kinds(adata: anndata.AnnData) -> None:
    adata.obs["whole"] = pd.Categorical(np.arange(CELLS) % 3)
    adata.obs["empty"] = pd.Categorical([None] * CELLS, categories=np.array([], dtype=object))
    adata.obs["unused"] = pd.Categorical([None] * CELLS, categories=["never"])
    adata.obs["truth"] = pd.Categorical(np.arange(CELLS) % 2 == 0)
    adata.obs["one"] = pd.Categorical(["same"] * CELLS)
    adata.obs["wide codes"] = pd.Categorical([f"w{i % 300}" for i in range(CELLS)], [f"w{i}" for i in range(40_000)])


def hard_names(adata: anndata.AnnData) -> None:
    adata.obs["naïve ☃ \U0001d4b3"] = np.arange(CELLS)
    adata.obs["a/b"] = np.arange(CELLS)
    adata.obs["line\nbreak\ttab"] = pd.Categorical(["<b>&amp;</b>", "\x1b[31mred"] * (CELLS // 2))
    adata.obs_names = [f"☃{i}\u200b" for i in range(CELLS)]


def nullable_columns(adata: anndata.AnnData) -> None:
    adata.obs["Int8"] = pd.array([None, 5] * (CELLS // 2), dtype="Int8")
    adata.obs["UInt16"] = pd.array([None, 60000] * (CELLS // 2), dtype="UInt16")
    adata.obs["boolean"] = pd.array([None, True, False] * (CELLS // 3), dtype="boolean")
    adata.obs["text"] = pd.array([None, "a", "b"] * (CELLS // 3), dtype="string")


WRITTEN: list[Callable[[anndata.AnnData], None]] = [
    categorical_index,
    repeated_categorical_index,
    nullable_index,
    column_named_as_the_index,
    no_columns,
    categories_of_all_kinds,
    nullable_columns,
]


def replace(group: h5py.Group, name: str, values: Any, **options: Any) -> None:
    """Store one array anew, attributes kept."""
    attributes = dict(group[name].attrs)
    del group[name]
    group.create_dataset(name, data=values, **options).attrs.update(attributes)


def number_types(file: h5py.File) -> None:
    for dtype in ("<f2", ">f2", ">f4", ">f8", ">i2", ">i4", ">u4", "<u2", "<i2", "<u4", "|i1", "|u1", ">i8"):
        name = f"as {dtype}"
        file["obs"].create_dataset(name, data=np.arange(CELLS).astype(dtype))
        file[f"obs/{name}"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    file["obs"].attrs["column-order"] = np.array(
        [key for key in file["obs"] if key != file["obs"].attrs["_index"]], dtype=TEXT
    )


def code_types(file: h5py.File) -> None:
    for dtype in ("i2", ">i4", "i8", "u1", "u2", "u8"):
        file.copy("obs/kind", f"obs/kind {dtype}")
        group = file[f"obs/kind {dtype}"]
        replace(group, "codes", group["codes"][...].astype(dtype))
    file["obs"].attrs["column-order"] = np.array([key for key in file["obs"] if key != "_index"], dtype=TEXT)


def fixed_texts(file: h5py.File) -> None:
    """Other writers: texts of one length, filled up with zeros, as bytes or as UTF-8."""
    utf8 = h5py.string_dtype("utf-8", 12)
    replace(file["obs"], "_index", np.array([f"cellé{i}".encode() for i in range(CELLS)], dtype=utf8))
    replace(file["var"], "_index", np.array([f"GENE{i}".encode() for i in range(GENES)], dtype="S20"))
    replace(file["obs/kind"], "categories", np.array([b"B", b"NK", b"T"], dtype=h5py.string_dtype("utf-8", 9)))


def whole_numbers_as_names(file: h5py.File) -> None:
    replace(file["var"], "_index", np.arange(GENES) * 3)
    file["var/_index"].attrs["encoding-type"] = "array"


REWRITTEN: list[Callable[[h5py.File], None]] = [number_types, code_types, fixed_texts, whole_numbers_as_names]


def old_table(file: h5py.File) -> dict[str, Any]:
    """Fill a file as anndata 0.6 did, with lists in uns that only look like categories; what is read from obs."""
    counts = np.arange(CELLS) % 9
    columns = {key: counts.astype("i4") for key in ("real", "shorter", "table", "group", "absent")}
    file["obs"] = records({"index": names("cell", CELLS), **columns, "float": counts.astype("f8")})
    file["var"] = records({"index": names("gene", GENES)})
    file["X"] = np.ones((CELLS, GENES), "f4")
    file["obsm"] = records({"X_umap": np.random.default_rng(2).normal(size=(CELLS, 2)).astype(">f4")})
    uns = file.create_group("uns")
    uns["real_categories"] = np.array([f"k{i}".encode() for i in range(9)])
    uns["shorter_categories"] = np.array([b"a", b"b"])
    uns["table_categories"] = np.ones((9, 2))
    uns.create_group("group_categories")["x"] = np.arange(9)
    uns["nobody_categories"] = np.array([b"x"])
    uns["float_categories"] = np.array([f"k{i}".encode() for i in range(9)])
    dense = {"kind": "dense", "values": [float(x) for x in counts]}
    texts = [f"k{i}" for i in range(9)]
    real = {"kind": "codes", "categories": texts, "ordered": False, "labels": [texts[i] for i in counts]}
    return {"real": real, **dict.fromkeys(("shorter", "table", "group", "absent", "float"), dense)}


def strange_07(path: Path) -> None:
    """Categories of anndata 0.7 in a form that no version wrote."""
    write_07(path, "dense")
    with h5py.File(path, "r+") as file:
        file["obs/__categories/n_genes"] = np.ones((2, 2))
        file.create_group("obs/__categories/n_counts")


def seurat_disk(file: h5py.File) -> None:
    """Genes in a table that does not say which column is their names."""
    for table in ("var", "raw/var"):
        group = file[table]
        group.move("_index", "features")
        for name in list(group.attrs):
            del group.attrs[name]


def old_zarr(path: Path) -> None:
    """Write as anndata 0.6 did: obs and var are lists of records."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    random = np.random.default_rng(1)
    obs = records(
        {
            "index": names("cell", CELLS),
            "n_genes": np.arange(CELLS),
            "wide": np.array([f"t☃{i % 3}" for i in range(CELLS)]),
            "big": np.arange(CELLS).astype(">f4"),
            "good": np.arange(CELLS) % 2 == 0,
            "kind": (np.arange(CELLS) % 3).astype("i1"),
        }
    )
    arrays = {
        "obs": obs,
        "var": records({"index": names("gene", GENES)}),
        "X": random.poisson(1, (CELLS, GENES)).astype("f4"),
        "obsm/X_umap": random.normal(size=(CELLS, 2)),
        "uns/kind_categories": np.array(["T", "B", "NK"]),
    }
    for key, values in arrays.items():
        options = {"fill_value": None} if values.dtype.names else {}
        size = (17, *values.shape[1:])
        group.create_array(key, shape=values.shape, dtype=values.dtype, chunks=size, **options)[...] = values


def fixed_zarr(path: Path) -> None:
    """Write names as texts of one length in format 3, in shards, as other writers do."""
    anndata.settings.zarr_write_format = 3
    base().write_zarr(path)
    group = zarr.open_group(path, mode="r+")
    values = {
        "obs/_index": np.array([f"cell☃{i}" for i in range(CELLS)]),
        "var/_index": np.array([f"GENE{i}".encode() for i in range(GENES)]),
        "obs/kind/categories": np.array(["B", "NK", "T é"]),
    }
    for key, texts in values.items():
        attributes = dict(group[key].attrs)
        del group[key]
        shards = {"chunks": (7,), "shards": (21,)} if key == "obs/_index" else {"chunks": texts.shape}
        array = group.create_array(key, shape=texts.shape, dtype=texts.dtype, attributes=attributes, **shards)
        array[...] = texts
    zarr.consolidate_metadata(group.store)


def write_expected(path: Path, adata: anndata.AnnData, **more: Any) -> None:
    """Write beside a file what is right."""
    path.with_suffix(f"{path.suffix}.json").write_text(json.dumps({**expected_of(adata), **more}))


def write_all(folder: Path) -> None:
    """Write every case."""
    anndata.settings.allow_write_nullable_strings = True
    for change in [*WRITTEN, hard_names]:
        for form in ("h5ad", "zarr-2", "zarr-3"):
            adata = base()
            change(adata)
            path = folder / f"{change.__name__}-{form}.{form.split('-')[0]}"
            if form == "h5ad":
                adata.write_h5ad(path, convert_strings_to_categoricals=False)
                write_expected(path, anndata.read_h5ad(path))
            elif change is not hard_names:
                anndata.settings.zarr_write_format = int(form[-1])
                adata.write_zarr(path, convert_strings_to_categoricals=False)
                write_expected(path, anndata.read_zarr(path))
    for rewrite in REWRITTEN:
        path = folder / f"{rewrite.__name__}.h5ad"
        base().write_h5ad(path)
        with h5py.File(path, "r+") as file:
            rewrite(file)
        write_expected(path, anndata.read_h5ad(path))
    write_strange(folder)


def write_strange(folder: Path) -> None:
    """Write what anndata cannot read, or reads without names."""
    path = folder / "seurat_disk.h5ad"
    base().write_h5ad(path)
    with h5py.File(path, "r+") as file:
        seurat_disk(file)
    write_expected(path, base())
    path = folder / "lists_like_categories.h5ad"
    with h5py.File(path, "w") as file:
        obs = old_table(file)
    nobody = anndata.AnnData(obs=pd.DataFrame(index=[f"cell{i}" for i in range(CELLS)]))
    genes = [f"gene{i}" for i in range(GENES)]
    write_expected(path, nobody, obs=obs, varNames=genes)
    path = folder / "strange_07.h5ad"
    strange_07(path)
    write_expected(path, anndata.read_h5ad(path))
    old_zarr(folder / "old.zarr")
    write_expected(folder / "old.zarr", anndata.read_zarr(folder / "old.zarr"))
    fixed_zarr(folder / "fixed.zarr")
    write_expected(folder / "fixed.zarr", anndata.read_zarr(folder / "fixed.zarr"))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
