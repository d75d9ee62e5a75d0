"""Where a viewer is shown when there are no cells of IPython."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from cellucid_notebook._notebook.display import show_in_marimo


@pytest.mark.parametrize("in_notebook", [True, False])
def test_in_marimo_a_widget_goes_into_what_the_running_cell_shows(
    monkeypatch: pytest.MonkeyPatch, in_notebook: bool
) -> None:
    shown: list[object] = []
    output = SimpleNamespace(append=shown.append)
    monkeypatch.setitem(sys.modules, "marimo", SimpleNamespace(running_in_notebook=lambda: in_notebook, output=output))
    assert show_in_marimo("widget") is in_notebook
    assert shown == (["widget"] if in_notebook else [])


def test_without_marimo_nothing_is_shown_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "marimo", raising=False)
    assert not show_in_marimo("widget")
