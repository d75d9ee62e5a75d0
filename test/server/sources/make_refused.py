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
            {"gene_symbols": [f"SYM{i}" for i in range(genes)]}, index=[f"ENSG{i:011}" for i in range(genes)]
        ),
    )
    adata.layers["counts"] = adata.X
    adata.obsm["X_umap"] = np.random.default_rng(1).normal(size=(cells, 2))
    return adata


def write_all(folder: Path) -> None:
    """Write every case."""
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
    (folder / "truncated.h5ad").write_bytes(whole[: len(whole) // 2])
    (folder / "text.h5ad").write_text("cell,gene\n1,2\n")
    (folder / "empty.h5ad").write_bytes(b"")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
