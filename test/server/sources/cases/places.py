"""Where expression is: X, layers of any name, raw with genes of its own."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from case_table import CELLS, EVERY_FORM, case, cells


@case()
def a_layer_named_raw() -> anndata.AnnData:
    """https://github.com/chanzuckerberg/cellxgene-census/issues/760: there is no ``adata.raw``."""
    adata = cells()
    adata.layers["raw"] = adata.X * 7
    adata.layers["normalized"] = adata.X / 2
    return adata


@case()
def a_layer_named_raw_beside_raw() -> anndata.AnnData:
    """Both are there, and hold other numbers."""
    adata = cells()
    adata.raw = anndata.AnnData(adata.X * 3, var=adata.var)
    adata.layers["raw"] = adata.X * 7
    return adata


@case(forms=["h5ad"])
def a_layer_named_x() -> anndata.AnnData:
    """``layers["X"]`` is not ``X``."""
    adata = cells()
    adata.layers["X"] = adata.X * 5
    adata.layers["x"] = adata.X * 6
    return adata


@case(forms=["h5ad"])
def layers_with_any_name() -> anndata.AnnData:
    """Blanks, percent, Greek, dots, an empty name, what a URL takes for something else."""
    adata = cells()
    for place, name in enumerate(["log counts", "100%25", "γδ", "..", "a#b?c=d&e", "None", "null", "layers", "raw.X"]):
        adata.layers[name] = adata.X * (place + 2)
    return adata


@case(memory_only="anndata takes a slash in a name for a folder")
def layers_with_slashes() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/2450."""
    adata = cells()
    adata.layers["G1/S"] = adata.X * 2
    adata.layers["raw/X"] = adata.X * 3
    adata.layers[""] = adata.X * 4
    adata.obs["pct/mt"] = np.arange(CELLS) / 2
    return adata


@case(forms=EVERY_FORM)
def raw_with_more_genes() -> anndata.AnnData:
    """``filter_genes`` or highly variable genes after ``adata.raw = adata``."""
    adata = cells(genes=8)
    adata.raw = adata
    adata = adata[:, [6, 1, 3]].copy()
    adata.X = adata.X * 10
    return adata


@case()
def raw_with_fewer_genes() -> anndata.AnnData:
    """A gene of X that raw lacks: scanpy refuses it, as raw is what it reads."""
    adata = cells()
    adata.raw = anndata.AnnData(adata.X[:, [3, 1]] * 2, var=adata.var.iloc[[3, 1]])
    return adata


@case()
def raw_with_names_of_its_own() -> anndata.AnnData:
    """Ensembl ids in raw, symbols in X: https://github.com/chanzuckerberg/cellxgene/issues/1152 links such files."""
    adata = cells()
    var = pd.DataFrame({"feature_name": adata.var_names}, index=[f"ENSG{i:011d}" for i in range(adata.n_vars)])
    adata.raw = anndata.AnnData(adata.X * 2, var=var)
    return adata


@case()
def raw_by_gene_and_dense() -> anndata.AnnData:
    """raw as CSC while X is dense and scaled."""
    adata = cells()
    adata.raw = anndata.AnnData(sp.csc_matrix(adata.X), var=adata.var)
    adata.X = np.random.default_rng(3).normal(size=adata.shape)
    return adata


@case()
def raw_of_no_genes() -> anndata.AnnData:
    """raw from an AnnData of annotations."""
    adata = cells()
    adata.raw = anndata.AnnData(np.zeros((CELLS, 0), dtype=np.float32), obs=adata.obs[[]])
    return adata


@case()
def layers_of_velocity() -> anndata.AnnData:
    """scvelo: spliced, unspliced, ambiguous, Ms, Mu, velocity with NaN genes."""
    adata = cells()
    for place, name in enumerate(["spliced", "unspliced", "ambiguous", "matrix"]):
        adata.layers[name] = sp.csr_matrix(adata.X.toarray().astype(np.uint16) + place)
    velocity = np.random.default_rng(2).normal(size=adata.shape)
    velocity[:, 2] = np.nan
    adata.layers["velocity"] = velocity
    return adata


@case()
def a_column_named_like_a_gene() -> anndata.AnnData:
    """obs and var share a name: scanpy 1.12 takes the column."""
    adata = cells()
    adata.obs["GENE1"] = np.arange(CELLS) * 2.5
    return adata
