"""Figures that a callback draws, shown where its output goes.

matplotlib's inline backend shows what was drawn when a cell ends. A callback belongs to none: its figure would appear
below whichever cell happens to end next.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def new_figures_shown() -> Iterator[None]:
    """Show and close the figures that are made inside and still open at its end; others are left to their cell."""
    before = _open_figures()
    try:
        yield
    finally:
        _show([number for number in _open_figures() if number not in before])


def _show(numbers: list[int]) -> None:
    if not numbers:
        return
    from IPython.display import display

    pyplot: Any = sys.modules["matplotlib.pyplot"]
    show: Any = display
    for number in numbers:
        show(pyplot.figure(number))
        pyplot.close(number)


def _open_figures() -> list[int]:
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or "inline" not in str(pyplot.get_backend()):
        return []
    numbers: list[int] = pyplot.get_fignums()
    return numbers
