"""Whether what stands behind a key is still what it was: the same memory, holding the same sampled values."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pandas as pd

from .._arrays.fingerprint import fingerprint, index_arrays
from .._arrays.tables import anchor, column_names, is_lazy_table

#: Where scipy, pandas' masked, numpy and arrow arrays keep their values.
_VALUE_ATTRIBUTES = ("data", "_ndarray", "_data", "_pa_array")

_Seen = tuple[tuple[Any, ...], tuple[int | None, ...]]


class Versions:
    """A text per key that is another one whenever another object stands behind the key, or one changed in place.

    A change in place is seen by a sample, which a change of a few values may miss: `raise_all` begins anew. Used from
    the source worker's thread and from the one that runs cells.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoch = 1
        #: How often a version became another one, or came.
        self.changes = 0
        self._seen: dict[str, tuple[_Seen, int]] = {}

    def of(self, key: str, *parts: Any) -> str:
        """The version of ``key``, behind which ``parts`` stand now: arrays, columns, tables, matrices."""
        # The arrays are kept: as long as they live, no new one can have their address.
        anchors = tuple(each for part in parts for each in _anchors(part))
        prints = tuple(fingerprint(part) for part in parts)
        with self._lock:
            before, number = self._seen.get(key, (None, 0))
            if before is None or not _same_part(before, (anchors, prints)):
                number += 1
                self.changes += 1
                self._seen[key] = ((anchors, prints), number)
            return f"{self._epoch}.{number}"

    def raise_all(self) -> None:
        """Make every version another one, whatever can be seen."""
        with self._lock:
            self._epoch += 1
            self.changes += 1


def _anchors(part: Any) -> tuple[Any, ...]:
    """The arrays that hold the values of ``part``; itself where nothing better is known."""
    if isinstance(part, (np.ndarray, tuple)):
        return (part,)
    if isinstance(part, (pd.Series, pd.Index)):
        return tuple(each for held in index_arrays(part) for each in _anchors(held))
    if hasattr(part, "codes") and hasattr(part, "categories"):
        return part.codes, part.categories
    if hasattr(part, "iloc") and hasattr(part, "columns"):
        return tuple(each for column in _columns(part) for each in _anchors(column))
    for attribute in _VALUE_ATTRIBUTES:
        value = getattr(part, attribute, None)
        if value is not None and not isinstance(value, memoryview):
            return (value,)
    return (part,)


def _columns(table: Any) -> list[Any]:
    if is_lazy_table(table):
        return [anchor(table, name) for name in column_names(table)]
    return [table.iloc[:, position].array for position in range(table.shape[1])]


def _same_part(old: _Seen, new: _Seen) -> bool:
    return old[1] == new[1] and len(old[0]) == len(new[0]) and all(map(_same, old[0], new[0]))


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
