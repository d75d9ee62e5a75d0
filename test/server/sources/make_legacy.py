"""Write AnnData files in the layouts of older versions by hand, and beside each what today's anndata reads from it.

Usage: make_legacy.py FOLDER.
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
import hdf5plugin
import numpy as np
import pandas as pd
import scipy.sparse as sp
from make_h5ad import expected

CELLS = 50
GENES = 7


def counts(form: str) -> Any:
    """Return a cells by genes matrix."""
    dense = np.random.default_rng(5).poisson(0.7, (CELLS, GENES)).astype(np.float32)
    return {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": np.asarray}[form](dense)


def records(columns: dict[str, np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return columns as one array of records, as tables were written before anndata 0.7."""
    dtype = [(name, values.dtype, values.shape[1:]) for name, values in columns.items()]
    table = np.zeros(len(next(iter(columns.values()))), dtype)
    for name, values in columns.items():
        table[name] = values
    return table


def names(prefix: str, count: int) -> np.ndarray[Any, Any]:
    """Return names of fixed length."""
    return np.array([f"{prefix}{i}".encode() for i in range(count)])


def obs_columns() -> dict[str, np.ndarray[Any, Any]]:
    """Return obs as codes and numbers."""
    index = np.arange(CELLS)
    return {
        "louvain": np.where(index % 9 == 0, -1, index % 3).astype(np.int8),
        "only": np.zeros(CELLS, np.int8),
        "n_counts": np.linspace(0, 1, CELLS),
        "n_genes": index.astype(np.int64),
        "passed": index % 2 == 0,
    }


def write_sparse(file: h5py.File, path: str, matrix: Any) -> None:
    """Write a sparse matrix as `h5sparse` did, or a dense one."""
    if not sp.issparse(matrix):
        file[path] = matrix
        return
    group = file.create_group(path)
    group.attrs["h5sparse_format"] = matrix.format
    group.attrs["h5sparse_shape"] = matrix.shape
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(matrix, part)


def write_06(path: Path, form: str) -> None:
    """Write as anndata 0.5 and 0.6 did: tables as records, categories in uns, raw beside X."""
    with h5py.File(path, "w") as file:
        write_sparse(file, "X", counts(form))
        file["obs"] = records({"index": names("cell", CELLS), **obs_columns()})
        file["var"] = records({"index": names("gene", GENES), "means": np.arange(GENES, dtype=np.float32)})
        rng = np.random.default_rng(2)
        file["obsm"] = records({"X_umap": rng.normal(size=(CELLS, 2)), "X_pca": rng.normal(size=(CELLS, 8))})
        file["varm"] = records({"PCs": rng.normal(size=(GENES, 8))})
        file["uns/louvain_categories"] = np.array([b"T", b"B", b"NK"])
        file["uns/only_categories"] = "alone"
        file["uns/louvain_colors"] = np.array([b"#ff0000", b"#00ff00", b"#0000ff"])
        write_sparse(file, "raw.X", counts(form))
        file["raw.var"] = records({"index": names("gene", GENES)})


def write_07(path: Path, form: str) -> None:
    """Write as anndata 0.7 did: one array per column, categories in `__categories`, pointed at by reference."""
    text = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        matrix = counts(form)
        if sp.issparse(matrix):
            group = file.create_group("X")
            group.attrs.update({"encoding-type": f"{form}_matrix", "encoding-version": "0.1.0", "shape": matrix.shape})
            for part in ("data", "indices", "indptr"):
                group[part] = getattr(matrix, part)
        else:
            file["X"] = matrix
        columns = obs_columns()
        tables = {"obs": ("cell", CELLS, columns), "var": ("gene", GENES, {"means": np.arange(GENES, dtype="f4")})}
        for table, (prefix, count, values) in tables.items():
            group = file.create_group(table)
            group["names"] = np.array([f"{prefix}{i}" for i in range(count)], dtype=text)
            order = np.array(list(values), dtype=text)
            group.attrs.update(
                {"_index": "names", "column-order": order, "encoding-type": "dataframe", "encoding-version": "0.1.0"}
            )
            for name, column in values.items():
                group[name] = column
        for name, categories in {"louvain": ["T", "B", "\u03b3\u03b4"], "only": ["alone"]}.items():
            file[f"obs/__categories/{name}"] = np.array(categories, dtype=text)
            file[f"obs/__categories/{name}"].attrs["ordered"] = name == "only"
            file[f"obs/{name}"].attrs["categories"] = file[f"obs/__categories/{name}"].ref
        file["obsm/X_umap"] = np.random.default_rng(2).normal(size=(CELLS, 2))
        file.create_group("uns")


def write_today(folder: Path) -> None:
    """Write what today's anndata can, but does not by itself: nullable texts, other compressions."""
    anndata.settings.allow_write_nullable_strings = True
    maybe = pd.array([None if i % 6 == 0 else f"t{i % 4}" for i in range(CELLS)], dtype="string")
    obs = pd.DataFrame({"maybe": maybe, "plain": [f"p{i % 3}" for i in range(CELLS)]})
    obs.index = pd.Index([f"cell{i}" for i in range(CELLS)])
    adata = anndata.AnnData(counts("csr"), obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]))
    adata.obsm["X_umap"] = np.random.default_rng(2).normal(size=(CELLS, 2))
    adata.write_h5ad(
        folder / "zstd.h5ad", compression=hdf5plugin.FILTERS["zstd"], convert_strings_to_categoricals=False
    )
    adata.write_h5ad(folder / "big-endian.h5ad", convert_strings_to_categoricals=False)
    # scipy refuses what anndata would then give it, so the values are those before.
    write_expected(folder / "big-endian.h5ad")
    rewrite(folder / "big-endian.h5ad", lambda values: {"data": values.astype(values.dtype.newbyteorder(">"))})
    filters = {
        "blosc": hdf5plugin.Blosc(),
        "blosc2": hdf5plugin.Blosc2(),
        "lz4": hdf5plugin.LZ4(),
        "bitshuffle": hdf5plugin.Bitshuffle(),
        "bzip2": hdf5plugin.BZip2(),
    }
    for name, options in filters.items():
        adata.write_h5ad(folder / f"{name}.h5ad", convert_strings_to_categoricals=False)
        rewrite(folder / f"{name}.h5ad", lambda values, options=options: {"data": values, "chunks": True, **options})


def rewrite(path: Path, options: Callable[[np.ndarray[Any, Any]], dict[str, Any]]) -> None:
    """Store the numbers of a file in another way."""
    with h5py.File(path, "r+") as file:
        for name in ("obsm/X_umap", "X/data", "X/indices", "X/indptr"):
            values, attributes = file[name][...], dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, **options(values)).attrs.update(attributes)


def write_all(folder: Path) -> None:
    """Write every case as ``NAME.h5ad`` and ``NAME.json``."""
    for form in ("csr", "csc", "dense"):
        write_06(folder / f"06-{form}.h5ad", form)
        write_07(folder / f"07-{form}.h5ad", form)
    write_today(folder)
    for path in sorted(folder.glob("*.h5ad")):
        if not path.with_suffix(".json").exists():
            write_expected(path)


def write_expected(path: Path) -> None:
    """Write beside a file what anndata reads from it."""
    path.with_suffix(".json").write_text(json.dumps(expected(path)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
