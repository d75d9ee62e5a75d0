"""Tables in obsm: what can be drawn, and which of them comes first."""

from __future__ import annotations

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from case_table import CELLS, EVERY_FORM, IN_MEMORY, case, cells, positions


def with_tables(tables: dict[str, object]) -> anndata.AnnData:
    """Return plain cells with these tables in obsm alone."""
    adata = cells(umap=None)
    for key, table in tables.items():
        adata.obsm[key] = table
    return adata


def frame(columns: list[str], seed: int = 3) -> pd.DataFrame:
    """Return a table with named columns, for the plain cells."""
    return pd.DataFrame(positions(columns=len(columns), seed=seed), index=cells().obs_names, columns=columns)


@case("UMAP")
def names_of_bioconductor() -> anndata.AnnData:
    """reducedDims are PCA, TSNE and UMAP, without ``X_``: https://github.com/theislab/anndata2ri/issues/9."""
    return with_tables(
        {"PCA": positions(columns=12), "TSNE": positions(columns=2, seed=4), "UMAP": positions(columns=2, seed=5)}
    )


@case("TSNE")
def only_a_tsne_of_bioconductor() -> anndata.AnnData:
    """t-SNE goes before PCA by any spelling."""
    return with_tables({"PCA": positions(columns=12), "TSNE": positions(seed=4)})


@case("PCA")
def only_a_pca_of_bioconductor() -> anndata.AnnData:
    """Its first two components are a picture."""
    return with_tables({"PCA": positions(columns=12)})


@case("X_UMAP")
def upper_case_with_the_prefix() -> anndata.AnnData:
    """https://github.com/interactivereport/cellxgene_VIP/issues/18: some write X_UMAP and X_PCA."""
    return with_tables({"X_PCA": positions(columns=12), "X_UMAP": positions(seed=6)})


@case("X_umap")
def a_umap_of_ten_components() -> anndata.AnnData:
    """The first two of its components are drawn when there is nothing else."""
    return with_tables({"X_umap": positions(columns=10)})


@case("umap")
def lower_case_without_the_prefix() -> anndata.AnnData:
    """As Seurat names its reductions: https://github.com/satijalab/seurat/issues/4311."""
    return with_tables({"pca": positions(columns=12), "umap": positions(seed=5)})


@case("X_umap")
def a_table_of_pandas() -> anndata.AnnData:
    """https://github.com/theislab/scvelo/issues/884: obsm holds a DataFrame."""
    return with_tables({"X_umap": frame(["UMAP_1", "UMAP_2"])})


@case("X_umap", forms=EVERY_FORM)
def a_table_of_pandas_of_several_types() -> anndata.AnnData:
    """One column of integers, one of floats that may be missing."""
    table = frame(["one", "two"])
    table["one"] = np.arange(CELLS)
    table.loc[table.index[3], "two"] = np.nan
    return with_tables({"X_umap": table})


@case("X_umap", offered=["X_umap"], notes=["meta"])
def a_table_with_texts() -> anndata.AnnData:
    """Texts beside the embedding: no place of a cell."""
    texts = pd.DataFrame({"donor": ["a", "b"] * (CELLS // 2), "x": 1.0}, index=cells().obs_names)
    return with_tables({"X_umap": positions(), "meta": texts})


@case("X_umap", forms=EVERY_FORM)
def a_sparse_table() -> anndata.AnnData:
    """https://github.com/scverse/scanpy/pull/711: obsm may be sparse, by cell and by column."""
    table = positions()
    table[::3] = 0
    return with_tables({"X_umap": sp.csr_matrix(table), "X_other": sp.csc_matrix(table * 2)})


@case("X_umap")
def a_sparse_array() -> anndata.AnnData:
    """csr_array is not csr_matrix."""
    return with_tables({"X_umap": sp.csr_array(positions())})


@case("X_umap")
def one_column() -> anndata.AnnData:
    """A pseudotime as an embedding of one dimension."""
    return with_tables({"X_umap": positions(columns=1)})


@case("X_pseudotime")
def one_column_of_any_name() -> anndata.AnnData:
    """One dimension, and nothing else."""
    return with_tables({"X_pseudotime": positions(columns=1), "X_scvi": positions(columns=10)})


@case("coordinates")
def two_columns_of_any_name() -> anndata.AnnData:
    """Without ``X_``: https://github.com/chanzuckerberg/cellxgene/issues/2499."""
    return with_tables({"X_scVI": positions(columns=10), "coordinates": positions()})


@case("X_umap")
def three_columns() -> anndata.AnnData:
    """Made for 3D, and drawn in 2D too."""
    return with_tables({"X_umap": positions(columns=3)})


@case("X_umap_3d")
def names_with_a_number_of_dimensions() -> anndata.AnnData:
    """X_umap_3d was made for a picture in 3D."""
    return with_tables({"X_pca": positions(columns=10), "X_umap": positions(), "X_umap_3d": positions(columns=3)})


@case("X_umap")
def whole_numbers_as_positions() -> anndata.AnnData:
    """Pixels of an image."""
    return with_tables({"X_umap": (positions() * 1000).astype(np.int32), "spatial": (positions() * 99).astype("u2")})


@case("X_umap")
def positions_with_16_bits() -> anndata.AnnData:
    """Half precision, to save space."""
    return with_tables({"X_umap": positions().astype(np.float16)})


@case("X_umap")
def positions_far_from_the_origin() -> anndata.AnnData:
    """Micrometres of a stage: 32 bits have to hold the differences after the centre is taken off."""
    return with_tables({"X_umap": positions() + 1e5})


FAR = "prepare() rounds to float32 before it centres"


@case("spatial", forms=EVERY_FORM, lacks={"export": FAR})
def places_in_nanometres() -> anndata.AnnData:
    """float32 has whole numbers alone from 8 million on: places would fall onto a grid."""
    return with_tables({"spatial": positions() / 10 + 1e7 + 0.3})


@case("spatial", lacks={"export": FAR})
def places_on_a_map() -> anndata.AnnData:
    """UTM: the north lies millions of metres from where it counts, and a cell is micrometres wide."""
    return with_tables({"spatial": positions() * 1e-5 + [500_000.25, 4_649_776.5]})


@case("X_pixels", lacks={"export": FAR})
def places_as_large_whole_numbers() -> anndata.AnnData:
    """Picometres, as int64, and as unsigned numbers of 32 bits."""
    places = (positions() * 100).astype(np.int64)
    return with_tables({"spatial": places + 10**12, "X_pixels": (places + 4 * 10**9).astype("u4")})


@case("X_umap", lacks={"export": FAR})
def a_table_of_pandas_far_from_the_origin() -> anndata.AnnData:
    """Columns of a table, one of them of nullable whole numbers, with one that is missing."""
    table = frame(["x", "y"]) + 1e7
    table["y"] = pd.array((positions(seed=7)[:, 0] * 9).astype(np.int64) + 10**9, dtype="Int64")
    table.iloc[4, 1] = pd.NA
    return with_tables({"X_umap": table})


@case("X_umap", forms=EVERY_FORM)
def a_sparse_table_far_from_the_origin() -> anndata.AnnData:
    """By cell and by column, every number stored."""
    table = positions() + 1e7
    return with_tables({"X_umap": sp.csr_matrix(table), "X_other": sp.csc_matrix(table * 2)})


@case("X_umap", lacks={"export": FAR})
def positions_that_float32_cannot_hold() -> anndata.AnnData:
    """Too large for it, and too small."""
    return with_tables({"X_umap": positions() * 1e200, "X_small": positions() * 1e-200})


@case("X_umap")
def positions_with_the_other_byte_order() -> anndata.AnnData:
    """Written on a machine of another kind."""
    return with_tables({"X_umap": positions().astype(">f4")})


@case("X_umap")
def positions_by_column_in_memory() -> anndata.AnnData:
    """Fortran order, as R's matrices are."""
    return with_tables({"X_umap": np.asfortranarray(positions(columns=3))})


@case("X_umap")
def some_cells_without_a_place() -> anndata.AnnData:
    """NaN in rows: https://github.com/chanzuckerberg/cellxgene/issues/1118."""
    table = positions()
    table[[2, 5]] = np.nan
    table[7, 1] = np.inf
    return with_tables({"X_umap": table})


@case("X_umap")
def no_cell_with_a_place() -> anndata.AnnData:
    """All NaN: cells of a part that was not embedded."""
    return with_tables({"X_umap": np.full((CELLS, 2), np.nan)})


@case("X_umap")
def all_cells_in_one_place() -> anndata.AnnData:
    """No extent along any axis."""
    return with_tables({"X_umap": np.full((CELLS, 2), 5.0)})


@case("X_umap")
def no_columns() -> anndata.AnnData:
    """A model without latent dimensions."""
    return with_tables({"X_umap": positions(), "X_none": np.zeros((CELLS, 0))})


@case("spatial")
def spatial_only() -> anndata.AnnData:
    """The places in the tissue are all there is."""
    return with_tables({"spatial": positions()})


@case("X_umap")
def an_embedding_beside_places_in_the_tissue() -> anndata.AnnData:
    """UMAP goes before spatial."""
    return with_tables({"spatial": positions(), "X_pca": positions(columns=5), "X_umap": positions(seed=9)})


@case("X_tsne")
def an_embedding_that_the_file_asks_for() -> anndata.AnnData:
    """``default_embedding`` of CELLxGENE's schema."""
    adata = with_tables({"X_umap": positions(), "X_tsne": positions(seed=4)})
    adata.uns["default_embedding"] = "X_tsne"
    return adata


@case("X_umap")
def an_embedding_that_is_asked_for_and_absent() -> anndata.AnnData:
    """What is named there is not in obsm (any more)."""
    adata = with_tables({"X_umap": positions(), "X_tsne": positions(seed=4)})
    adata.uns["default_embedding"] = "X_gone"
    return adata


@case("X_draw_graph_fa")
def force_directed() -> anndata.AnnData:
    """As ``sc.tl.draw_graph`` names it."""
    return with_tables({"X_diffmap": positions(columns=15), "X_draw_graph_fa": positions()})


@case("X_umap")
def velocities_beside_the_embedding() -> anndata.AnnData:
    """scvelo's arrows are a table of two columns: https://github.com/theislab/scvelo/issues/884."""
    return with_tables({"velocity_umap": positions(seed=8), "X_umap": positions()})


@case("X_umap", notes=["tensor"])
def a_table_of_three_axes() -> anndata.AnnData:
    """Not a table: a matrix for each cell."""
    return with_tables({"X_umap": positions(), "tensor": np.zeros((CELLS, 2, 2))})


@case("X_umap_harmony")
def names_after_a_method() -> anndata.AnnData:
    """``X_umap_harmony`` beside ``X_pca_harmony`` of fifty components."""
    return with_tables({"X_pca_harmony": positions(columns=50), "X_umap_harmony": positions()})


@case(
    forms=IN_MEMORY,
    lacks={"view": "anndata drops the mask where it takes a part", "export": "prepare() writes what is masked"},
)
def masked_positions() -> anndata.AnnData:
    """np.ma: what is masked is missing."""
    table = np.ma.masked_array(positions())
    table[3] = np.ma.masked
    return with_tables({"X_umap": table})


@case("X_umap", forms=IN_MEMORY)
def positions_as_objects() -> anndata.AnnData:
    """Numbers in an array of objects."""
    return with_tables({"X_umap": positions().astype(object)})


@case("X_umap", offered=["X_umap"], notes=["X_flags", "X_complex"])
def tables_of_what_are_no_numbers() -> anndata.AnnData:
    """Truth values and complex numbers."""
    return with_tables({"X_umap": positions(), "X_flags": positions() > 0, "X_complex": positions() * 1j})


@case("X_tsne", forms=IN_MEMORY)
def the_first_embedding_as_a_text_of_numpy() -> anndata.AnnData:
    """``uns`` of a table that NumPy made."""
    adata = with_tables({"X_umap": positions(), "X_tsne": positions(seed=4)})
    adata.uns["default_embedding"] = np.str_("tsne")
    return adata


@case("X_umap")
def the_first_embedding_as_something_else() -> anndata.AnnData:
    """A list of two where a name belongs."""
    adata = with_tables({"X_umap": positions(), "X_tsne": positions(seed=4)})
    adata.uns["default_embedding"] = np.array(["X_tsne", "X_umap"])
    return adata


@case("X_umap", forms=EVERY_FORM)
def one_cell_far_from_all_others() -> anndata.AnnData:
    """The others stay apart from each other as far as 24 bits of the whole extent allow."""
    table = positions()
    table[3] = [1e9, -1e9]
    return with_tables({"X_umap": table})


@case("X_umap")
def an_axis_without_an_extent() -> anndata.AnnData:
    """Cells on a line, far from the origin."""
    table = positions() + 1e7
    table[:, 1] = 12_345_678.9
    return with_tables({"X_umap": table})
