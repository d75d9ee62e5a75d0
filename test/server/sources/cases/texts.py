"""Texts of every length and script, and which of them are names rather than categories."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import pandas as pd
from case_table import CELLS, EVERY_FORM, GENES, case, cells

#: More than is looked at of a column before it is chosen.
MANY = 5000
SORTED = {"export": "prepare() sorts texts letter by letter"}
CATEGORIES = {"export": "prepare() makes categories of all texts"}


def many(column: list[str]) -> anndata.AnnData:
    """Return many cells of one gene with a column, to be stored as texts."""
    adata = cells(MANY, 1)
    adata.obs["column"] = column
    return adata


def as_texts(path: Path) -> None:
    """Store the column as texts, as other programs do; anndata makes categories of them where some repeat."""
    texts = anndata.read_h5ad(path).obs["column"].astype(str).to_numpy(dtype=object)
    with h5py.File(path, "r+") as file:
        del file["obs/column"]
        anndata.io.write_elem(file["obs"], "column", texts)


def of_their_own(count: int) -> list[str]:
    """Return texts of which none is there twice."""
    return [f"barcode {i * 7919 % count}" for i in range(count)]


@case(forms=EVERY_FORM)
def texts_that_differ_at_their_end() -> anndata.AnnData:
    """Two paths of an ontology, alike for five thousand letters: as categories, and as names."""
    adata = cells()
    long = "T cell > " * 600
    adata.obs["path"] = pd.Categorical([long + "naive", long + "memory", "B"] * (CELLS // 3))
    adata.obs.index = pd.Index([f"{long}{i}" for i in range(CELLS)])
    adata.var.index = pd.Index([f"{long}{i}" for i in range(GENES)])
    return adata


@case(rewrite=as_texts, lacks=SORTED)
def long_texts_that_are_no_categories_yet() -> anndata.AnnData:
    """Sequences of antibodies, ten thousand letters each, the last of which tells them apart."""
    adata = cells()
    adata.obs["column"] = ["ACGT" * 2500 + "ACG"[i % 3] for i in range(CELLS)]
    return adata


@case(rewrite=as_texts, lacks=CATEGORIES)
def names_behind_a_thousand_cells_that_have_none() -> anndata.AnnData:
    """Clonotypes of a sorted table: first those that nobody found, then each its own."""
    return many(["unassigned"] * 1000 + of_their_own(MANY - 1000))


@case(rewrite=as_texts, lacks=CATEGORIES)
def categories_behind_a_thousand_names() -> anndata.AnnData:
    """The other way around: the first thousand cells are named, all others are of three kinds."""
    return many(of_their_own(1000) + ["a", "b", "c", "a"] * 1000)


@case(rewrite=as_texts, lacks=SORTED)
def categories_in_an_order_that_repeats() -> anndata.AnnData:
    """Wells of plates, each plate in the same order."""
    return many([f"well {i % 384}" for i in range(MANY)])


@case(rewrite=as_texts, lacks=SORTED)
def texts_with_numbers_of_other_scripts() -> anndata.AnnData:
    """Natural order knows digits of every script, raised ones too: colour i belongs to category i."""
    adata = cells()
    adata.obs["column"] = (
        ["m\u00b2", "m\u00b9\u2070", "m1", "m\u0663", "m\uff11\uff10", "m\u2460", "m\u00bd", "m"] * CELLS
    )[:CELLS]
    return adata
