"""Whether a cell runs is known from IPython's own events, and told to widgets that wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from cellucid_notebook._notebook import running_cell
from cellucid_notebook._notebook.running_cell import RunningCell


class Events:
    """Those of IPython that are of use here."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Any] = {}

    def register(self, name: str, callback: Any) -> None:
        self.callbacks[name] = callback


class Heard:
    """Writes down what is told."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.changed = threading.Condition()

    def cell_runs(self, runs: bool) -> None:
        with self.changed:
            self.told.append(runs)
            self.changed.notify_all()

    def wait(self, told: list[bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.told == told, 10), self.told


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> Iterator[Events]:
    made = Events()
    monkeypatch.setattr(running_cell, "shell", lambda: SimpleNamespace(events=made))
    monkeypatch.setattr(running_cell, "_TELL_AFTER_S", 0.01)
    return made


def test_a_cell_that_takes_long_is_told_and_so_is_its_end(events: Events) -> None:
    cell, heard = RunningCell(), Heard()
    cell.watch()
    cell.listen(heard)
    assert not cell.runs, "a handler or a thread made the viewer"
    events.callbacks["pre_run_cell"](None)
    assert cell.runs
    heard.wait([True])
    events.callbacks["post_run_cell"](None)
    assert not cell.runs
    heard.wait([True, False])


def test_of_a_short_cell_only_the_end_is_told(events: Events, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_cell, "_TELL_AFTER_S", 1000)
    cell, heard = RunningCell(), Heard()
    cell.watch()
    cell.listen(heard)
    events.callbacks["pre_run_cell"](None)
    events.callbacks["post_run_cell"](None)
    heard.wait([False])


def test_outside_ipython_no_cell_is_known_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_cell, "shell", lambda: None)
    cell = RunningCell()
    cell.watch()
    assert not cell.runs
