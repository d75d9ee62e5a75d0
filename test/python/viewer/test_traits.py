"""What can be read of a viewer can be set, observed and linked; and a viewer stays where it is."""

from __future__ import annotations

import copy
import json
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import ipywidgets
import joblib
import numpy as np
import pytest
import traitlets
from cellucid_notebook import UnknownColumnError, show_anndata
from cellucid_notebook._data.cells import encode_cells
from cellucid_notebook.errors import ForkedViewerError

TIMEOUT_S = 10


class Ear:
    """Hears changes of a trait, and can wait for one."""

    def __init__(self, viewer: Any, name: str) -> None:
        self.heard: list[Any] = []
        self._changed = threading.Condition()
        viewer.observe(self._hear, name)

    def _hear(self, change: Any) -> None:
        with self._changed:
            self.heard.append(change["new"])
            self._changed.notify_all()

    def wait(self, count: int) -> list[Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, TIMEOUT_S), self.heard
            return [value.tolist() if isinstance(value, np.ndarray) else value for value in self.heard]


def test_what_is_set_is_read_back_in_the_same_cell_and_reaches_the_page(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    mask = np.asarray(pbmc.obs["louvain"] == "3")
    viewer.selection = mask
    viewer.color = "CD3D"
    viewer.embedding = "pca"
    viewer.height = "400px"
    viewer.highlighted = pbmc[:3]
    assert pbmc[viewer.selection].n_obs == viewer.selected(pbmc).n_obs == mask.sum()
    assert viewer.selection.tolist() == np.flatnonzero(mask).tolist()
    assert (viewer.color, viewer.embedding, viewer.height) == ("CD3D", "X_pca", 400)
    assert viewer.highlighted.tolist() == [0, 1, 2]
    page = open_page(viewer)
    assert page.wait_command("setColorBy")[0]["field"] == "CD3D"
    assert page.wait_command("setEmbedding")[0]["name"] == "X_pca"
    np.testing.assert_array_equal(page.wait_command("select")[1], np.flatnonzero(mask))
    command, cells = page.wait_command("highlight")
    assert (command["color"], cells.tolist()) == ("#ff0000", [0, 1, 2])


def test_methods_and_values_are_one_and_the_same(pbmc: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain", embedding="umap", height=300)
    assert (viewer.color, viewer.embedding, viewer.height) == ("louvain", "X_umap", 300)
    viewer.select_cells([4, 2])
    viewer.set_color_by(None)
    viewer.set_embedding("pca")
    viewer.highlight_cells([1])
    viewer.highlight_cells([9, 1], color="blue")
    assert (viewer.color, viewer.embedding) == (None, "X_pca")
    assert (viewer.selection.tolist(), viewer.highlighted.tolist()) == ([2, 4], [1, 9])
    viewer.clear_highlights()
    assert viewer.highlighted.tolist() == []
    viewer.highlighted = {"orange": [7], (0, 0, 1): [5]}
    assert viewer.highlighted.tolist() == [5, 7]


def test_what_cannot_be_set_changes_nothing(pbmc: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain")
    viewer.highlighted = [1]
    ear = Ear(viewer, "color")
    with pytest.raises(UnknownColumnError, match="CD3D"):
        viewer.color = "CD3DD"
    with pytest.raises(IndexError):
        viewer.highlighted = [700]
    with pytest.raises(ValueError, match="height"):
        viewer.height = "100%"
    assert (viewer.color, viewer.highlighted.tolist(), viewer.height) == ("louvain", [1], 600)
    assert ear.heard == []


def test_observers_hear_of_python_and_of_the_users_own_clicks(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain")
    ears = {name: Ear(viewer, name) for name in ("selection", "color", "embedding", "highlighted", "height")}
    viewer.color = "phase"
    viewer.height = 500
    assert (ears["color"].heard, ears["height"].heard) == (["phase"], [500])
    page = open_page(viewer)
    page.wait_command("setColorBy")
    page.ready(700)
    viewer.wait_for_ready(TIMEOUT_S)
    page.select([5, 6], 700)
    page.event("colorBy", field="CD3D", matrix=None)
    page.event("embedding", name="X_pca", dimensions=2)
    head, body = encode_cells(np.array([3], dtype=np.uint32), 700)
    page.send({"kind": "cellSet", "name": "highlight/#00ff00", "cells": head}, body)
    assert ears["selection"].wait(1) == [[5, 6]]
    assert ears["color"].wait(2) == ["phase", "CD3D"]
    assert ears["embedding"].wait(1) == ["X_pca"]
    assert ears["highlighted"].wait(1) == [[3]]
    assert (viewer.selection.tolist(), viewer.color, viewer.embedding) == ([5, 6], "CD3D", "X_pca")


def test_a_page_that_tells_of_before_does_not_undo_what_was_set(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer.select_cells([1])
    page = open_page(viewer)
    page.wait_command("select")
    page.ready(700)
    viewer.wait_for_ready(TIMEOUT_S)
    page._take = lambda _: None  # it hears commands, and has not done them yet
    viewer.select_cells([2])
    ear = Ear(viewer, "color")
    head, body = encode_cells(np.array([1], dtype=np.uint32), 700)
    page.send({"kind": "cellSet", "name": "selection", "cells": head}, body)
    page.event("colorBy", field="CD3D", matrix=None)
    ear.wait(1)  # behind it
    assert viewer.selection.tolist() == [2]


def test_what_a_page_refuses_is_not_shown(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    ear = Ear(viewer, "color")
    page.event("colorBy", field="louvain", matrix=None)
    page.ready(700)
    viewer.wait_for_ready(TIMEOUT_S)
    assert ear.wait(1) == ["louvain"]
    page.refuses["setColorBy"] = "out of memory"
    viewer.color = "CD3D"
    assert viewer.color == "CD3D"
    assert ear.wait(3) == ["louvain", "CD3D", "louvain"]
    assert viewer.color == "louvain"


def test_two_viewers_and_a_dropdown_are_linked_as_all_widgets_are(pbmc: Any, open_page: Any) -> None:
    one, other = show_anndata(pbmc, color="louvain"), show_anndata(pbmc)
    dropdown = ipywidgets.Dropdown(options=["louvain", "phase", "CD3D"])
    label = ipywidgets.Label()
    traitlets.link((one, "selection"), (other, "selection"))
    traitlets.link((one, "color"), (other, "color"))
    traitlets.link((one, "embedding"), (other, "embedding"))
    ipywidgets.link((dropdown, "value"), (one, "color"))
    ipywidgets.dlink((one, "selection"), (label, "value"), lambda cells: f"{len(cells)} cells")
    assert other.color == "louvain"
    dropdown.value = "CD3D"
    assert (one.color, other.color) == ("CD3D", "CD3D")
    ear = Ear(other, "selection")
    page = open_page(one)
    page.select([1, 2], 700)
    page.select([1, 2, 3], 700)
    assert ear.wait(2)[-1] == [1, 2, 3]
    assert label.value == "3 cells"
    other.selection = [9]
    assert one.selection.tolist() == [9]
    np.testing.assert_array_equal(open_page(other).wait_command("select")[1], [9])


def test_the_state_is_filled_by_ready(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain", embedding="umap")
    page = open_page(viewer)
    page.ready(700)
    viewer.wait_for_ready(TIMEOUT_S)
    assert (viewer.state.color_by, viewer.state.embedding) == ("louvain", "X_umap")
    bare = show_anndata(pbmc)
    page = open_page(bare)
    page.send({"kind": "state", "state": {"embedding": "X_umap", "color": {"axis": "obs", "key": "phase"}}})
    page.ready(700)
    bare.wait_for_ready(TIMEOUT_S)
    assert (bare.state.color_by, bare.state.embedding) == (bare.color, bare.embedding) == ("phase", "X_umap")


def test_a_label_that_is_no_text_comes_back_as_it_is(pbmc: Any, open_page: Any) -> None:
    pbmc.obs[7] = pbmc.obs["louvain"].to_numpy()
    viewer = show_anndata(pbmc)
    viewer.color = 7
    assert viewer.color == 7
    ear = Ear(viewer, "color")
    page = open_page(viewer)
    page.wait_command("setColorBy")
    page.event("colorBy", field="phase", matrix=None)
    page.event("colorBy", field="7", matrix=None)
    assert ear.wait(2) == ["phase", 7]


@pytest.mark.parametrize(
    ("wrong", "right"), [("colour", "color"), ("select", "selection"), ("set_colour_by", "set_color_by")]
)
def test_a_name_that_does_not_exist_is_refused_with_the_near_one(pbmc: Any, wrong: str, right: str) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(AttributeError, match=f"no '{wrong}'; most like it: .*{right}"):
        getattr(viewer, wrong)
    with pytest.raises(AttributeError, match=f"no '{wrong}' to set; most like it: .*{right}"):
        setattr(viewer, wrong, "x")
    assert not hasattr(viewer, "_repr_html_")
    viewer.layout.width = "50%"


def test_copies_and_pickles_of_a_viewer_say_why_not(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    for action in (copy.copy, copy.deepcopy, pickle.dumps, lambda v: pickle.dumps([v], 2)):
        with pytest.raises(TypeError, match=r"A viewer cannot be (copied|pickled): it is tied to .* show_anndata"):
            action(viewer)


def n_obs(adata: Any) -> int:
    return int(adata.n_obs)


def test_what_mentions_a_viewer_goes_to_other_processes(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer.select_cells([1])

    def counts(number: int) -> tuple[int, str]:
        return pbmc.n_obs + number, repr(viewer)

    def uses(_: int) -> None:
        viewer.set_color_by("louvain")

    parallel = joblib.Parallel(n_jobs=2)
    assert [count for count, _ in parallel(joblib.delayed(counts)(number) for number in range(2))] == [700, 701]
    assert parallel([joblib.delayed(n_obs)(pbmc)]) == [700]
    assert parallel([joblib.delayed(len)(viewer.selection)]) == [1]
    with pytest.raises(ForkedViewerError, match="set_color_by is of no use here"):
        parallel(joblib.delayed(uses)(number) for number in range(2))
    with ProcessPoolExecutor(1) as pool:
        assert pool.submit(n_obs, pbmc).result(60) == 700
    assert pickle.loads(pickle.dumps(pbmc)).n_obs == 700


def test_a_viewer_that_starts_with_a_gene_says_which(pbmc: Any) -> None:
    assert show_anndata(pbmc, color="CD3D").color == "CD3D"
    assert show_anndata(pbmc, color="louvain").color == "louvain"


class FrontEnd:
    """Keeps the state of viewers as a notebook page does, and passes on what `jslink` would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *viewers: Any) -> None:
        self.messages: list[Any] = []
        self._changed = threading.Condition()
        self._state = {id(viewer): viewer.get_state() for viewer in viewers}
        for viewer in viewers:
            monkeypatch.setattr(viewer, "_send", partial(self._hear, viewer), raising=False)

    def _hear(self, viewer: Any, message: Any, buffers: Any = None) -> None:
        if message["method"] != "update":
            return
        with self._changed:
            self.messages.append((viewer, json.loads(json.dumps(message["state"])), buffers))
            self._state[id(viewer)] |= message["state"]
            self._changed.notify_all()

    def wait(self, viewer: Any, name: str, value: Any) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._state[id(viewer)][name] == value, TIMEOUT_S), self._state


def test_front_ends_hold_what_is_shown_and_link_it_without_a_buffer_or_the_cells_themselves(
    pbmc: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = show_anndata(pbmc, color="louvain"), show_anndata(pbmc)
    ipywidgets.jslink((one, "selection"), (two, "selection"))
    ipywidgets.jslink((one, "color"), (ipywidgets.Text(), "value"))
    assert one.get_state()["color"] == "louvain"
    front = FrontEnd(monkeypatch, one, two)
    ear, highlights = Ear(two, "selection"), Ear(one, "highlighted")
    one.selection = range(500)
    (_, state, buffers), *_ = front.messages
    assert not buffers
    assert len(state["selection"]) < 40
    two.set_state(state)  # as the front end's link does
    assert ear.wait(1) == [list(range(500))]
    front.wait(two, "selection", state["selection"])
    one.set_state({"selection": two.get_state()["selection"]})
    one.set_state({"color": "CD3D", "embedding": "pca", "height": 333, "highlighted": [3, 1]})
    assert highlights.wait(1) == [[1, 3]]
    front.wait(one, "embedding", "X_pca")
    assert (one.color, one.height, one.highlighted.tolist(), len(one.selection)) == ("CD3D", 333, [1, 3], 500)


def test_what_a_front_end_sets_and_cannot_be_is_told(pbmc: Any) -> None:
    viewer = show_anndata(pbmc, color="louvain")
    told: list[Any] = []
    done = threading.Event()
    viewer.on_command_error(lambda event: (told.append(event["reason"]), done.set()))
    viewer.set_state({"color": "louvian", "selection": "cells of a viewer that is gone"})
    assert done.wait(TIMEOUT_S)
    assert "louvain" in told[0]
    assert (viewer.color, len(viewer.selection)) == ("louvain", 0)
