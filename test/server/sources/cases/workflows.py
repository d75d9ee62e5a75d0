"""What a notebook's usual steps leave behind."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from case_table import CELLS, EVERY_FORM, case, cells, positions


@case(forms=EVERY_FORM)
def an_outer_join_of_two_data_sets() -> anndata.AnnData:
    """Columns and categories that one of them lacks: https://github.com/scverse/anndata/issues/2394."""
    one, two = cells(14, 5), cells(10, 4)
    one.obs["only_one"] = np.arange(14.0)
    one.obs["kind"] = pd.Categorical(["a", "b"] * 7)
    two.var_names = ["GENE0", "GENE9", "GENE1", "GENE8"]
    two.obs["kind"] = pd.Categorical(["c", "b"] * 5)
    two.obsm["X_tsne"] = np.ones((10, 2))
    return anndata.concat([one, two], join="outer", label="batch", keys=["one", "two"], index_unique="-")


@case()
def an_inner_join_without_unique_names() -> anndata.AnnData:
    """Cells of both are called alike."""
    return anndata.concat([cells(12), cells(12)], label="batch")


@case()
def normalised_and_logarithmised() -> anndata.AnnData:
    """The first steps of every tutorial, with raw kept before scaling."""
    import scanpy as sc

    adata = cells(40, 12)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    adata.raw = adata
    sc.pp.scale(adata, max_value=10)
    return adata


@case("X_umap")
def analysed_in_place() -> anndata.AnnData:
    """PCA and a diffusion map beside the embedding, a graph in obsp, records in uns."""
    import scanpy as sc

    adata = cells(40, 12)
    sc.pp.log1p(adata)
    sc.pp.pca(adata, n_comps=4)
    adata.obsm["X_diffmap"] = positions(40, 4)
    adata.obsp["connectivities"] = sp.eye(40, format="csr")
    sc.tl.rank_genes_groups(adata, "cell_type", method="t-test")
    return adata


@case()
def genes_filtered_with_raw_kept() -> anndata.AnnData:
    """``filter_genes`` makes X smaller than raw."""
    import scanpy as sc

    adata = cells(40, 12)
    adata.X = sp.csr_matrix(adata.X.multiply(np.arange(12) % 3 > 0).astype(np.float32))
    adata.raw = adata
    sc.pp.filter_genes(adata, min_cells=3)
    return adata


@case()
def cells_filtered_with_colours() -> anndata.AnnData:
    """A subset was copied: its categories without cells are gone, and so are their colours."""
    adata = cells()
    adata.uns["cell_type_colors"] = ["red", "lime", "blue"]
    return adata[adata.obs["cell_type"] != "NK"].copy()


@case()
def quality_in_obs_and_var() -> anndata.AnnData:
    """``calculate_qc_metrics`` adds int32, float32 and float64 columns."""
    import scanpy as sc

    adata = cells(40, 12)
    adata.var["mt"] = adata.var_names.str.endswith("1")
    sc.pp.calculate_qc_metrics(adata, qc_vars=["mt"], percent_top=[2], inplace=True)
    return adata


@case()
def a_graph_of_neighbours_beside() -> anndata.AnnData:
    """obsp, varm, varp and deep uns are no pictures."""
    adata = cells()
    adata.obsp["connectivities"] = sp.eye(CELLS, format="csr")
    adata.varm["PCs"] = np.zeros((adata.n_vars, 3))
    adata.uns["deep"] = {"a": {"b": np.arange(3), "c": "text", "d": pd.DataFrame({"x": [1, 2]})}}
    return adata


@case("spatial")
def spots_of_a_slide() -> anndata.AnnData:
    """Visium: places in obsm, an image and its scale in uns."""
    adata = cells(umap="spatial")
    adata.obs["in_tissue"] = np.ones(CELLS, dtype=np.int64)
    adata.uns["spatial"] = {
        "lib": {"images": {"hires": np.zeros((4, 4, 3), dtype=np.float32)}, "scalefactors": {"s": 1.5}}
    }
    return adata
