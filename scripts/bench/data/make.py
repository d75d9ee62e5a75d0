"""Write the data sets of the bench from a seed: make.py FOLDER CELLS GENES VALUES_A_CELL."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

BLOCK = 50_000


def counts(random: np.random.Generator, cells: int, genes: int, per_cell: int) -> sp.csr_matrix:
    """Return a matrix with about so many values in each row, at places that repeat nowhere."""
    step = genes // per_cell
    indices, data, lengths = [], [], []
    for start in range(0, cells, BLOCK):
        rows = min(BLOCK, cells - start)
        places = np.cumsum(random.integers(1, 2 * step, (rows, per_cell), dtype=np.int32), axis=1) - 1
        is_inside = places < genes
        indices.append(places[is_inside])
        data.append(random.exponential(1, int(is_inside.sum())).astype(np.float32))
        lengths.append(is_inside.sum(axis=1))
    indptr = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    kind = np.int32 if indptr[-1] < 2**31 else np.int64
    whole = (np.concatenate(data), np.concatenate(indices).astype(kind), indptr.astype(kind))
    return sp.csr_matrix(whole, shape=(cells, genes))


def make(cells: int, genes: int, per_cell: int) -> anndata.AnnData:
    """Return cells in clusters, with an embedding, a category and a number."""
    random = np.random.default_rng(1)
    cluster = random.integers(0, 20, cells)
    obs = pd.DataFrame(
        {
            "cluster": pd.Categorical.from_codes(cluster.tolist(), [f"cluster {i}" for i in range(20)]),
            "score": random.normal(size=cells).astype(np.float32),
        },
        index=pd.Index(np.char.add("cell", np.arange(cells).astype(str)).astype(object)),
    )
    adata = anndata.AnnData(
        counts(random, cells, genes, per_cell), obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(genes)])
    )
    centers = random.normal(size=(20, 2)) * 10
    adata.obsm["X_umap"] = (centers[cluster] + random.normal(size=(cells, 2))).astype(np.float32)
    return adata


def main(folder: Path, cells: int, genes: int, per_cell: int) -> None:
    """Write all of them."""
    adata = make(cells, genes, per_cell)
    adata.write_h5ad(folder / "rows.h5ad")
    part = adata[: cells // 4].copy()
    part.write_h5ad(folder / "rows-gzip.h5ad", compression="gzip", compression_opts=1)
    part.X = part.X.tocsc()
    part.write_zarr(folder / "columns.zarr")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
