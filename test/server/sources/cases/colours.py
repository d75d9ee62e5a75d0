"""Colours in uns: those of scanpy's users, right and wrong ones."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np
import pandas as pd
from case_table import CELLS, EVERY_FORM, IN_MEMORY, case, cells


def coloured(colors: Any, key: str = "cell_type_colors") -> anndata.AnnData:
    """Return plain cells, of three types, with these colours."""
    adata = cells()
    adata.uns[key] = colors
    return adata


@case()
def colours_as_hex() -> anndata.AnnData:
    """As scanpy writes them."""
    return coloured(["#ff0000", "#00FF00", "#0000ff"])


@case()
def colours_as_names() -> anndata.AnnData:
    """CSS and matplotlib names, a grey as text."""
    return coloured(np.array(["tab:blue", "Gold", "0.5"]))


@case()
def colours_of_xkcd_and_of_the_cycle() -> anndata.AnnData:
    """``xkcd:`` names, ``C3``, single letters."""
    return coloured(["xkcd:sky blue", "C3", "k"])


@case(forms=EVERY_FORM)
def colours_as_triples() -> anndata.AnnData:
    """``sns.color_palette()`` gives tuples of red, green, blue."""
    return coloured(np.array([(1.0, 0.0, 0.0), (0.0, 0.5, 0.0), (0.2, 0.4, 0.6)]))


@case()
def colours_as_a_list_of_tuples() -> anndata.AnnData:
    """The same, not yet an array."""
    return coloured([(1.0, 0.0, 0.0), (0.0, 0.5, 0.0), (0.2, 0.4, 0.6)])


@case()
def colours_with_alpha() -> anndata.AnnData:
    """Red, green, blue and alpha; hex of eight digits."""
    return coloured(["#ff000080", "#00ff00ff", "#0000ff00"])


@case()
def colours_as_quadruples() -> anndata.AnnData:
    """``plt.cm.tab10(range(3))``."""
    return coloured(np.array([(1.0, 0.0, 0.0, 1.0), (0.0, 0.5, 0.0, 0.5), (0.2, 0.4, 0.6, 1.0)]))


@case(notes=["cell_type_colors"])
def too_few_colours() -> anndata.AnnData:
    """A category was added since: scanpy takes its default palette."""
    return coloured(["red", "blue"])


@case()
def too_many_colours() -> anndata.AnnData:
    """Categories were removed since: scanpy takes the first."""
    return coloured(["red", "lime", "blue", "black", "white"])


@case(notes=["cell_type_colors"])
def a_colour_that_is_none() -> anndata.AnnData:
    """One of them is no colour."""
    return coloured(["red", "notacolour", "blue"])


@case(notes=["cell_type_colors"])
def colours_by_category() -> anndata.AnnData:
    """A dict: scanpy takes its keys for colours, which they are not."""
    return coloured({"B cell": "red", "NK": "blue", "T": "lime"})


@case(notes=["score_colors"])
def colours_of_a_column_of_numbers() -> anndata.AnnData:
    """Numbers have no colours of their own."""
    return coloured(["red", "blue"], "score_colors")


@case()
def colours_of_nothing() -> anndata.AnnData:
    """A column that was dropped."""
    return coloured(["red", "blue"], "gone_colors")


@case()
def something_else_called_categories() -> anndata.AnnData:
    """``cell_type_categories`` in uns was the way of anndata 0.6; here it is somebody's own list."""
    adata = coloured(["red", "lime", "blue"])
    adata.uns["cell_type_categories"] = np.array(["x", "y"])
    adata.uns["score_categories"] = np.array(["low", "high"])
    return adata


@case()
def colours_with_categories_that_no_cell_has() -> anndata.AnnData:
    """Colour i belongs to category i, also of those without cells."""
    adata = coloured(["red", "lime", "blue", "gold"], "stage_colors")
    adata.obs["stage"] = pd.Categorical(["b", "d"] * (CELLS // 2), categories=["a", "b", "c", "d"])
    return adata


@case()
def greys_of_r() -> anndata.AnnData:
    """``grey80`` is a name that scanpy knows from R."""
    return coloured(["grey80", "gray", "gold"])


@case(forms=IN_MEMORY)
def colours_as_a_column_of_pandas() -> anndata.AnnData:
    """A Series with an index of its own, and an Index."""
    adata = coloured(pd.Series(["red", "lime", "blue"], index=[5, 6, 7]))
    adata.obs["other"] = pd.Categorical(["a", "b"] * (CELLS // 2))
    adata.uns["other_colors"] = pd.Index(["gold", "teal"])
    return adata


@case(forms=IN_MEMORY)
def colours_as_a_tuple() -> anndata.AnnData:
    """Not a list."""
    return coloured(("red", "lime", "blue"))


@case(forms=IN_MEMORY, notes=["cell_type_colors"])
def colours_from_0_to_255() -> anndata.AnnData:
    """Parts of bytes: scanpy raises."""
    return coloured([(255, 0, 0), (0, 255, 0), (0, 0, 255)])


@case(forms=IN_MEMORY, notes=["cell_type_colors"])
def a_colour_that_is_missing() -> anndata.AnnData:
    """NaN among the colours."""
    return coloured(["red", np.nan, "blue"])


@case(forms=IN_MEMORY)
def one_colour_as_a_text() -> anndata.AnnData:
    """A text is no list: scanpy reads r, e, d."""
    adata = cells()
    adata.obs["one"] = pd.Categorical(["only"] * CELLS)
    adata.uns["one_colors"] = "#ff0000"
    return adata


@case()
def no_colours() -> anndata.AnnData:
    """An empty list."""
    return coloured(np.array([], dtype=str))


@case(forms=EVERY_FORM)
def colours_of_more_categories_than_a_cycle_has() -> anndata.AnnData:
    """11, 21, 29 and 103 categories: each has a palette of its own, the last is grey."""
    adata = cells(110)
    for count in (11, 21, 29, 103):
        adata.obs[f"of {count}"] = pd.Categorical([f"c{i % count:03d}" for i in range(110)])
    return adata


@case(notes=["leiden_colors", "batch_colors"])
def colours_of_clusters_that_are_whole_numbers() -> anndata.AnnData:
    """Clusters as integers have a scale in scanpy, and their colours are left aside."""
    adata = coloured(["red", "blue"], "leiden_colors")
    adata.obs["leiden"] = np.arange(CELLS, dtype=np.int8) % 2
    adata.obs["batch"] = pd.array([None, *(i % 3 for i in range(CELLS - 1))], dtype="Int64")
    adata.uns["batch_colors"] = np.array(["#ff0000", "#00ff00", "#0000ff"])
    return adata


@case(forms=EVERY_FORM)
def colours_of_truth_values() -> anndata.AnnData:
    """False comes first, as everywhere."""
    adata = coloured(["#101010", "#fefefe"], "is_doublet_colors")
    adata.obs["is_doublet"] = np.arange(CELLS) % 3 == 0
    return adata


@case(forms=IN_MEMORY)
def colours_as_strings_and_as_categories_of_pandas() -> anndata.AnnData:
    """What pandas makes of a list of texts."""
    adata = coloured(pd.array(["red", "lime", "blue"], dtype="string"))
    adata.obs["phase"] = pd.Categorical(["G1", "S", "G2M"] * (CELLS // 3))
    adata.uns["phase_colors"] = pd.Series(["gold", "navy", "gold"], dtype="category")
    return adata


@case(forms=EVERY_FORM)
def colours_in_short_hex_and_capitals() -> anndata.AnnData:
    """``#F00``, ``#0F08``, a name in capitals."""
    return coloured(["#F00", "#0F08", "STEELBLUE"])


@case(notes=["cell_type_colors"])
def an_empty_text_among_colours() -> anndata.AnnData:
    """A colour that was blanked."""
    return coloured(["red", "", "blue"])


@case(forms=IN_MEMORY)
def colours_with_32_bits() -> anndata.AnnData:
    """Rows of a table of float32, as a map of colours gives them."""
    return coloured([np.array([1, 0.5, 0.25], np.float32), np.array([0, 0.2, 1], np.float32), (0, 0, 0)])
