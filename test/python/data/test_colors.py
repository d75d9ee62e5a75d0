"""Colours that users write."""

from __future__ import annotations

import sys

import pytest
from cellucid_notebook._data.colors import hex_color


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ("#F00", "#ff0000"),
        ("#12aBcd", "#12abcd"),
        ("orange", "#ffa500"),
        ("Orange", "#ffa500"),
        ("tab:blue", "#1f77b4"),
    ],
)
def test_colours_become_six_digits(color: str, expected: str) -> None:
    assert hex_color(color) == expected


def test_an_unknown_colour_is_refused_with_near_names() -> None:
    with pytest.raises(ValueError, match=r"most like it:.*orange"):
        hex_color("ornge")
    with pytest.raises(TypeError, match="a text"):
        hex_color(7)  # type: ignore[arg-type]


def test_without_matplotlib_the_basic_names_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.colors", None)
    assert hex_color("teal") == "#008080"
    with pytest.raises(ValueError, match="no colour"):
        hex_color("tab:blue")
