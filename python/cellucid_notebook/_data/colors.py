"""Colours that users write, as ``#rrggbb``."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from .._arguments import described
from ..errors import ArgumentError, ArgumentTypeError, near_names, or_nothing

#: The names every browser has known since CSS 1 and 2; with matplotlib installed all of its names work.
_BASIC = {
    "aqua": "#00ffff",
    "black": "#000000",
    "blue": "#0000ff",
    "fuchsia": "#ff00ff",
    "gray": "#808080",
    "green": "#008000",
    "lime": "#00ff00",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "orange": "#ffa500",
    "purple": "#800080",
    "red": "#ff0000",
    "silver": "#c0c0c0",
    "teal": "#008080",
    "white": "#ffffff",
    "yellow": "#ffff00",
}
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def hex_color(color: object) -> str:
    """``"#f00"``, ``"#ff0000"``, a name, or red, green and blue from 0 to 1, as ``"#rrggbb"``, in lower case.

    Raises ``ValueError`` with the names most like it for anything else.
    """
    if not isinstance(color, str):
        return _of_parts(color)
    if _HEX.fullmatch(color):
        digits = color[1:].lower()
        return f"#{digits}" if len(digits) == 6 else "#" + "".join(digit * 2 for digit in digits)
    named = _known_names()
    found = named.get(color) or named.get(color.lower())
    if found is None:
        near = or_nothing(near_names(color, named))
        raise ArgumentError(f"{color!r} is no colour: neither like '#ff0000' nor a name; most like it: {near}.")
    return found


def _of_parts(color: object) -> str:
    """Red, green, blue, as matplotlib and seaborn have them; with an opacity only where it is full."""
    try:
        parts = np.asarray(color, dtype=np.float64)
    except (TypeError, ValueError):
        parts = np.empty(0)
    if parts.shape not in {(3,), (4,)}:
        raise ArgumentTypeError(
            "A colour is a text such as '#ff0000' or 'orange', or three numbers from 0 to 1 as (1, 0.5, 0); found "
            f"{described(color)}."
        )
    if not ((parts >= 0) & (parts <= 1)).all():
        raise ArgumentError(f"A colour's red, green and blue go from 0 to 1; found {described(color)}. Divide by 255.")
    if parts[3:].tolist() not in ([], [1]):
        raise ArgumentError(f"Highlights are opaque; found {described(color)}. Leave the fourth number out.")
    return "#" + "".join(f"{round(float(part) * 255):02x}" for part in parts[:3])


def _known_names() -> Mapping[str, str]:
    try:
        from matplotlib.colors import get_named_colors_mapping, to_hex
    except ImportError:
        return _BASIC
    return {name: to_hex(value) for name, value in get_named_colors_mapping().items()}
