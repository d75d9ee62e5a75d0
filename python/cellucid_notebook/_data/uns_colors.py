"""Colours of categories as a user stored them in ``uns``, for the server to parse."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import islice
from numbers import Real
from typing import Any

from .text_sample import MAX_CATEGORIES

_PARTS = (3, 4)
#: matplotlib's cycle as it was last seen, and its colours: they are asked for with every field.
_last_cycle: list[Any] = []


def stored_colors(value: Any) -> list[Any] | None:
    """What scanpy finds when it goes through ``uns["…_colors"]``, an entry each; ``None`` where there is nothing.

    An entry is a text, a list of numbers (red, green, blue and perhaps alpha, 0 to 1), a text with an opacity, or
    ``None`` for anything else. A dict is gone through by its keys, a text by its letters; what cannot be gone through
    has no entries.
    """
    if value is None:
        return None
    try:
        return [_entry(color) for color in islice(value, MAX_CATEGORIES)]
    except TypeError:
        return []


def color_cycle() -> list[str] | None:
    """The colours of matplotlib's ``axes.prop_cycle`` as ``#rrggbb``, ``None`` where matplotlib was not imported.

    Not imported here: nobody can have changed what was never there.
    """
    matplotlib = sys.modules.get("matplotlib")
    colors = sys.modules.get("matplotlib.colors")
    if matplotlib is None or colors is None:
        return None
    cycle = matplotlib.rcParams["axes.prop_cycle"]
    if not _last_cycle or _last_cycle[0] is not cycle:
        # A cycle of line styles only has no colours.
        _last_cycle[:] = cycle, [colors.to_hex(color) for color in cycle.by_key().get("color", ())] or None
    known: list[str] | None = _last_cycle[1]
    return known


def _entry(color: Any) -> str | list[Any] | None:
    if isinstance(color, str):
        return str(color)
    if isinstance(color, tuple) and len(color) == len(("color", "opacity")) and isinstance(color[0], str):
        return [str(color[0]), float(color[1])] if _is_number(color[1]) else None
    if not isinstance(color, Iterable):
        return None
    parts = list(color)
    return [float(part) for part in parts] if len(parts) in _PARTS and all(map(_is_number, parts)) else None


def _is_number(part: Any) -> bool:
    return isinstance(part, Real) and math.isfinite(part)
