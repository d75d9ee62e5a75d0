"""Copies of matrices sorted by gene: right, made in blocks, never more than a quarter, and gone when they should be."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook import show_anndata
from cellucid_notebook._arrays import gene_copies
from cellucid_notebook._arrays.gene_copies import GeneCopies
from hypothesis import given, settings
from hypothesis import strategies as st

from page import Page

PLENTY = 1 << 50
MIN_STORED, BLOCK_STORED = gene_copies._MIN_STORED, gene_copies._BLOCK_STORED


class Memory:
    """What may be had, as the test says; each question waits for ``go`` where the test holds it."""

    def __init__(self, free: int = PLENTY) -> None:
        self.free = free
        self.asked = threading.Semaphore(0)
        self.go = threading.Event()
        self.go.set()

    def __call__(self) -> int:
        self.asked.release()
        if threading.current_thread().name == "cellucid-genes":
            assert self.go.wait(20)
        return self.free


class Stage:
    """Copies with a memory that the test owns."""

    def __init__(self, free: int = PLENTY) -> None:
        self.memory = Memory(free)
        self.news = threading.Condition()
        self.told = 0
        self.copies = GeneCopies(self._changed, self.memory)

    def _changed(self) -> None:
        with self.news:
            self.told += 1
            self.news.notify_all()

    def build(self, matrix: Any, version: str = "1", name: str = "X") -> None:
        """Have it sorted, and wait until it is, or is given up."""
        before = self.told
        assert self.copies.stored(name, version, matrix, 0) is None
        with self.news:
            assert self.news.wait_for(lambda: self.told > before, 20)

    def column(self, matrix: Any, gene: int, version: str = "1", name: str = "X") -> np.ndarray:
        """One gene from the copy, as a whole column."""
        stored = self.copies.stored(name, version, matrix, gene)
        assert stored is not None
        whole = np.zeros(matrix.shape[0], dtype=np.float64)
        np.add.at(whole, stored.rows, stored.values)
        return whole


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a small matrix has many of them."""
    monkeypatch.setattr(gene_copies, "_MIN_STORED", 1)
    monkeypatch.setattr(gene_copies, "_BLOCK_STORED", 64)


@pytest.fixture
def held() -> Iterator[Stage]:
    """A copy that is stopped after its first block until the test lets it go on."""
    stage = Stage()
    stage.memory.go.clear()
    yield stage
    stage.memory.go.set()


def matrix(cells: int = 300, genes: int = 9, seed: int = 1, dtype: Any = "f4") -> Any:
    return sp.random(cells, genes, 0.4, "csr", dtype, np.random.default_rng(seed))


def size(given: Any) -> int:
    return int(given.nnz * (given.dtype.itemsize + 4) + given.shape[1] * 8)


@given(st.data())
@settings(max_examples=80)
def test_every_gene_of_the_copy_is_that_of_the_matrix_whatever_its_form_and_the_matrix_is_as_it_was(
    data: st.DataObject,
) -> None:
    cells = data.draw(st.integers(1, 40))
    genes = data.draw(st.integers(1, 6))
    # At every border of a block, with rows that are empty, unsorted, or name a gene twice.
    stored = data.draw(st.sampled_from([1, 63, 64, 65, 127, 128, 129, 200]))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    cuts = np.sort(random.integers(0, stored + 1, cells - 1))
    indptr = np.concatenate([[0], cuts, [stored]]).astype(data.draw(st.sampled_from(["i4", "i8"])))
    indices = random.integers(0, genes, stored + 3).astype(data.draw(st.sampled_from(["i4", "i8"])))
    values = random.integers(1, 99, stored + 3).astype(data.draw(st.sampled_from(["f4", "f8", "i8", "u1", "?"])))
    made = sp.csr_matrix((cells, genes), dtype=values.dtype)
    made.indptr, made.indices, made.data = indptr, indices, values  # with room for more behind what is stored
    before = [part.tobytes() for part in (indptr, indices, values)]
    expected = np.zeros((cells, genes))
    np.add.at(expected, (np.repeat(np.arange(cells), np.diff(indptr)), indices[:stored]), values[:stored])
    stage = Stage()
    stage.build(made)
    for gene in range(genes):
        np.testing.assert_array_equal(stage.column(made, gene), expected[:, gene])
    assert [part.tobytes() for part in (made.indptr, made.indices, made.data)] == before
    assert made.data is values


def test_how_far_it_is_and_what_it_takes_is_told(held: Stage) -> None:
    made = matrix()
    assert held.copies.progress() == {"done": None, "bytes": 0, "notes": []}
    assert held.copies.stored("X", "1", made, 2) is None
    held.memory.asked.acquire()  # before it begins
    assert held.memory.asked.acquire(timeout=20)  # after the first block
    held.memory.go.set()
    with held.news:
        assert held.news.wait_for(lambda: held.told == 1, 20)
    assert held.copies.progress() == {"done": None, "bytes": size(made), "notes": []}
    np.testing.assert_array_equal(held.column(made, 2), made[:, 2].toarray().ravel())


def test_a_copy_takes_a_quarter_of_what_may_be_had_and_no_byte_more() -> None:
    made = matrix()
    fits = Stage(4 * size(made) + 4 * size(made))  # what it takes is taken from what may be had meanwhile
    fits.build(made)
    assert fits.copies.progress()["bytes"] == size(made)
    stage = Stage(4 * size(made) - 1)
    assert stage.copies.stored("X", "1", made, 0) is None
    progress = stage.copies.progress()
    assert (progress["done"], progress["bytes"]) == (None, 0)
    assert "Genes are read from the matrix as it is, which is slower" in progress["notes"][0]
    assert stage.copies.stored("X", "1", made, 0) is None, "and it is not tried again"
    assert [thread for thread in threading.enumerate() if thread.name == "cellucid-genes"] == []


def test_a_copy_that_would_pass_the_quarter_while_it_is_made_is_given_up(held: Stage) -> None:
    made = matrix()
    assert held.copies.stored("X", "1", made, 0) is None
    held.memory.free = 3 * size(made)
    held.memory.go.set()
    with held.news:
        assert held.news.wait_for(lambda: held.told == 1, 20)
    assert held.copies.progress()["bytes"] == 0
    assert "memory got short" in held.copies.progress()["notes"][0]


def test_another_version_abandons_the_copy_that_is_being_made(held: Stage) -> None:
    old, new = matrix(seed=1), matrix(seed=2)
    assert held.copies.stored("X", "1", old, 0) is None
    assert held.copies.stored("X", "2", new, 0) is None
    held.memory.go.set()
    with held.news:
        assert held.news.wait_for(lambda: held.told == 2, 20), "both ended"
    for gene in range(9):
        np.testing.assert_array_equal(held.column(new, gene, "2"), new[:, gene].toarray().ravel())


def test_what_is_given_back_is_gone_and_made_no_more() -> None:
    made, stage = matrix(), Stage()
    stage.build(made)
    assert stage.copies.give_back() == size(made)
    assert stage.told == 2
    assert stage.copies.stored("X", "1", made, 0) is None
    assert stage.copies.stored("X", "2", made, 0) is None
    assert stage.copies.stored("raw", "1", made, 0) is None
    progress = stage.copies.progress()
    assert progress["bytes"] == 0
    assert progress["notes"] == [gene_copies._GIVEN_BACK]
    assert stage.copies.give_back() == 0


def test_a_copy_goes_by_itself_where_less_is_left_than_it_takes() -> None:
    made, stage = matrix(), Stage()
    stage.build(made)
    stage.memory.free = size(made)
    stage.copies.check_memory()
    assert stage.copies.progress()["bytes"] == size(made)
    stage.memory.free -= 1
    stage.copies.check_memory()
    assert stage.copies.progress() == {"done": None, "bytes": 0, "notes": [gene_copies._MEMORY_SHORT]}
    assert stage.told == 2
    stage.memory.free = PLENTY
    assert stage.copies.stored("X", "1", made, 0) is None, "else it would come and go"
    stage.copies.drop()
    stage.build(made)  # what is read anew is sorted anew


def test_all_copies_together_take_a_quarter_and_the_one_looked_at_earlier_leaves() -> None:
    made = matrix()
    stage = Stage()
    stage.memory.free = 7 * size(made) - 1
    stage.build(made, name="X")
    assert stage.copies.stored("raw", "1", made, 0) is None
    with stage.news:
        assert stage.news.wait_for(lambda: stage.told == 3, 20)
    assert stage.copies.progress()["bytes"] == size(made)
    assert stage.copies.stored("X", "1", made, 0) is None
    np.testing.assert_array_equal(stage.column(made, 3, name="raw"), made[:, 3].toarray().ravel())
    assert "another matrix" in stage.copies.progress()["notes"][0]


@pytest.mark.parametrize("broken", ["index past the end", "negative index", "pointers", "short"])
def test_a_matrix_that_is_changed_while_it_is_sorted_harms_nothing_and_says_so(broken: str) -> None:
    made, stage = matrix(), Stage()
    if broken == "index past the end":
        made.indices[100] = 10_000_000
    elif broken == "negative index":
        made.indices[100] = -5
    elif broken == "pointers":
        made.indptr[100] = made.indptr[200]
    else:
        made.data = made.data[:-5]
    stage.build(made)
    progress = stage.copies.progress()
    assert (progress["done"], progress["bytes"]) == (None, 0)
    assert "changed while a copy of it was sorted" in progress["notes"][0]


def test_it_takes_little_beside_the_copy_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gene_copies, "_BLOCK_STORED", 1 << 16)
    made, stage = matrix(20_000, 500), Stage()
    tracemalloc.start()
    try:
        stage.build(made)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    block = 1 << 16
    assert size(made) > 30_000_000
    assert peak - size(made) < 60 * block, "a copy of the whole would be twice as much"


# With a real server.

CELLS, GENES = 30_000, 200


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> anndata.AnnData:
    """2.4 million stored values, from which on sorting pays."""
    monkeypatch.setattr(gene_copies, "_MIN_STORED", MIN_STORED)
    monkeypatch.setattr(gene_copies, "_BLOCK_STORED", BLOCK_STORED)
    return anndata.AnnData(
        sp.random(CELLS, GENES, 0.4, "csr", np.float32, np.random.default_rng(3)),
        obs=pd.DataFrame(index=[f"c{i}" for i in range(CELLS)]),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
        obsm={"X_umap": np.random.default_rng(4).normal(size=(CELLS, 2)).astype("f4")},
    )


def said(page: Page) -> list[Any]:
    return [message for message in page.received if message.header["kind"] == "sorting"]


def wait_said(page: Page, **fields: Any) -> dict[str, Any]:
    """The first news of sorting with these fields."""
    return page.wait_message(lambda: [m for m in said(page) if fields.items() <= m.header.items()]).header


def until(holds: Callable[[], bool]) -> None:
    """Of what has no event of its own."""
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gene(page: Page, name: str) -> bytes:
    return page.request("GET", f"_cellucid/columns/var?in=X&key={name}")


@pytest.mark.usefixtures("own_server")
def test_the_page_sees_genes_being_sorted_and_what_they_take_and_gives_it_back(
    large: anndata.AnnData, open_page: Any
) -> None:
    viewer = show_anndata(large)
    page, other = open_page(viewer), open_page(viewer)
    scanned = gene(page, "g7")
    kept = wait_said(page, done=None, bytes=size(large.X))
    assert kept["note"] is None
    assert gene(page, "g8") != scanned
    page.send({"kind": "giveBack"})
    for each in (page, other):
        assert wait_said(each, note=gene_copies._GIVEN_BACK)["bytes"] == 0
    assert viewer.give_back_memory() == 0
    late = open_page(viewer)
    assert wait_said(late, note=gene_copies._GIVEN_BACK)["done"] is None
    assert len(gene(page, "g9")) > 0


@pytest.mark.usefixtures("own_server")
def test_the_notebook_gives_it_back_too_and_all_pages_hear_of_it(large: anndata.AnnData, open_page: Any) -> None:
    viewer = show_anndata(large)
    page = open_page(viewer)
    gene(page, "g7")
    wait_said(page, done=None, bytes=size(large.X))
    until(lambda: viewer.sorting is None)
    assert viewer.give_back_memory() == size(large.X)
    assert wait_said(page, note=gene_copies._GIVEN_BACK)["bytes"] == 0


@pytest.mark.usefixtures("own_server", "patient")
def test_without_room_the_page_says_that_genes_are_read_as_they_are_and_they_are_right(
    large: anndata.AnnData, open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gene_copies.GeneCopies.__init__, "__defaults__", (lambda: 8_000_000,))
    viewer = show_anndata(large)
    page = open_page(viewer)
    page.answers_pings = True
    gene(page, "g7")
    told = page.wait_message(lambda: [m for m in said(page) if m.header["note"]]).header
    expected = "a copy sorted by gene would take 19 MB, and a quarter of the memory that may be used is 2 MB."
    assert told["note"] == f"Genes are read from the matrix as it is, which is slower: {expected}"
    assert told["note"] in viewer.debug_connection()["data"]["notes"]
