"""A kernel whose memory is limited, as by JupyterHub, SLURM or Kubernetes, and an AnnData that takes most of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import SERVER_FILE
from notebook import Notebook, notebook

from page import Page

LIMIT = 1_600_000_000
GENES = 50
_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")

#: Made in place, so that nothing beside it is ever there.
MAKE = """import gc, os, resource, scipy.sparse as sp
Path({procs!r}).write_text(str(os.getpid()))
cells, genes, each = {cells}, 2000, 500
data = np.ones(cells * each, dtype="f4")
indices = np.empty(cells * each, dtype="i4")
places = np.arange(each, dtype="i4") * 4
for row in range(0, cells, 1000):
    rows = min(1000, cells - row)
    indices[row * each:(row + rows) * each] = ((places + np.arange(row, row + rows, dtype="i4")[:, None] % 4)).ravel()
    data[row * each:(row + rows) * each] = np.repeat(np.arange(row, row + rows) % 100 + 1, each)
matrix = sp.csr_matrix((0, genes), dtype="f4")
matrix._shape = (cells, genes)
matrix.data, matrix.indices, matrix.indptr = data, indices, np.arange(cells + 1, dtype="i4") * each
large = anndata.AnnData(matrix, obs=pd.DataFrame(index=pd.RangeIndex(cells).astype(str)),
    var=pd.DataFrame(index=[f"g{{i}}" for i in range(genes)]))
large.obsm["X_umap"] = np.random.default_rng(0).random((cells, 2), dtype="f4")
del data, indices, matrix, adata
gc.collect()
viewer = show_anndata(large)"""


@pytest.fixture
def group() -> Iterator[Path]:
    """A new cgroup of 1.6 GB, of whichever version this machine has."""
    if (_V1 / "memory.limit_in_bytes").exists():
        folder, limit = _V1 / f"cellucid-{os.getpid()}", "memory.limit_in_bytes"
    else:
        folder, limit = _V2 / f"cellucid-{os.getpid()}", "memory.max"
    try:
        folder.mkdir()
        (folder / limit).write_text(str(LIMIT), encoding="utf-8")
    except OSError as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    yield folder
    for _ in range(100):
        with suppress(OSError):
            folder.rmdir()
            return
        time.sleep(0.05)  # its last process is on its way out


def peak(group: Path) -> int:
    for name in ("memory.max_usage_in_bytes", "memory.peak"):
        if (group / name).exists():
            return int((group / name).read_text(encoding="utf-8"))
    return 0


def show(kernel: Notebook, group: Path, cells: int) -> Page:
    kernel.run(MAKE.format(procs=str(group / "cgroup.procs"), cells=cells))
    return Page(kernel.evaluate("viewer.viewer_url"))


def ask_genes(page: Page) -> float:
    """Ask for genes one after the other; seconds for each."""
    start = time.monotonic()
    for number in range(GENES):
        frame = page.request("GET", f"_cellucid/columns/var?in=X&key=g{number}")
        header = json.loads(frame[12 : 12 + int.from_bytes(frame[8:12], "little")])
        assert (header["min"], header["max"]) == (0, 97 + number % 4), header
    return (time.monotonic() - start) / GENES


@pytest.mark.long
def test_fifty_genes_of_a_matrix_of_a_gigabyte_leave_a_kernel_of_1600_megabytes_alive(group: Path) -> None:
    with notebook(SERVER_FILE) as kernel:
        page = show(kernel, group, 250_000)
        seconds = ask_genes(page)
        assert kernel.evaluate("6 * 7") == "42"
        assert kernel.evaluate("large.X.nnz") == "125000000"
        notes = [m.header["note"] for m in page.received if m.header["kind"] == "sorting"]
        page.close()
        print(f"{seconds * 1000:.0f} ms a gene, {peak(group) / 1e6:.0f} MB at most, {notes}")  # noqa: T201
    assert any(note and note.startswith("Genes are read from the matrix as it is") for note in notes)


@pytest.mark.long
def test_where_a_quarter_has_room_genes_are_sorted_and_given_back_when_the_user_takes_the_memory(group: Path) -> None:
    with notebook(SERVER_FILE) as kernel:
        page = show(kernel, group, 50_000)
        page.request("GET", "_cellucid/columns/var?in=X&key=g1")
        kept = page.wait_message(lambda: [m for m in page.received if is_kept(m.header)]).header
        assert kept["bytes"] == 25_000_000 * 8 + 2000 * 8
        seconds = ask_genes(page)
        kernel.run("taken = np.ones(int(8.7e8) // 8)")
        page.wait_message(lambda: [m for m in page.received if "memory got short" in str(m.header.get("note"))])
        assert ask_genes(page) > 0
        page.close()
        print(f"sorted {seconds * 1000:.0f} ms a gene, {peak(group) / 1e6:.0f} MB at most")  # noqa: T201


def is_kept(header: dict[str, object]) -> bool:
    return header["kind"] == "sorting" and header["done"] is None and bool(header.get("bytes"))
