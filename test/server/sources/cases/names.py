"""Names of cells, genes and columns."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd
from case_table import CELLS, EVERY_FORM, GENES, IN_MEMORY, case, cells, positions


def named(*, obs: Any = None, var: Any = None) -> anndata.AnnData:
    """Return plain cells with other names, put where anndata does not look at them again."""
    adata = cells()
    if obs is not None:
        adata.obs.index = obs
    if var is not None:
        adata.var.index = var
    return adata


@case(memory_only="anndata cannot write names of columns that are no texts")
def whole_numbers_as_names_of_columns() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/31, /321, /438."""
    adata = cells()
    adata.obs[0] = pd.Categorical(["x", "y", "z"] * (CELLS // 3))
    adata.obs[1] = np.arange(float(CELLS))
    return adata


@case(memory_only="anndata cannot write two columns of one name")
def two_columns_of_one_name() -> anndata.AnnData:
    """pd.concat(axis=1) of the same scores."""
    adata = cells()
    adata.obs = pd.concat([adata.obs, adata.obs[["score"]] * 2], axis=1)
    return adata


@case(memory_only="anndata refuses the name that it keeps for the index")
def a_column_named_index() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/990: ``_index`` came back from a file as a column."""
    adata = cells()
    adata.obs["_index"] = np.arange(CELLS)
    return adata


@case()
def columns_named_like_parts_of_a_file() -> anndata.AnnData:
    """index, categories, codes, ``__categories``, obs, X, uns."""
    adata = cells()
    for place, name in enumerate(["index", "categories", "codes", "X", "obs", "uns", "column-order", "."]):
        if name != ".":
            adata.obs[name] = np.arange(CELLS) + place
    return adata


@case()
def the_index_has_a_name() -> anndata.AnnData:
    """``obs.index.name`` is "barcode", of var "gene_ids"."""
    adata = cells()
    adata.obs.index.name, adata.var.index.name = "barcode", "gene_ids"
    return adata


@case()
def a_column_repeats_the_index() -> anndata.AnnData:
    """The index is called like a column that holds the same: https://github.com/scverse/scanpy/issues/2297."""
    adata = cells()
    adata.obs["barcode"] = adata.obs_names.to_numpy()
    adata.obs.index.name = "barcode"
    return adata


@case(forms=EVERY_FORM)
def categories_as_names() -> anndata.AnnData:
    """A CategoricalIndex of cells and genes."""
    adata = cells()
    return named(obs=pd.CategoricalIndex(adata.obs_names), var=pd.CategoricalIndex(adata.var_names))


@case(lacks={"view": "anndata makes texts of such names, or refuses, when it takes a part"})
def whole_numbers_as_names_of_cells() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/35, /84."""
    return named(obs=pd.RangeIndex(CELLS), var=pd.Index(np.arange(GENES) * 10))


@case(
    memory_only="anndata cannot write several levels of names",
    lacks={"view": "anndata makes texts of such names, or refuses, when it takes a part"},
)
def names_of_two_levels() -> anndata.AnnData:
    """A MultiIndex of sample and barcode."""
    pairs = [("s1", f"c{i}") for i in range(CELLS)]
    return named(obs=pd.MultiIndex.from_tuples(pairs))


@case(
    memory_only="anndata cannot write dates as names",
    lacks={"view": "anndata makes texts of such names, or refuses, when it takes a part"},
)
def dates_as_names_of_cells() -> anndata.AnnData:
    """A series in time: a cell is a moment."""
    return named(obs=pd.date_range("2024-01-01", periods=CELLS))


@case()
def bytes_as_names() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/628: from a file of another program."""
    return named(
        obs=pd.Index([f"c{i}".encode() for i in range(CELLS)]), var=pd.Index([f"g{i}".encode() for i in range(GENES)])
    )


@case()
def names_of_cells_that_repeat() -> anndata.AnnData:
    """Barcodes of several samples: https://github.com/scverse/anndata/issues/1391."""
    return named(obs=pd.Index(["AAAC-1", "TTTG-1"] * (CELLS // 2)))


@case(lacks={"export": "prepare() gives genes of one name other names"})
def names_of_genes_that_repeat() -> anndata.AnnData:
    """Symbols are not unique."""
    return named(var=pd.Index(["A", "B", "A", "C", "B"]))


@case(lacks={"export": "prepare() gives genes of one name other names"})
def names_of_genes_that_look_made_unique() -> anndata.AnnData:
    """``var_names_make_unique`` was here, and "A (1 of 2)" is a gene's own name."""
    return named(var=pd.Index(["A", "A-1", "A (1 of 2)", "A", "B"]))


@case(memory_only="anndata refuses missing names")
def a_gene_without_a_name() -> anndata.AnnData:
    """NaN among names of genes, from a table of symbols."""
    return named(var=pd.Index(["A", np.nan, "C", "D", "E"], dtype=object))


@case()
def empty_and_strange_names() -> anndata.AnnData:
    """An empty name, blanks, slashes, percent, quotes, markup."""
    return named(var=pd.Index(["", " ", "a/b", "100%", "<i>\"'"]), obs=pd.Index(["", *(f"c {i}/%" for i in range(23))]))


@case(forms=EVERY_FORM)
def names_beyond_ascii() -> anndata.AnnData:
    """Greek, Japanese, an emoji, a letter of two parts."""
    return named(
        var=pd.Index(["HLA-β", "遺伝子", "🧬", "e\u0301", "ﬁ"]), obs=pd.Index([f"細胞{i}" for i in range(CELLS)])
    )


@case(forms=["h5ad"])
def very_long_names() -> anndata.AnnData:
    """Four thousand letters."""
    long = "L" * 4_000
    adata = named(
        var=pd.Index([long + str(i) for i in range(GENES)]), obs=pd.Index([long + str(i) for i in range(CELLS)])
    )
    adata.obs[long] = np.arange(CELLS)
    return adata


@case(memory_only="UTF-8 has no half characters")
def half_characters() -> anndata.AnnData:
    """A file name that Python could not decode becomes half a character: shown with a replacement."""
    adata = named(
        obs=pd.Index([f"c\udc80{i}" for i in range(CELLS)]), var=pd.Index([f"g\ud83d{i}" for i in range(GENES)])
    )
    adata.obs["sample\udc81"] = pd.Categorical(["a\udcff", "b"] * (CELLS // 2))
    return adata


@case("X_\ufffd", memory_only="no file can hold half a character", lacks={"export": "prepare() writes no such name"})
def half_characters_as_names_of_tables() -> anndata.AnnData:
    """The same in obsm, layers and var: what is shown with a replacement can be asked for."""
    adata = cells(umap=None)
    adata.obsm["X_\udc80"] = positions()
    adata.layers["counts\udc81"] = adata.X * 2
    adata.var["symbol\udc82"] = [f"S{i}" for i in range(GENES)]
    return adata


@case()
def names_that_are_numbers_as_texts() -> anndata.AnnData:
    """ "0", "1" … as anndata numbers what has no name."""
    return named(obs=pd.Index([str(i) for i in range(CELLS)]), var=pd.Index([str(i) for i in range(GENES)]))


@case()
def ensembl_ids_with_symbols_in_a_column() -> anndata.AnnData:
    """CELLxGENE's schema: ids as names, ``feature_name`` as categories, some of them missing."""
    adata = named(var=pd.Index([f"ENSG{i:011d}" for i in range(GENES)]))
    adata.var["feature_name"] = pd.Categorical(["TP53", "CD3D", None, "CD3D", "ENSG00000000004"])
    adata.uns["schema_version"] = "5.2.0"
    return adata


@case()
def names_as_strings_of_pandas() -> anndata.AnnData:
    """What pandas 3 makes of any names."""
    adata = cells()
    return named(obs=adata.obs_names.astype("string"), var=adata.var_names.astype("string"))


@case(forms=IN_MEMORY)
def labels_of_every_type_as_names_of_columns() -> anndata.AnnData:
    """A pair, a float, None, NaN, a truth value, a date: whatever ``adata.obs[x] = …`` takes."""
    adata = cells()
    for place, label in enumerate([("x", "y"), 1.5, None, True, pd.Timestamp("2024-01-01")]):
        adata.obs[label] = np.arange(CELLS) * (place + 2)
    return adata
