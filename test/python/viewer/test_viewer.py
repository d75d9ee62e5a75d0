"""The viewer object against a real server and a page that speaks the channel."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import h5py
import numpy as np
import pytest
from cellucid_notebook import SessionBundle, UnknownColumnError, ViewerNotReady, ViewerStoppedError, show_anndata
from cellucid_notebook._data.cells import encode_cells
from cellucid_notebook._data.shown_data import ShownData
from cellucid_notebook.errors import CommandError, DataChangedError, UnknownEmbeddingError
from waiting import when_waiting

from page import PNG


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
    when_waiting(viewer, lambda: (page.select([1, 2], 700), page.select([1, 2, 3], 700)))
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
    with pytest.raises(AssertionError, match=r"401|410"):  # 410 where the question and the end crossed
        page.json("_cellucid/identity")
    viewer.stop()


def test_stopping_wakes_who_waits(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    when_waiting(viewer, viewer.stop)
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


def test_every_command_reaches_the_page_with_its_cells(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    viewer.set_embedding("pca")
    viewer.select_cells(pbmc.obs["louvain"] == "3")
    viewer.highlight_cells(pbmc.obs_names[:2], color="orange")
    viewer.set_visibility([1, 2], visible=False)
    viewer.set_visibility(visible=True)
    viewer.freeze()
    viewer.refresh()
    viewer.clear_highlights()
    viewer.send_message({"type": "hello", "value": 3})
    assert page.wait_command("setEmbedding")[0]["name"] == "X_pca"
    _, cells = page.wait_command("select")
    np.testing.assert_array_equal(cells, np.flatnonzero(pbmc.obs["louvain"] == "3"))
    command, cells = page.wait_command("highlight")
    assert (command["color"], cells.tolist()) == ("#ffa500", [0, 1])
    command, cells = page.wait_command("setVisibility")
    assert (command["visible"], cells.tolist()) == (False, [1, 2])
    command, cells = page.wait_command("setVisibility", 2)
    assert (command["visible"], cells) == (True, None)
    for kind in ("freeze", "refresh", "clearHighlights"):
        page.wait_command(kind)
    command, _ = page.wait_command("custom")
    assert (command["type"], command["payload"]) == ("hello", {"value": 3})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda viewer: viewer.highlight_cells([700]), IndexError, "no cell 700"),
        (lambda viewer: viewer.highlight_cells([1], color="ornge"), ValueError, "orange"),
        (lambda viewer: viewer.set_embedding("unap"), UnknownEmbeddingError, "X_umap"),
        (lambda viewer: viewer.send_message({"value": 1}), ValueError, "needs a type"),
        (lambda viewer: viewer.send_message({"type": "x", "value": object()}), TypeError, "JSON"),
        (lambda viewer: viewer.screenshot(scale=0), ValueError, "scale=0"),
        (lambda viewer: viewer.wait_for_event("lasso"), ValueError, "no event 'lasso'; there are selection"),
        (lambda viewer: viewer.register_hook("lasso", print), ValueError, "no hook 'lasso'"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_python(pbmc: Any, call: Any, error: type[Exception], message: str) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(error, match=message):
        call(viewer)
    assert viewer._link.waiting == 0


def test_a_screenshot_is_what_the_page_sends(pbmc: Any, open_page: Any, tmp_path: Path) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.picture = PNG
    assert viewer.screenshot() == PNG
    path = viewer.screenshot(tmp_path / "cells.png", scale=1)
    assert path == tmp_path / "cells.png"
    assert path.read_bytes() == PNG
    assert page.wait_command("screenshot", 2)[0]["scale"] == 1
    page.refuses["screenshot"] = "the picture is empty"
    with pytest.raises(CommandError, match=r"viewer.screenshot\(\) was not done: the picture is empty"):
        viewer.screenshot()


def test_a_screenshot_without_a_page_says_so(pbmc: Any) -> None:
    with pytest.raises(ViewerNotReady, match=r"not answered within 0.1 seconds. No page of it is open"):
        show_anndata(pbmc).screenshot(timeout=0.1)


def test_the_selection_can_be_read_observed_and_taken_from_the_anndata(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    assert viewer.selection.tolist() == []
    changes: list[Any] = []
    told = threading.Event()
    viewer.observe(lambda change: (changes.append(change), told.set()), "selection")
    page = open_page(viewer)
    page.select([5, 6], 700)
    assert told.wait(10)
    assert changes[0]["new"].tolist() == [5, 6]
    assert changes[0]["owner"] is viewer
    assert viewer.selection.tolist() == [5, 6]
    selected = viewer.selected(pbmc)
    assert selected.is_view
    assert selected.obs_names.tolist() == pbmc.obs_names[[5, 6]].tolist()
    with pytest.raises(DataChangedError, match="700 cells, this AnnData has 10"):
        viewer.selected(pbmc[:10])


def test_what_a_command_selects_is_the_selection_and_no_event(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    events: list[Any] = []
    viewer.on_selection(events.append)
    seen: queue.SimpleQueue[Any] = queue.SimpleQueue()
    viewer.observe(seen.put, "selection")
    head, body = encode_cells(np.array([7, 8], np.uint32), 700)
    page.send({"kind": "cellSet", "name": "selection", "cells": head}, body)
    assert seen.get(timeout=10)["new"].tolist() == [7, 8]
    assert viewer.selection.tolist() == viewer.state.selection.tolist() == [7, 8]
    assert viewer.selected(pbmc).obs_names.tolist() == pbmc.obs_names[[7, 8]].tolist()
    page.select([1], 700)
    assert seen.get(timeout=10)["new"].tolist() == [1]
    page.ready(700)
    viewer.wait_for_ready(10)
    assert [event["cells"].tolist() for event in events] == [[1]]
    assert seen.empty(), "the server keeps each selection too: it is told once"


def test_who_observes_the_selection_goes_on_when_the_hooks_are_cleared(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    seen: queue.SimpleQueue[Any] = queue.SimpleQueue()
    viewer.observe(seen.put, "selection")
    hooked: list[Any] = []
    viewer.on_selection(hooked.append)
    viewer.clear_hooks()
    page.select([5], 700)
    assert seen.get(timeout=10)["new"].tolist() == [5]
    assert hooked == []


def test_two_selections_whose_bytes_are_alike_are_told_apart(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc[:32].copy())
    page = open_page(viewer)
    seen: queue.SimpleQueue[Any] = queue.SimpleQueue()
    viewer.observe(seen.put, "selection")
    page.select([5], 32)
    assert seen.get(timeout=10)["new"].tolist() == [5]
    bits = encode_cells(np.array([0, 2], np.uint32), 32)
    assert bits[1] == encode_cells(np.array([5], np.uint32), 32)[1], "one is a list, the other a bitmap"
    page.send({"kind": "cellSet", "name": "selection", "cells": bits[0]}, bits[1])
    assert seen.get(timeout=10)["new"].tolist() == [0, 2]
    assert viewer.selection.tolist() == [0, 2]


def test_hooks_can_be_unregistered_and_ready_is_told_to_who_comes_late(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.ready(700)
    viewer.wait_for_ready(10)
    late: list[Any] = []
    told = threading.Event()
    viewer.on_ready(lambda event: (late.append(event), told.set()))
    assert told.wait(10)
    assert late == [{"event": "ready", "n_cells": 700, "dimensions": 2}]
    messages: list[str] = []
    callback = viewer.register_hook("message", lambda event: messages.append(event["event"]))
    when_waiting(viewer, lambda: page.event("click", cell=3, button=0, shift=False, ctrl=True))
    viewer.wait_for_event("click", timeout=10)
    viewer.unregister_hook("message", callback)
    viewer.clear_hooks()
    assert viewer.state.click == {"event": "click", "cell": 3, "button": 0, "shift": False, "ctrl": True}


def test_who_asks_for_ready_at_the_moment_it_comes_is_told_once(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    told: list[str] = []
    apply = viewer._board.apply

    def apply_and_pause(event: dict[str, Any]) -> None:
        apply(event)
        if event["event"] == "ready":  # who waited for it goes on, before the callbacks' turn has come
            viewer.on_ready(lambda _: told.append("late"))

    viewer.on_ready(lambda _: told.append("early"))
    viewer._board.apply = apply_and_pause  # type: ignore[method-assign]
    viewer.on_event({"kind": "ready", "nCells": 700, "dimensions": 2}, b"")
    last = threading.Event()
    viewer.on_ready(lambda _: last.set())
    assert last.wait(10)
    assert told == ["early", "late"]


def test_state_follows_the_page(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.event("hover", cell=9, position=[0.0, 1.0])
    page.event("colorBy", field="CD3D", matrix={"in": "layers", "layer": "raw"})
    page.event("embedding", name="X_umap", dimensions=2)
    page.event("visibility", visibleCells=650)
    page.event("custom", type="hello", payload={"a": 1})
    page.ready(700)
    viewer.wait_for_ready(10)
    state = viewer.state
    assert (state.hover, state.color_by, state.embedding) == (9, "CD3D", "X_umap")
    assert (state.layer, state.use_raw) == ("raw", False)
    assert state.last_event == {"event": "ready", "n_cells": 700, "dimensions": 2}


def test_a_file_is_served_like_the_anndata_it_holds(pbmc: Any, open_page: Any, tmp_path: Path) -> None:
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad")
    in_memory, on_disk = show_anndata(pbmc), show_anndata(tmp_path / "pbmc.h5ad")
    pages = open_page(in_memory), open_page(on_disk)
    for path in (
        "_cellucid/embedding",
        "_cellucid/columns/obs?key=louvain",
        "_cellucid/columns/obs?key=n_genes",
        "_cellucid/columns/var?key=CD3D&in=X",
        "_cellucid/columns/var?key=CD3D&in=raw",
    ):
        (kernel, arrays), (file, stored) = (page.frame(path) for page in pages)
        assert {**kernel, "version": None} == {**file, "version": None}, path
        assert [array.tobytes() for array in arrays] == [array.tobytes() for array in stored], path
    on_disk.highlight_cells(pbmc.obs_names[3:5])
    _, cells = pages[1].wait_command("highlight")
    assert cells.tolist() == [3, 4]
    assert repr(on_disk) == f"<Viewer {on_disk.viewer_id} of pbmc.h5ad>"


def test_cells_of_a_file_can_be_named_as_anndata_0_13_writes_them(pbmc: Any, tmp_path: Path) -> None:
    path = tmp_path / "pbmc.h5ad"
    pbmc.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        key = file["obs"].attrs["_index"]
        del file["obs"][key]
        group = file["obs"].create_group(key)
        group.attrs.update({"encoding-type": "nullable-string-array", "encoding-version": "0.1.0"})
        group.create_dataset("values", data=list(pbmc.obs_names), dtype=h5py.string_dtype())
        group["mask"] = np.zeros(pbmc.n_obs, bool)
    assert list(ShownData(path=path).cell_names()) == list(pbmc.obs_names)


def test_a_column_made_after_showing_is_there_by_name(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    assert "new" not in [field["key"] for field in page.json("_cellucid/identity")["obs"]]
    pbmc.obs["new"] = np.arange(700.0)
    viewer.set_color_by("new")
    assert page.wait_command("setColorBy")[0]["color"] == {"axis": "obs", "key": "new"}
    page.request("GET", "_cellucid/columns/obs?key=new")
    assert "new" in [field["key"] for field in page.json("_cellucid/identity")["obs"]]


def test_new_colours_and_a_new_embedding_are_there_after_showing(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain")
    page = open_page(viewer)
    column, positions = "_cellucid/columns/obs?key=louvain", "_cellucid/embedding?key=X_umap"
    before = page.request("GET", column), page.request("GET", positions)
    pbmc.uns["louvain_colors"] = ["#010203"] * len(pbmc.obs["louvain"].cat.categories)
    pbmc.obsm["X_umap"] = pbmc.obsm["X_umap"][:, ::-1].copy()
    pbmc.obsm["X_mine"] = pbmc.obsm["X_umap"] * 2
    assert len(page.request("GET", "_cellucid/embedding?key=X_mine")) > 700 * 8
    assert page.request("GET", "_cellucid/embedding") != before[1]
    viewer.set_color_by("louvain")
    assert b"#010203" not in before[0]
    assert b"#010203" in page.request("GET", column)
    assert page.request("GET", positions) != before[1]
    assert "X_mine" in [embedding["key"] for embedding in page.json("_cellucid/identity")["embeddings"]]


def test_a_layer_called_raw_is_no_raw_and_what_is_read_is_what_was_named(pbmc: Any, open_page: Any) -> None:
    pbmc.layers["raw"] = pbmc.X * 10
    places = {None: {}, "raw": {"layer": "raw"}, "X": {"use_raw": False}}
    wires = {None: {"in": "raw"}, "raw": {"in": "layers", "layer": "raw"}, "X": {"in": "X"}}
    for place, asked in places.items():
        page = open_page(show_anndata(pbmc, color="CD3D", **asked))
        identity = page.json("_cellucid/identity")
        assert identity["defaultMatrix"] == identity["defaultColor"]["matrix"] == wires[place]
        shown = page.request("GET", "_cellucid/columns/obs")
        assert shown == page.request("GET", "_cellucid/columns/var?key=CD3D&" + urlencode(wires[place]))
    columns = {page.request("GET", "_cellucid/columns/var?key=CD3D&" + urlencode(wire)) for wire in wires.values()}
    assert len(columns) == 3
    with pytest.raises(ValueError, match="two different matrices"):
        show_anndata(pbmc, use_raw=True, layer="counts")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [("CD3DD", UnknownColumnError, "CD3D"), ("n_gene", UnknownColumnError, "n_genes")],
)
def test_a_wrong_colour_of_a_file_is_refused_in_the_cell(
    pbmc: Any, tmp_path: Path, name: str, error: type[Exception], message: str
) -> None:
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad")
    with pytest.raises(error, match=message):
        show_anndata(tmp_path / "pbmc.h5ad", color=name)


def test_the_url_follows_override_then_the_proven_base(pbmc: Any) -> None:
    forced = show_anndata(pbmc, client_server_url="https://your.domain.example/cellucid/{port}")
    assert forced.viewer_url.startswith(f"https://your.domain.example/cellucid/{forced.port}/?jupyter=true&viewerId=")
    viewer = show_anndata(pbmc)
    assert viewer.viewer_url.startswith(f"{viewer.server_url}/?jupyter=true")
    viewer.on_seen("https://hub.example/user/alice/proxy/8765/")
    assert viewer.viewer_url.startswith("https://hub.example/user/alice/proxy/8765/?jupyter=true")


def test_a_url_that_no_browser_reaches_comes_with_a_warning(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer._messages._note_resolved("v", {"id": 1, "transport": "tunnel", "base": None, "candidates": []})
    with pytest.warns(UserWarning, match=rf"ssh -L {viewer.port}:127\.0\.0\.1:{viewer.port} "):
        assert viewer.viewer_url
    assert viewer.connection == {"transport": "tunnel", "base": None, "page_origin": None, "candidates": []}


def test_what_a_page_says_and_nobody_can_read_is_a_command_error(
    pbmc: Any, open_page: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.event("selection", cells="all of them", source="lasso")
    page.event("from-the-future")
    page.event("from-the-future")
    page.ready(700)  # behind them on the same channel
    viewer.wait_for_ready(timeout=10)
    assert [sentence.partition(" cannot be read (")[0] for sentence in viewer.command_errors] == [
        'The page\'s event "selection"',
        'The page\'s event "from-the-future"',
    ]
    assert "event.cells" in viewer.command_errors[0]
    assert capfd.readouterr().err.count('from-the-future" cannot be read') == 1
    page.wait_message(lambda: [m for m in page.received if m.header["kind"] == "refused"], 2)


def test_a_command_that_the_server_cannot_read_is_answered(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.ready(700)
    viewer.wait_for_ready(timeout=10)
    session = SessionBundle(700, None, {"camera": "on the moon"}, {})
    with pytest.raises(CommandError, match=r'load_session\(\) was not done: .*"loadSession" cannot be read .*camera'):
        viewer.load_session(session)
    assert viewer._link.waiting == 0
    page.wait_message(lambda: [m for m in page.received if m.header["kind"] == "refused"])
