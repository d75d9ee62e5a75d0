"""The viewer object against a real server and a page that speaks the channel."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from cellucid_notebook import UnknownColumnError, ViewerNotReady, ViewerStoppedError, show_anndata


def test_a_page_draws_and_the_notebook_knows(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain")
    page = open_page(viewer)
    identity = page.json("_cellucid/identity")
    assert identity["nObs"] == 700
    assert identity["defaultColor"] == {"axis": "obs", "key": "louvain"}
    page.ready(700)
    viewer.wait_for_ready(timeout=10)
    assert viewer.state.ready


def test_a_lasso_arrives_in_a_hook_with_the_cells_of_the_page(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    seen: list[dict[str, Any]] = []
    called = threading.Event()

    @viewer.on_selection
    def _(event: dict[str, Any]) -> None:
        seen.append(event)
        called.set()

    page = open_page(viewer)
    page.select([3, 5, 699], 700)
    assert called.wait(10)
    assert seen[0]["event"] == "selection"
    assert seen[0]["source"] == "lasso"
    np.testing.assert_array_equal(seen[0]["cells"], [3, 5, 699])
    np.testing.assert_array_equal(viewer.state.selection, [3, 5, 699])


def test_commands_wait_for_a_page_and_reach_it_in_order(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer.set_color_by("louvain")
    viewer.set_color_by("CD3D")
    viewer.highlight_cells([5, 2, 2], color="#00ff00")
    viewer.reset_view()
    page = open_page(viewer)
    command, _ = page.wait_command("setColorBy")
    assert command["field"] == "CD3D", "the first colour was replaced before a page could see it"
    assert command["color"]["axis"] == "var"
    command, cells = page.wait_command("highlight")
    assert command["color"] == "#00ff00"
    np.testing.assert_array_equal(cells, [2, 5])
    page.wait_command("resetCamera")
    kinds = [m.header["command"]["kind"] for m in page.received if m.header["kind"] == "command"]
    assert kinds == ["setColorBy", "highlight", "resetCamera"]


def test_a_wrong_colour_is_refused_where_it_was_written_with_near_names(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(UnknownColumnError, match="CD3D"):
        viewer.set_color_by("CD3DD")
    with pytest.raises(UnknownColumnError, match="louvain") as caught:
        show_anndata(pbmc, color="louvian")
    assert caught.value.near[0] == "louvain"


def test_wait_for_event_returns_the_next_one_that_fits(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.select([1], 700)
    threading.Timer(0.2, lambda: (page.select([1, 2], 700), page.select([1, 2, 3], 700))).start()
    event = viewer.wait_for_event("selection", timeout=10, predicate=lambda event: len(event["cells"]) > 2)
    np.testing.assert_array_equal(event["cells"], [1, 2, 3])


def test_without_a_page_waiting_ends_and_says_why(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(ViewerNotReady, match="No notebook page has opened this viewer"):
        viewer.wait_for_ready(timeout=0.1)


def test_a_command_that_fails_in_the_page_is_told_once_as_a_sentence(
    pbmc: Any, open_page: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.refuses["highlight"] = "the page is asleep"
    viewer.highlight_cells([1])
    viewer.reset_view()
    page.wait_command("resetCamera")
    page.ready(700)  # behind the acknowledgements on the same channel
    viewer.wait_for_ready(timeout=10)
    assert capfd.readouterr().err.count("viewer.highlight_cells(1 cell) was not done: the page is asleep") == 1

    failures: list[dict[str, Any]] = []
    told = threading.Event()
    viewer.on_command_error(lambda event: (failures.append(event), told.set()))
    viewer.highlight_cells([1, 2])
    assert told.wait(10)
    assert failures[0]["call"] == "highlight_cells(2 cells)"
    assert failures[0]["reason"] == "the page is asleep"


def test_after_stop_the_viewer_is_of_no_use_and_says_so(pbmc: Any, open_page: Any) -> None:
    with show_anndata(pbmc) as viewer:
        page = open_page(viewer)
    with pytest.raises(ViewerStoppedError, match="Run its cell again"):
        viewer.reset_view()
    with pytest.raises(AssertionError, match="401"):
        page.json("_cellucid/identity")
    viewer.stop()


def test_stopping_wakes_who_waits(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    threading.Timer(0.1, viewer.stop).start()
    with pytest.raises(ViewerStoppedError):
        viewer.wait_for_event("selection", timeout=10)


def test_neither_the_text_of_a_viewer_nor_its_synced_state_hold_the_secret(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    token = viewer.viewer_url.partition("viewerToken=")[2]
    assert len(token) == 64
    assert token not in repr(viewer)
    assert token not in repr(viewer._link)
    assert token not in repr(viewer.get_state())
    assert token not in repr(viewer._bundle())


def test_dir_shows_what_is_meant_for_users(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    assert all(hasattr(viewer, name) for name in dir(viewer))
    assert not [name for name in dir(viewer) if name.startswith("_")]
    assert all(getattr(type(viewer), name).__doc__ for name in dir(viewer))
