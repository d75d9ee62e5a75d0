"""Session files: out of a page, into a file, back into a page, and onto the AnnData."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest
from cellucid_notebook import show_anndata
from cellucid_notebook._data.cells import decode_cells, encode_cells
from cellucid_notebook.errors import CommandError, DataChangedError, DataError, DataFileNotFoundError, ViewerNotReady
from cellucid_notebook.session_bundle import MAGIC, SessionBundle

STATE = {"color": {"axis": "obs", "key": "louvain"}, "camera": {"center": [0, 1], "zoom": 2}, "later": [1]}
SETS = {
    "selection": np.array([3, 4], np.uint32),
    "highlight/#ff0000": np.array([0], np.uint32),
    "highlight/#00ff00": np.array([1, 2], np.uint32),
    "group/my T cells": np.arange(0, 700, 2, dtype=np.uint32),
}
BUNDLE = SessionBundle(700, "pbmc", STATE, SETS)


def framed(head: bytes) -> bytes:
    return struct.pack("<II", 4 + len(head), len(head)) + head


def same(one: SessionBundle, other: SessionBundle) -> bool:
    assert {name: cells.tolist() for name, cells in one.cell_sets.items()} == {
        name: cells.tolist() for name, cells in other.cell_sets.items()
    }
    return (one.cell_count, one.name, one.state) == (other.cell_count, other.name, other.state)


def test_a_session_survives_its_file(tmp_path: Path) -> None:
    path = BUNDLE.save(tmp_path / "before")
    assert path == tmp_path / "before.cellucid-session"
    assert path.read_bytes().startswith(b"CELLUCID_SESSION\n")
    assert same(SessionBundle.load(path), BUNDLE)


def test_large_sets_travel_in_parts(tmp_path: Path) -> None:
    cells = np.arange(0, 60_000_000, 30, dtype=np.uint32)
    bundle = SessionBundle(100_000_000, None, {}, {"group/x": cells})
    np.testing.assert_array_equal(SessionBundle.from_bytes(bundle.to_bytes()).cell_sets["group/x"], cells)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "does not begin with CELLUCID_SESSION"),
        (b"\x89PNG", "does not begin with CELLUCID_SESSION"),
        (MAGIC, "is damaged"),
        (BUNDLE.to_bytes()[:-4], "is damaged .*ends within a part"),
        (BUNDLE.to_bytes()[:-100], "is damaged"),
        (MAGIC + b"\xff\xff\xff\x7f", "is damaged"),
        (BUNDLE.to_bytes().replace(b'"version":1', b'"version":2'), "update cellucid-notebook"),
        (BUNDLE.to_bytes().replace(b'"cellCount":700', b'"cellCount":1e9'), "is damaged"),
        (MAGIC + framed(b'{"kind":"session","version":1,"cellCount":1e400,"state":{},"cellSets":0}'), "is damaged"),
        (MAGIC + framed(b'{"kind":' + b"[" * 100_000), "is damaged"),
    ],
)
def test_what_is_no_session_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SessionBundle.from_bytes(content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileNotFoundError, match=r"no session file .*gone\.cellucid-session"):
        SessionBundle.load(tmp_path / "gone.cellucid-session")


def test_highlights_and_groups_become_columns(pbmc: anndata.AnnData) -> None:
    written = BUNDLE.apply_to_anndata(pbmc)
    assert "cellucid_highlight" not in pbmc.obs
    assert written.obs["cellucid_highlight"].iloc[:4].tolist()[:3] == ["#ff0000", "#00ff00", "#00ff00"]
    assert written.obs["cellucid_highlight"].iloc[3:].isna().all()
    assert written.obs["cellucid_my T cells"].to_numpy().nonzero()[0].tolist() == list(range(0, 700, 2))
    assert BUNDLE.apply_to_anndata(pbmc, inplace=True) is pbmc
    assert "cellucid_highlight" in pbmc.obs
    with pytest.raises(DataChangedError, match="700 cells, this AnnData has 5"):
        BUNDLE.apply_to_anndata(pbmc[:5])


def test_the_session_of_a_page_comes_out_and_goes_back(pbmc: Any, open_page: Any, tmp_path: Path) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.send({"kind": "state", "state": STATE})
    for name, cells in SETS.items():
        head, body = encode_cells(cells, 700)
        page.send({"kind": "cellSet", "name": name, "cells": head}, body)
    page.ready(700)
    viewer.wait_for_ready(10)
    bundle = viewer.get_session_bundle()
    assert same(bundle, SessionBundle(700, None, STATE, SETS))
    copied = viewer.apply_session_to_anndata(pbmc, inplace=False)
    assert "cellucid_my T cells" in copied.obs
    assert "cellucid_my T cells" not in pbmc.obs
    assert viewer.apply_session_to_anndata(pbmc) is pbmc
    assert "cellucid_my T cells" in pbmc.obs

    path = bundle.save(tmp_path / "before")
    viewer.load_session(path)
    message = page.wait_message(
        lambda: [
            m for m in page.received if m.header["kind"] == "command" and m.header["command"]["kind"] == "loadSession"
        ]
    )
    command = message.header["command"]
    assert command["state"] == STATE
    at, sets = 0, {}
    for entry in command["sets"]:
        sets[entry["name"]] = decode_cells(entry["cells"], message.body[at : at + entry["bytes"]])
        at += entry["bytes"]
    assert {name: cells.tolist() for name, cells in sets.items()} == {name: c.tolist() for name, c in SETS.items()}
    page.refuses["loadSession"] = "it names a column that is gone"
    with pytest.raises(CommandError, match="a column that is gone"):
        viewer.load_session(bundle)


def test_without_a_page_there_is_no_session_yet_and_a_loaded_one_waits(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(ViewerNotReady, match=r"no session to keep yet\. No notebook page has opened this viewer"):
        viewer.get_session_bundle()
    viewer.load_session(BUNDLE)
    page = open_page(viewer)
    assert page.wait_command("loadSession")[0]["state"] == STATE


def test_after_the_page_was_closed_its_last_state_is_the_session(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.send({"kind": "state", "state": STATE})
    page.ready(700)
    viewer.wait_for_ready(10)
    page.close()
    viewer._link.pages = 0  # the server counts a silent page for another 15 s
    assert viewer.get_session_bundle().state == STATE


def test_a_session_of_other_data_is_refused(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(DataChangedError, match="5 cells, the viewer shows 700"):
        viewer.load_session(SessionBundle(5, None, {}, {}))
