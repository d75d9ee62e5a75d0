"""The matrix of expression in every form that scipy and NumPy have."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp
from case_table import CELLS, EVERY_FORM, GENES, IN_MEMORY, case, cells


def with_x(matrix: Any) -> anndata.AnnData:
    """Return plain cells with another X."""
    adata = cells()
    adata.X = matrix
    return adata


def counts(dtype: str = "float32") -> np.ndarray:
    """Return the plain counts, dense."""
    return cells().X.toarray().astype(dtype)


@case()
def sparse_by_gene() -> anndata.AnnData:
    """CSC."""
    return with_x(sp.csc_matrix(counts()))


@case()
def sparse_arrays() -> anndata.AnnData:
    """csr_array and csc_array are no spmatrix."""
    adata = with_x(sp.csr_array(counts()))
    adata.layers["by gene"] = sp.csc_array(counts("int32"))
    return adata


@case()
def dense_by_cell() -> anndata.AnnData:
    """C order, 64 bits."""
    return with_x(np.random.default_rng(5).normal(size=(CELLS, GENES)))


@case()
def dense_by_gene() -> anndata.AnnData:
    """Fortran order."""
    return with_x(np.asfortranarray(counts()))


@case()
def a_matrix_class_of_numpy() -> anndata.AnnData:
    """``X.todense()`` makes an np.matrix, whose columns stay two-dimensional."""
    return with_x(np.asarray(sp.csr_matrix(counts()).todense()))


@case(forms=EVERY_FORM)
def counts_of_every_type() -> anndata.AnnData:
    """Integers, truth values and halves as layers."""
    adata = cells()
    for kind in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float64"):
        adata.layers[kind] = sp.csr_matrix(counts(kind))
        adata.layers[f"{kind} dense"] = counts(kind) * 3
    return adata


@case()
def a_matrix_of_truth_values() -> anndata.AnnData:
    """Whether a gene is on: https://github.com/theislab/zellkonverter/issues/120 is about types of X."""
    adata = with_x(counts() > 0)
    adata.layers["sparse"] = sp.csr_matrix(counts() > 1)
    return adata


@case()
def a_dense_matrix_of_halves() -> anndata.AnnData:
    """float16 dense."""
    return with_x(counts("float16") / np.float16(3))


@case()
def counts_that_32_bits_of_a_float_cannot_hold() -> anndata.AnnData:
    """Whole numbers above 2**24 keep their digits."""
    return with_x(counts("int64") + 16_777_217)


@case()
def sparse_counts_that_32_bits_of_a_float_cannot_hold() -> anndata.AnnData:
    """The same by cell, most of them 0."""
    return with_x(sp.csr_matrix(counts("int64") * 16_777_217))


@case()
def numbers_beyond_32_bits_of_a_float() -> anndata.AnnData:
    """1e300 is neither infinite nor missing."""
    return with_x(counts("float64") * 1e300)


@case(forms=EVERY_FORM)
def missing_and_endless_expression() -> anndata.AnnData:
    """log of 0, 0 divided by 0: https://github.com/vib-singlecell-nf/vsn-pipelines/issues/261."""
    dense = counts("float64")
    dense[2, 0], dense[3, 0], dense[4, 1] = np.nan, np.inf, -np.inf
    adata = with_x(dense)
    adata.layers["sparse"] = sp.csr_matrix(dense)
    return adata


@case(forms=EVERY_FORM)
def indices_out_of_order() -> anndata.AnnData:
    """https://github.com/theislab/anndata2ri/issues/51: nobody sorted them."""
    matrix = sp.csr_matrix(counts())
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        matrix.indices[start:end] = matrix.indices[start:end][::-1].copy()
        matrix.data[start:end] = matrix.data[start:end][::-1].copy()
    matrix.has_sorted_indices = False
    return with_x(matrix)


@case()
def entries_that_are_there_twice() -> anndata.AnnData:
    """Two values of one cell and gene are summed, as scipy does."""
    data, indices = np.array([1.5, 2.0, 4.0] * CELLS, dtype=np.float32), np.array([1, 1, 3] * CELLS)
    adata = with_x(sp.csr_matrix((data, indices, np.arange(CELLS + 1) * 3), shape=(CELLS, GENES)))
    twice = (np.arange(4.0), np.array([0, 0, 5, 5]), np.array([0, 2, 4, 4, 4, 4]))
    adata.layers["by gene"] = sp.csc_matrix(twice, shape=(CELLS, GENES))
    return adata


@case()
def stored_zeros() -> anndata.AnnData:
    """Entries that are stored and are 0, as after ``X.data[mask] = 0``."""
    matrix = sp.csr_matrix(counts())
    matrix.data[::2] = 0
    return with_x(matrix)


@case()
def indices_with_64_bits() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/1349: as matrices of more than 2**31 entries have."""
    matrix = sp.csr_matrix(counts())
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64)
    return with_x(matrix)


@case()
def indices_of_two_widths() -> anndata.AnnData:
    """https://github.com/scverse/scanpy/issues/3331: indptr of 64 bits, indices of 32."""
    matrix = sp.csr_matrix(counts())
    matrix.indptr = matrix.indptr.astype(np.int64)
    return with_x(matrix)


@case(lacks={"view": "pandas takes no part of a column with the other byte order"})
def the_other_byte_order() -> anndata.AnnData:
    """Big endian."""
    adata = with_x(counts(">f4"))
    adata.obs["score"] = adata.obs["score"].to_numpy().astype(">f8")
    return adata


@case()
def nothing_in_x() -> anndata.AnnData:
    """Every entry is 0, none is stored."""
    return with_x(sp.csr_matrix((CELLS, GENES), dtype=np.float32))


@case()
def no_x() -> anndata.AnnData:
    """Layers only, as Seurat 5 has them."""
    adata = cells()
    return anndata.AnnData(
        obs=adata.obs, var=adata.var, obsm=dict(adata.obsm), layers={"counts": adata.X, "data": adata.X * 2}
    )


@case()
def no_genes() -> anndata.AnnData:
    """An AnnData of annotations, as scirpy's: X has no columns."""
    adata = cells()
    return anndata.AnnData(
        np.zeros((CELLS, 0), dtype=np.float32), obs=adata.obs, var=pd.DataFrame(index=[]), obsm=dict(adata.obsm)
    )


@case()
def one_gene() -> anndata.AnnData:
    """A single column stays a column."""
    return cells(genes=1)


@case()
def one_cell() -> anndata.AnnData:
    """A single row stays a row."""
    return cells(count=1)


@case()
def two_cells() -> anndata.AnnData:
    """The least that has an extent."""
    return cells(count=2)


@case()
def a_transposed_anndata() -> anndata.AnnData:
    """``.T`` of genes by cells, as loom files are read: CSR becomes CSC."""
    adata = cells()
    turned = anndata.AnnData(sp.csr_matrix(adata.X.T), obs=adata.var, var=adata.obs[["score"]]).T
    turned.obs["cell_type"] = adata.obs["cell_type"]
    turned.obsm["X_umap"] = adata.obsm["X_umap"]
    return turned


@case(forms=IN_MEMORY, lacks={"export": "prepare() writes what is masked"})
def masked_expression() -> anndata.AnnData:
    """np.ma: what is masked is missing."""
    return with_x(np.ma.masked_equal(counts(), 1))


@case(forms=IN_MEMORY)
def a_matrix_that_lies_in_a_file() -> anndata.AnnData:
    """np.memmap, and h5py's dataset, as X and a layer."""
    folder = Path(tempfile.mkdtemp())
    mapped = np.memmap(folder / "x", dtype="f4", mode="w+", shape=(CELLS, GENES))
    mapped[:] = counts()
    adata = with_x(mapped)
    file = h5py.File(folder / "x.h5", "w")
    file["dense"] = counts() * 2
    adata.layers["stored"] = file["dense"]
    return adata


@case(forms=IN_MEMORY, lacks={"view": "anndata takes no part of such a layer"})
def sparse_matrices_that_lie_in_a_file() -> anndata.AnnData:
    """``anndata.io.sparse_dataset``, by cell and by gene."""
    file = h5py.File(Path(tempfile.mkdtemp()) / "x.h5", "w")
    adata = cells()
    for name, matrix in {"by cell": adata.X, "by gene": sp.csc_matrix(adata.X * 2)}.items():
        anndata.io.write_elem(file, name, matrix)
        adata.layers[name] = anndata.io.sparse_dataset(file[name])
    return adata


@case(forms=IN_MEMORY, lacks={"view": "it is one"})
def a_view_of_a_view() -> anndata.AnnData:
    """Every second cell, two genes turned around, then all cells backwards."""
    adata = cells()
    adata.raw = anndata.AnnData(adata.X * 2, var=adata.var)
    adata.layers["twice"] = sp.csc_matrix(adata.X * 2)
    return adata[::2][:, [3, 1]][::-1]


@case(forms=IN_MEMORY, lacks={"view": "it is one"})
def a_view_with_cells_twice() -> anndata.AnnData:
    """Cells drawn with replacement."""
    adata = cells()
    adata.layers["dense"] = counts() * 3
    return adata[[0, 0, 7, 3, 7]]


@case(forms=IN_MEMORY, lacks={"view": "it is one"})
def a_view_of_a_transposed_anndata() -> anndata.AnnData:
    """Genes as cells, some of them."""
    adata = cells()
    adata.varm["X_umap"] = np.arange(10.0).reshape(5, 2)
    return adata.T[[1, 3], :5]


@case(lacks={"export": "prepare() writes float32"})
def counts_beyond_53_bits_and_below_zero() -> anndata.AnnData:
    """int64 and uint64, by cell, by gene and dense: the largest that a double has, and a negative one."""
    large = counts("int64")
    large[0, :] = 2**53
    large[1, :] = -(2**40) - 1
    adata = with_x(large)
    adata.layers["sparse"] = sp.csr_matrix(large)
    adata.layers["unsigned"] = sp.csc_matrix(np.abs(large).astype(np.uint64))
    return adata


@case(forms=EVERY_FORM)
def sparse_truth_values() -> anndata.AnnData:
    """Whether a gene is on, by cell and by gene."""
    adata = with_x(sp.csr_matrix(counts() > 0))
    adata.layers["by gene"] = sp.csc_matrix(counts() > 1)
    return adata


@case()
def numbers_that_are_missing_among_stored_ones() -> anndata.AnnData:
    """Stored NaN and infinities in a sparse matrix; a gene that has nothing else."""
    values = counts("float64")
    values[2, :] = np.nan
    values[3, :] = -np.inf
    values[:, 4] = np.nan
    adata = with_x(sp.csr_matrix(values))
    adata.layers["by gene"] = sp.csc_matrix(values)
    return adata


@case()
def numbers_that_differ_far_behind_the_point() -> anndata.AnnData:
    """A gene around 1000 whose cells differ by a millionth: dense, and every entry stored."""
    values = 1000 + counts("float64") * 1e-6
    adata = with_x(values)
    adata.layers["by cell"] = sp.csr_matrix(values)
    adata.layers["by gene"] = sp.csc_matrix(values)
    return adata


@case(forms=IN_MEMORY)
def a_table_of_pandas_as_a_layer() -> anndata.AnnData:
    """``adata.to_df()``, changed, and put back."""
    adata = cells()
    adata.layers["scaled"] = adata.to_df() * 3
    return adata


@case()
def raw_of_another_type() -> anndata.AnnData:
    """Counts as int32 in raw, their logarithm as float64 in X."""
    adata = with_x(sp.csr_matrix(counts("int32")))
    adata.raw = adata
    adata.X = np.log1p(counts("float64"))
    return adata
