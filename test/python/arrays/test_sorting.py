"""Genes of a large file that is stored by cells are sorted in the background: page and notebook see how far it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook import Viewer, show_anndata

from page import Page

CELLS, GENES = 30_000, 400
pytestmark = pytest.mark.usefixtures("own_server", "patient")


@pytest.fixture(scope="module")
def counts() -> Any:
    """2.4 million stored values, from which on sorting pays."""
    return sp.random(CELLS, GENES, 0.2, "csr", np.float32, np.random.default_rng(3))


@pytest.fixture(scope="module")
def path(counts: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    adata = anndata.AnnData(
        counts,
        obs=pd.DataFrame(index=[f"c{i}" for i in range(CELLS)]),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
        obsm={"X_umap": np.random.default_rng(4).normal(size=(CELLS, 2)).astype("f4")},
    )
    path = tmp_path_factory.mktemp("sorting") / "large.h5ad"
    adata.write_h5ad(path)
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder, from the next server on."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def gene(page: Page, name: str) -> bytes:
    return page.request("GET", f"_cellucid/columns/var?in=X&key={name}")


def said(page: Page) -> list[Any]:
    return [message for message in page.received if message.header["kind"] == "sorting"]


def wait_until_sorted(page: Page) -> None:
    page.wait_message(lambda: [message for message in said(page) if message.header["done"] is None])


def until(viewer: Viewer, sorting: float | None) -> None:
    deadline = time.monotonic() + 10
    while viewer.sorting != sorting:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_first_gene_begins_it_and_page_and_notebook_hear_of_it(path: Path, cache: Path, open_page: Any) -> None:
    viewer = show_anndata(path)
    page = open_page(viewer)
    assert viewer.sorting is None
    scanned = gene(page, "g7")
    wait_until_sorted(page)
    shares = [message.header["done"] for message in said(page)]
    assert shares[0] == 0, "told at once"
    assert shares[-1] is None
    assert shares[:-1] == sorted(shares[:-1])
    until(viewer, None)
    (store,) = (cache / "cellucid-notebook" / "columns").iterdir()
    assert ".part-" not in store.name
    assert store.stat().st_mode & 0o777 == 0o700
    # Another viewer has it from the store; the bytes are the same.
    other = open_page(show_anndata(path))
    assert gene(other, "g7") == scanned
    assert said(other) == []


def test_the_report_says_how_far_it_is(path: Path, cache: Path, open_page: Any) -> None:
    viewer = show_anndata(path)
    page = open_page(viewer)
    page.answers_pings = True
    gene(page, "g1")
    page.wait_message(lambda: said(page))
    data = viewer.debug_connection()["data"]
    assert data["sorting"] is None or 0 <= data["sorting"] <= 1
    wait_until_sorted(page)
    assert viewer.debug_connection()["data"]["sorting"] is None
    assert cache.exists()


def test_without_room_genes_are_read_all_the_same_and_the_page_says_why_they_take_long(
    path: Path, cache: Path, counts: Any, open_page: Any
) -> None:
    cache.write_text("no folder can be made here")
    viewer = show_anndata(path)
    page = open_page(viewer)
    page.answers_pings = True
    gene(page, "g7")
    message = page.wait_message(lambda: [message for message in said(page) if message.header["note"]])
    assert message.header["note"].startswith("Genes take seconds: there is no room")
    assert len(gene(page, "g8")) >= counts[:, 8].nnz * 8
    assert message.header["note"] in viewer.debug_connection()["data"]["notes"]
