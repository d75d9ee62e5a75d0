"""Blocks of dask matrices that were computed for one gene, kept for the others in them as long as there is room.

Where chunks span many genes, each gene costs all of them. What is kept takes at most a quarter of the memory that may
still be had; what was asked for longest ago leaves first.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .array_parts import StoredValues, Values, join_column, to_host
from .dask_blocks import compute_blocks, is_dask
from .memory import available_bytes
from .turn import Turn, later

#: What is kept takes at most this part of the memory that may be had.
_SHARE = 4


@dataclass(frozen=True, slots=True)
class _Stripe:
    """All blocks of some neighbouring genes, from the first row to the last; ``None``: they do not fit."""

    version: str
    blocks: list[Any] | None
    size: int


class KeptBlocks:
    """The blocks of one AnnData's dask matrices. Thread-safe."""

    def __init__(self, changed: Callable[[], None], available: Callable[[], int] = available_bytes) -> None:
        self._changed = changed
        self._available = available
        self._lock = threading.RLock()
        #: By matrix and place among its stripes; the one that was asked for last is the last.
        self._stripes: dict[tuple[str, int], _Stripe] = {}
        self._is_given_back = False

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        with self._lock:
            return self._held()

    def column(self, name: str, version: str, values: Any, gene: int, turn: Turn) -> Values | StoredValues | None:
        """Read one gene; ``None`` where its blocks are not kept, so that it is read by itself.

        ``values`` is the matrix that goes by ``name``, ``version`` differs when another one does. Raises what computing
        raises.
        """
        if not is_dask(values) or np.isnan(values.shape[1:]).any():
            return None
        ends = np.cumsum(values.chunks[1])
        place = int(np.searchsorted(ends, gene, side="right"))
        if values.chunks[1][place] == 1:
            return None
        stripe = self._stripe((name, place), version, values, turn)
        if stripe.blocks is None:
            return None
        within = gene - int(ends[place] - values.chunks[1][place])
        return join_column(block[:, within : within + 1] for block in stripe.blocks)

    def drop(self) -> int:
        """Let all go; bytes that this gives back."""
        with self._lock:
            freed = self._held()
            self._stripes.clear()
        if freed:
            self._changed()
        return freed

    def give_back(self) -> int:
        """Let all go and keep no more; bytes that this gives back."""
        self._is_given_back = True
        return self.drop()

    def check_memory(self) -> None:
        """Let all go where less memory is left than they take."""
        if self.size > 0 and self._available() < self.size:
            self.drop()

    def _stripe(self, key: tuple[str, int], version: str, values: Any, turn: Turn) -> _Stripe:
        with self._lock:
            known = self._stripes.pop(key, None)
            if known is not None and known.version == version:
                self._stripes[key] = known
                return known
        blocks = None if self._is_given_back else self._compute(values, key[1], turn)
        stripe = _Stripe(version, blocks, 0 if blocks is None else sum(map(_bytes_of, blocks)))
        with self._lock:
            self._stripes[key] = stripe
        if blocks is not None:
            self._changed()
        return stripe

    def _compute(self, values: Any, place: int, turn: Turn) -> list[Any] | None:
        """Compute all blocks of a stripe, or ``None`` as soon as they turn out not to fit."""
        count = values.numblocks[0]
        if not self._makes_room(_dense_size(values, place)):
            return None
        blocks: list[Any] = []
        for block in _blocks_in(values, place, turn):
            blocks.append(block)
            # Sparse ones are as large as they are: the first tell of the others.
            if not self._makes_room(sum(map(_bytes_of, blocks)) * count // len(blocks)):
                return None
        return blocks

    def _makes_room(self, size: int) -> bool:
        with self._lock:
            all_there_is = self._available() + self._held()
            if size * _SHARE > all_there_is:
                return False
            for key in list(self._stripes):
                if (size + self._held()) * _SHARE <= all_there_is:
                    break
                del self._stripes[key]
            return True

    def _held(self) -> int:
        return sum(stripe.size for stripe in self._stripes.values())


def _dense_size(values: Any, place: int) -> int:
    """Bytes of a stripe, as far as is known before it is computed."""
    rows = values.shape[0]
    is_known = isinstance(getattr(values, "_meta", None), np.ndarray) and not np.isnan(rows)
    return int(rows * values.chunks[1][place] * values.dtype.itemsize) if is_known else 0


def _blocks_in(values: Any, place: int, turn: Turn) -> Iterator[Any]:
    """All blocks of a stripe from the first row on; the first alone, as its size tells of the others."""
    count = values.numblocks[0]
    for (block,) in compute_blocks(values.blocks[:1, place], later(turn, 0, 1 / count)):
        yield _by_gene(to_host(block))
    if count > 1:
        for (block,) in compute_blocks(values.blocks[1:, place], later(turn, 1 / count, 1)):
            yield _by_gene(to_host(block))


def _by_gene(block: Any) -> Any:
    return block.tocsc() if hasattr(block, "tocsc") else block


def _bytes_of(block: Any) -> int:
    if not hasattr(block, "indptr"):
        return int(block.nbytes)
    return int(block.data.nbytes + block.indices.nbytes + block.indptr.nbytes)
