"""Arrays that are not NumPy's: of dask, lazily read, awkward, on another device."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import anndata
import awkward as ak
import dask.array as da
import numpy as np
import scipy.sparse as sp
from case_table import CELLS, GENES, IN_MEMORY, case, cells, positions


def in_chunks(matrix: Any, size: int = 7) -> Any:
    """Return a sparse matrix as a dask array of sparse chunks of rows."""
    parts = [da.from_array(matrix[i : i + size], chunks=(size, GENES), asarray=False) for i in range(0, CELLS, size)]
    return da.concatenate(parts, axis=0)


@case(is_lazy=True, forms=IN_MEMORY)
def dask_with_sparse_chunks() -> anndata.AnnData:
    """https://github.com/scverse/scanpy/issues/2856."""
    adata = cells()
    adata.X = in_chunks(adata.X)
    adata.layers["by gene"] = in_chunks(sp.csr_matrix(cells().X * 3)).map_blocks(sp.csc_matrix)
    return adata


@case(is_lazy=True, forms=IN_MEMORY)
def dask_with_dense_chunks() -> anndata.AnnData:
    """Everything that may be an array, in chunks that divide neither cells nor genes."""
    adata = cells()
    adata.raw = anndata.AnnData(cells().X * 2, var=adata.var)
    adata.layers["dense"] = da.from_array(adata.X.toarray() * 5, chunks=(10, 2))
    adata.X = da.from_array(adata.X.toarray().astype(np.int64) + 16_777_217, chunks=(5, 3))
    adata.obsm["X_umap"] = da.from_array(positions(), chunks=(9, 1))
    return adata


@case(is_lazy=True, forms=IN_MEMORY)
def dask_with_chunks_of_unknown_length() -> anndata.AnnData:
    """What is computed by partitions: nobody knew how many rows each has until it was asked."""
    adata = cells()
    dense = da.from_array(cells().X.toarray(), chunks=(8, GENES))
    kept = dense[da.ones(CELLS, chunks=8, dtype=bool)]
    kept.compute_chunk_sizes()
    adata.X = kept
    return adata


def lazily(suffix: str) -> anndata.AnnData:
    """Return an AnnData that is read when it is needed, from a file that stays as long as this process."""
    adata = cells()
    adata.obs["stage"] = adata.obs["cell_type"].cat.reorder_categories(["T", "B cell", "NK"], ordered=True)
    adata.obs["visit"] = 20_240_101 + np.arange(CELLS)
    adata.layers["dense"] = adata.X.toarray() * 2.5
    path = Path(tempfile.mkdtemp()) / f"lazy{suffix}"
    adata.write_h5ad(path) if suffix == ".h5ad" else adata.write_zarr(path)
    return anndata.experimental.read_lazy(path)


@case(is_lazy=True, forms=IN_MEMORY, lacks={"export": "prepare() reads no lazy table"})
def lazily_read_from_h5ad() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/2469."""
    return lazily(".h5ad")


@case(is_lazy=True, forms=IN_MEMORY, lacks={"export": "prepare() reads no lazy table"})
def lazily_read_from_zarr() -> anndata.AnnData:
    """The same from a store."""
    return lazily(".zarr")


@case(offered=["X_umap"], notes=["reads"], forms=IN_MEMORY)
def a_ragged_table_in_obsm() -> anndata.AnnData:
    """scirpy keeps receptors as an awkward array: nothing that places a cell."""
    adata = cells()
    adata.obsm["reads"] = ak.Array([[{"locus": "TRA"}] * (i % 3) for i in range(CELLS)])
    return adata
