"""Where a viewer is shown when there are no cells of IPython."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from cellucid_notebook._notebook import display
from cellucid_notebook._notebook.display import show_in_app, show_in_marimo


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


@pytest.mark.parametrize("shell", [None, SimpleNamespace(), SimpleNamespace(kernel=object())])
def test_only_what_has_a_kernel_behind_its_shell_shows_what_is_displayed_outside_cells(
    monkeypatch: pytest.MonkeyPatch, shell: object
) -> None:
    shown: list[object] = []
    monkeypatch.setattr(display, "shell", lambda: shell)
    monkeypatch.setattr(display, "publish", shown.append)
    assert show_in_app({"text/plain": "viewer"}) is hasattr(shell, "kernel")
    assert shown == ([{"text/plain": "viewer"}] if hasattr(shell, "kernel") else [])
