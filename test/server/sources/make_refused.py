"""Write files that cannot be shown, each for one reason a user may meet. Usage: make_refused.py FOLDER."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd


def small(cells: int = 12, genes: int = 5) -> anndata.AnnData:
    """Return an AnnData that can be shown."""
    adata = anndata.AnnData(
        np.arange(cells * genes, dtype=np.float32).reshape(cells, genes),
        obs=pd.DataFrame({"leiden": pd.Categorical(["a", "b"] * (cells // 2))}, index=[f"c{i}" for i in range(cells)]),
        var=pd.DataFrame(
            {
                "gene_symbols": [f"SYM{i}" for i in range(genes)],
                "names": pd.array([None, *(f"N{i}" for i in range(1, genes))], dtype="string"),
            },
            index=[f"ENSG{i:011}" for i in range(genes)],
        ),
    )
    adata.layers["counts"] = adata.X
    adata.obsm["X_umap"] = np.random.default_rng(1).normal(size=(cells, 2))
    return adata


def write_mudata(folder: Path) -> None:
    """Write several datasets in one file, as mudata 0.3 does."""
    with h5py.File(folder / "several.h5mu", "w", userblock_size=512) as file:
        file.attrs.update({"encoding-type": "MuData", "encoding-version": "0.1.0", "axis": 0})
        with h5py.File(folder / "good.h5ad") as good:
            for part in ("obs", "var", "obsm", "uns"):
                good.copy(good[part], file, part)
            for name in ("prot", "rna"):
                good.copy(good["/"], file.require_group("mod"), name)


def write_others(folder: Path) -> None:
    """Write the tops of a Cell Ranger 3 matrix and of a loom file 3.0."""
    with h5py.File(folder / "filtered_feature_bc_matrix.h5", "w") as file:
        for part in ("barcodes", "data", "features/id", "indices", "indptr", "shape"):
            file[f"matrix/{part}"] = np.arange(3)
    with h5py.File(folder / "cells.loom", "w") as file:
        file["matrix"] = np.zeros((3, 2))
        for part in ("attrs", "col_attrs", "col_graphs", "layers", "row_attrs", "row_graphs"):
            file.create_group(part)


def write_ragged(folder: Path) -> None:
    """Write lists of different lengths beside the embedding, as anndata writes an awkward array."""
    small().write_h5ad(folder / "ragged.h5ad")
    with h5py.File(folder / "ragged.h5ad", "r+") as file:
        ragged = file["obsm"].create_group("neighbours")
        ragged.attrs.update({"encoding-type": "awkward-array", "encoding-version": "0.1.0", "length": 12})
        ragged.attrs["form"] = '{"class": "ListOffsetArray", "offsets": "i64", "content": "int64"}'
        ragged["node0-offsets"] = np.arange(13)
        ragged["node1-data"] = np.arange(12)


def write_all(folder: Path) -> None:
    """Write every case."""
    anndata.settings.allow_write_nullable_strings = True
    small().write_h5ad(folder / "good.h5ad")
    no_embedding = small()
    del no_embedding.obsm["X_umap"]
    no_embedding.obsm["X_scVI"] = np.zeros((12, 30))
    no_embedding.write_h5ad(folder / "no-embedding.h5ad")
    del no_embedding.obsm["X_scVI"]
    no_embedding.write_h5ad(folder / "empty-obsm.h5ad")
    small().write_h5ad(folder / "wrong-rows.h5ad")
    with h5py.File(folder / "wrong-rows.h5ad", "r+") as file:
        del file["obsm/X_umap"]
        file["obsm/X_umap"] = np.zeros((11, 2))
    small(cells=0).write_h5ad(folder / "no-cells.h5ad")
    no_x = small()
    no_x.X = None
    no_x.write_h5ad(folder / "no-x.h5ad")
    with h5py.File(folder / "not-anndata.h5", "w") as file:
        file["image"] = np.zeros((4, 4))
    whole = (folder / "good.h5ad").read_bytes()
    write_mudata(folder)
    write_others(folder)
    write_ragged(folder)
    (folder / "truncated.h5ad").write_bytes(whole[: len(whole) // 2])
    (folder / "text.h5ad").write_text("cell,gene\n1,2\n")
    (folder / "empty.h5ad").write_bytes(b"")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
