"""Which cells are highlighted, colour by colour, as the kernel knows it."""

from __future__ import annotations

import threading

import numpy as np

from .._data.cells import CellIndices
from .shown_values import ShownCells


class Highlights:
    """Sets of cells by colour. Thread-safe. Each change returns all that are highlighted then, in whichever colour."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_color: dict[str, CellIndices] = {}

    def with_cells(self, color: str, cells: CellIndices) -> ShownCells:
        """A command adds cells to a colour."""
        with self._lock:
            before = self._by_color.get(color)
            self._by_color[color] = cells if before is None else np.union1d(before, cells).astype(np.uint32)
            return self._all()

    def of_page(self, color: str, cells: CellIndices) -> ShownCells:
        """A page says which cells a colour holds now."""
        with self._lock:
            self._by_color[color] = cells
            return self._all()

    def without_any(self) -> ShownCells:
        """A command takes all away."""
        with self._lock:
            self._by_color.clear()
            return self._all()

    def _all(self) -> ShownCells:
        sets = list(self._by_color.values())
        if len(sets) == 1:
            return ShownCells.of(sets[0])
        return ShownCells.of(np.unique(np.concatenate([np.empty(0, dtype=np.uint32), *sets])).astype(np.uint32))
