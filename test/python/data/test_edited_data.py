"""What a notebook does to its AnnData after it was shown: new names are there at once, other cells are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from cellucid_notebook import show_anndata

from page import Page


def fields(page: Page) -> list[str]:
    return [field["key"] for field in page.json("_cellucid/identity")["obs"]]


def column(page: Page, name: str) -> bytes:
    return page.request("GET", f"_cellucid/columns/obs?key={name}")


def test_a_new_column_is_there_by_name_at_once_and_in_the_lists_after_a_refresh(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    assert "score" not in fields(page)
    pbmc.obs["score"] = np.arange(700, dtype=np.float32)
    viewer.set_color_by("score")
    command, _ = page.wait_command("setColorBy")
    assert command["color"] == {"axis": "obs", "key": "score"}
    assert column(page, "score").endswith(np.arange(700, dtype="<f4").tobytes())
    viewer.refresh()
    page.wait_command("refresh")
    assert "score" in fields(page)


def test_a_replaced_column_and_its_new_colours_are_what_is_sent(pbmc: Any, open_page: Any) -> None:
    page = open_page(show_anndata(pbmc))
    before = column(page, "louvain")
    pbmc.obs["louvain"] = pbmc.obs["louvain"].cat.rename_categories(lambda name: f"cluster {name}")
    page.json("_cellucid/identity")
    renamed = column(page, "louvain")
    assert (b"cluster 0" in before, b"cluster 0" in renamed) == (False, True)
    pbmc.uns["louvain_colors"] = ["#010203"] * len(pbmc.obs["louvain"].cat.categories)
    page.json("_cellucid/identity")
    assert b"#010203" in column(page, "louvain")


def test_a_new_embedding_is_shown_by_its_name(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    pbmc.obsm["X_tsne"] = np.random.default_rng(1).normal(size=(700, 2))
    viewer.set_embedding("tsne")
    command, _ = page.wait_command("setEmbedding")
    assert len(page.request("GET", f"_cellucid/embedding?key={command['name']}")) > 700 * 8


def test_other_cells_are_refused_in_words_and_the_same_ones_again_are_not(pbmc: Any, open_page: Any) -> None:
    page = open_page(show_anndata(pbmc))
    names = pbmc.obs_names
    pbmc.obs_names = [f"other {name}" for name in names]
    with pytest.raises(AssertionError, match=r"other cells than when it was shown.*Run show_anndata again"):
        column(page, "n_genes")
    pbmc.obs_names = names
    assert len(column(page, "n_genes")) > 700 * 4


def test_a_bare_name_of_twins_is_refused_and_each_of_them_has_a_name_of_its_own(pbmc: Any, open_page: Any) -> None:
    pbmc.var_names = pd.Index(["TWIN", "TWIN", *pbmc.var_names[2:]])
    page = open_page(show_anndata(pbmc))
    found = page.json("_cellucid/genes?query=twin&limit=5")["genes"]
    assert [gene["label"] for gene in found] == ["TWIN (1 of 2)", "TWIN (2 of 2)"]
    first, second = (page.request("GET", f"_cellucid/columns/var?in=X&key=TWIN%20({n}%20of%202)") for n in (1, 2))
    assert first != second
    with pytest.raises(AssertionError, match="ambiguous"):
        page.request("GET", "_cellucid/columns/var?in=X&key=TWIN")
