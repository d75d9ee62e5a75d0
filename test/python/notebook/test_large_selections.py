"""A selection of millions of cells from a page to the user's callback, in a real kernel: what it costs there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from cellucid_notebook._data.cells import encode_cells
from conftest import SERVER_FILE
from notebook import notebook

from page import Page

#: By which of the two forms the smaller body comes: all of 10 million, and 1 million scattered over 40.
SELECTIONS = {
    "all": {"cell_count": 10_000_000, "step": 1, "encoding": "bitmap", "body_bytes": 1_250_000},
    "scattered": {"cell_count": 40_000_000, "step": 40, "encoding": "u32", "body_bytes": 4_000_000},
}

SHOW = """import gc, json, re, threading
viewer = show_anndata({path!r})
heard, arrived = [], threading.Event()
@viewer.on_selection
def keep(event):
    heard[:] = [event]
    arrived.set()
def resident(name):
    return int(re.search(name + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024"""

#: The highest that the process ever had is forgotten: `VmHWM` starts again at what it has now.
LISTEN = """heard.clear(); arrived.clear(); viewer._board.select(np.empty(0, dtype=np.uint32))
gc.collect()
Path("/proc/self/clear_refs").write_text("5")
before = resident("VmRSS")"""

TELL = """assert arrived.wait(60)
cells = heard[0]["cells"]
print(json.dumps({"peak": resident("VmHWM") - before, "bytes": cells.nbytes,
    "count": len(cells), "type": str(cells.dtype), "kept": len(viewer.selection),
    "first": int(cells[0]), "last": int(cells[-1]), "sum": int(cells.sum(dtype=np.uint64))}))"""


def write_empty(path: Path, cell_count: int) -> None:
    """A file whose arrays were never written: it takes no room, and nobody reads them here."""
    with h5py.File(path, "w") as file:
        _encoded(file, "anndata", "0.1.0")
        for axis, length in (("obs", cell_count), ("var", 2)):
            frame = _encoded(file.create_group(axis), "dataframe")
            frame.attrs.update({"_index": "_index", "column-order": np.array([], dtype=h5py.string_dtype())})
            index = frame.create_dataset(
                "_index", (length,), h5py.string_dtype(), chunks=(2,) if length == 2 else (1 << 16,)
            )
            _encoded(index, "string-array")
        embeddings = _encoded(file.create_group("obsm"), "dict", "0.1.0")
        _encoded(embeddings.create_dataset("X_umap", (cell_count, 2), "f4", chunks=(1 << 16, 2)), "array")


def _encoded(made: Any, kind: str, version: str = "0.2.0") -> Any:
    made.attrs.update({"encoding-type": kind, "encoding-version": version})
    return made


@pytest.mark.long
@pytest.mark.parametrize("name", SELECTIONS)
def test_millions_of_cells_reach_a_hook_with_little_beside_their_array(name: str, tmp_path: Path) -> None:
    cell_count, step, encoding, body_bytes = SELECTIONS[name].values()
    cells = np.arange(0, cell_count, step, dtype=np.uint32)
    head, body = encode_cells(cells, cell_count)
    assert (head["encoding"], len(body)) == (encoding, body_bytes)
    write_empty(path := tmp_path / "cells.h5ad", cell_count)
    with notebook(SERVER_FILE) as kernel:
        kernel.run(SHOW.format(path=str(path)))
        page = Page(kernel.evaluate("viewer.viewer_url"))
        page.ready(cell_count)
        page.event("selection", body, cells=head, source="lasso")  # the first of its kind
        kernel.run("assert arrived.wait(60)")
        kernel.run(LISTEN)
        page.event("selection", body, cells=head, source="lasso")
        told = json.loads(kernel.text(kernel.run(TELL)))
        page.close()
    assert (told["count"], told["type"], told["kept"]) == (len(cells), "uint32", len(cells))
    assert (told["first"], told["last"], told["sum"]) == (0, int(cells[-1]), int(cells.sum(dtype=np.uint64)))
    sizes = {"body": len(body), "array": told["bytes"], "kernel": told["peak"]}
    print(name, {what: round(size / 1e6, 1) for what, size in sizes.items()}, "MB")  # noqa: T201
    # A scattered selection is its array again, a bitmap far less than that: what came, and what it is made from.
    assert told["peak"] - told["bytes"] < 3 * len(body)
    assert told["peak"] < 3 * max(len(body), told["bytes"])
