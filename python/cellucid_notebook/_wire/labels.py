"""Labels of columns and names as the texts that travel, and back: pandas takes any value as a label."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

import pandas as pd

from .._arguments import described
from ..errors import ArgumentTypeError, UnknownColumnError


def well_formed(text: str) -> str:
    """``text`` as UTF-8 can hold it: each half of a character becomes U+FFFD, two halves become the character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_halves(text) else text


def _has_halves(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def label_text(label: Any) -> str:
    """What a label is called on the wire; bytes are the text that anndata writes for them."""
    return label.decode(errors="replace") if isinstance(label, bytes) else well_formed(str(label))


def name_text(name: Any) -> str:
    """What a cell or gene is called; a missing name as anndata calls it."""
    return "nan" if name is pd.NA or name is None else label_text(name)


def by_text(labels: Iterable[Hashable]) -> dict[str, list[Hashable]]:
    """Different labels by their texts, in order: 0 and ``"0"`` are called the same."""
    found: dict[str, list[Hashable]] = {}
    for label in dict.fromkeys(labels):
        found.setdefault(label_text(label), []).append(label)
    return found


def label_of(labels: Iterable[Hashable], text: str) -> Hashable:
    """The label that is called ``text``; the text itself where it is one. Raises ``KeyError`` where there is none."""
    same = by_text(labels)[text]
    return text if text in same else same[0]


def same_text_reason(labels: list[Hashable]) -> str:
    """Why neither of several labels of one text can be asked for."""
    kinds = ", ".join(f"{label!r} ({type(label).__name__})" for label in labels)
    return f"several columns are called alike: {kinds}; rename all but one"


def color_text(color: Any, columns: Iterable[Hashable] | None) -> str:
    """What ``color=`` names, as it travels: a text, or a column whose label is none, as pandas finds it.

    ``columns``: labels of ``adata.obs``, ``None`` for a file, whose columns are named by texts. Raises
    ``UnknownColumnError`` for another label, or for one that is called as another is; ``TypeError`` for several.
    """
    known = {} if columns is None else {label: label for label in columns}
    if not isinstance(color, Hashable) or (isinstance(color, tuple) and color not in known):
        raise ArgumentTypeError(
            f"color takes one column of obs or one gene; found {described(color)}. One is shown at a time, for now: "
            "name one, and pick others in the panel."
        )
    text = label_text(known.get(color, color))
    same = by_text(known).get(text, [])
    if len(same) > 1:
        raise UnknownColumnError(f"color={color!r} cannot be told apart: {same_text_reason(same)}.", [])
    if isinstance(color, str) or color in known:
        return text
    way_out = f"Write color={text!r}" if same or columns is None else "Choose one that adata.obs.columns lists"
    raise UnknownColumnError(f"color={color!r} ({type(color).__name__}) is no column of obs. {way_out}.", [])
