"""Whether the object behind a key is still the one it was: by the identity of its memory, never by its values."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Where scipy, pandas' masked, numpy and arrow arrays keep their values.
_VALUE_ATTRIBUTES = ("data", "_ndarray", "_data", "_pa_array")


class Versions:
    """A number per key that goes up whenever another object stands behind the key.

    A change of values in place cannot be seen.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[tuple[Any, ...], int]] = {}

    def of(self, key: str, *parts: Any) -> str:
        """The version of ``key``, behind which ``parts`` stand now: arrays, columns, tables, matrices."""
        # The arrays are kept: as long as they live, no new one can have their address.
        anchors = tuple(anchor for part in parts for anchor in _anchors(part))
        known = self._seen.get(key)
        if known is None:
            self._seen[key] = (anchors, 1)
        elif len(known[0]) != len(anchors) or not all(map(_same, known[0], anchors)):
            self._seen[key] = (anchors, known[1] + 1)
        return str(self._seen[key][1])


def _anchors(part: Any) -> tuple[Any, ...]:
    """The arrays that hold the values of ``part``; itself where nothing better is known."""
    if isinstance(part, (np.ndarray, tuple)):
        return (part,)
    if hasattr(part, "codes") and hasattr(part, "categories"):
        return part.codes, part.categories
    if hasattr(part, "iloc") and hasattr(part, "columns"):
        columns = (part.iloc[:, position].array for position in range(part.shape[1]))
        return tuple(anchor for column in columns for anchor in _anchors(column))
    for attribute in _VALUE_ATTRIBUTES:
        value = getattr(part, attribute, None)
        if value is not None and not isinstance(value, memoryview):
            return (value,)
    return (part,)


def _same(old: Any, new: Any) -> bool:
    if old is new:
        return True
    if isinstance(old, np.ndarray) and isinstance(new, np.ndarray):
        # pandas makes a new view for every access.
        return (
            old.__array_interface__["data"] == new.__array_interface__["data"]
            and old.shape == new.shape
            and old.strides == new.strides
            and old.dtype == new.dtype
        )
    return isinstance(old, tuple) and bool(old == new)
