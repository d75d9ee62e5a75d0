"""Copies by gene of matrices that are stored by cell, kept in the kernel's memory as long as there is room for them.

Of a CSR matrix every gene is a scan of the whole; of a copy ordered by gene it is a slice. A copy takes at most a
quarter of the memory that may still be had, is made in the background, block by block, and is given back when memory
gets short or when the user asks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._wire.protocol import JsonObject
from .array_parts import StoredValues
from .memory import available_bytes

logger = logging.getLogger(__name__)

Array = npt.NDArray[Any]
#: Below it a scan takes a few milliseconds.
_MIN_STORED = 2_000_000
#: Stored values that are put in place at once: about 40 MB beside the copy, and the interpreter lock for milliseconds.
_BLOCK_STORED = 1 << 20
#: A copy takes at most this part of the memory that may be had.
_SHARE = 4


@dataclass(slots=True)
class _Copy:
    """The copy of one matrix in one version, or why there is none."""

    version: str
    #: What it takes when it is whole, bytes.
    size: int
    #: Share that is in place; ``None`` once it is whole, or given up.
    done: float | None = None
    by_gene: tuple[Array, Array, Array] | None = None
    #: A sentence where genes are read from the matrix as it is.
    note: str | None = None

    @property
    def is_kept(self) -> bool:
        """Whether it is there, or being made."""
        return self.done is not None or self.by_gene is not None

    @property
    def held(self) -> int:
        """Bytes that it takes now, as far as is known."""
        if self.by_gene is not None:
            return self.size
        return 0 if self.done is None else int(self.size * self.done)


class GeneCopies:
    """The copies of one AnnData's matrices, by name. Thread-safe; ``changed`` is called from any thread."""

    def __init__(self, changed: Callable[[], None], available: Callable[[], int] = available_bytes) -> None:
        self._changed = changed
        self._available = available
        self._lock = threading.Lock()
        #: The one that was asked for last is the last.
        self._copies: dict[str, _Copy] = {}
        self._is_given_back = False

    def stored(self, name: str, version: str, values: Any, gene: int) -> StoredValues | None:
        """Read one gene from the copy; ``None`` where it has to be read from the matrix, of which a copy may begin.

        ``values`` is the matrix that goes by ``name``, ``version`` differs when another one does.
        """
        if not _is_worth_it(values):
            return None
        with self._lock:
            copy = self._copies.get(name)
            if copy is None or copy.version != version:
                copy = self._begin(name, version, values)
            else:
                self._copies[name] = self._copies.pop(name)
            by_gene = copy.by_gene
        if by_gene is None:
            return None
        indptr, rows, data = by_gene
        start, end = int(indptr[gene]), int(indptr[gene + 1])
        return StoredValues(rows[start:end], data[start:end], int(values.shape[0]))

    def progress(self) -> JsonObject:
        """As `sortingAnswerSchema`: the share that is done, bytes that are kept, sentences on what is slower."""
        with self._lock:
            copies = list(self._copies.values())
        done = [copy.done for copy in copies if copy.done is not None]
        return {
            "done": min(done) if done else None,
            "bytes": sum(copy.size for copy in copies if copy.is_kept),
            "notes": list(dict.fromkeys(copy.note for copy in copies if copy.note is not None)),
        }

    def give_back(self) -> int:
        """Let all copies go and make no more; bytes that this gives back."""
        with self._lock:
            self._is_given_back = True
            return self._let_go(list(self._copies), _GIVEN_BACK)

    def drop(self) -> None:
        """Let all go: the matrices may hold other values now. What is asked for next is sorted anew."""
        with self._lock:
            went = any(copy.is_kept for copy in self._copies.values())
            self._copies.clear()
        if went:
            self._changed()

    def check_memory(self) -> None:
        """Let all copies go where less memory is left than they take: someone needs it more."""
        with self._lock:
            held = sum(copy.held for copy in self._copies.values())
            if held > 0 and self._available() < held:
                self._let_go(list(self._copies), _MEMORY_SHORT)

    def _let_go(self, names: list[str], note: str) -> int:
        freed, went = 0, False
        for name in names:
            copy = self._copies[name]
            if not copy.is_kept:
                continue
            freed, went = freed + copy.held, True
            # Another one: what is being made now finds that it is not wanted any more.
            self._copies[name] = _Copy(copy.version, copy.size, note=note)
        if went:
            self._changed()
        return freed

    def _begin(self, name: str, version: str, values: Any) -> _Copy:
        self._copies.pop(name, None)
        size = _copy_size(values)
        copy = self._copies[name] = _Copy(version, size)
        if self._is_given_back:
            copy.note = _GIVEN_BACK
            return copy
        self._make_room(name, size)
        if not self._fits(size, self._available()):
            copy.note = _too_large(size, self._available() // _SHARE)
            return copy
        copy.done = 0.0
        threading.Thread(target=self._build, args=(name, copy, values), name="cellucid-genes", daemon=True).start()
        return copy

    def _make_room(self, name: str, size: int) -> None:
        """Of the matrices that were looked at earlier the copies leave first."""
        for other in [known for known in self._copies if known != name]:
            if self._fits(size, self._available()):
                return
            self._let_go([other], _LEFT_FOR_ANOTHER)

    def _fits(self, size: int, available: int) -> bool:
        """Whether one more of this size, and those there are, take a quarter of what may be had, theirs counted in."""
        copies = [copy for copy in self._copies.values() if copy.is_kept]
        wanted, held = size + sum(copy.size for copy in copies), sum(copy.held for copy in copies)
        return wanted * _SHARE <= available + held

    # On the thread that makes one.

    def _build(self, name: str, copy: _Copy, values: Any) -> None:
        by_gene, note = None, None
        try:
            by_gene = self._fill(name, copy, values)
        except MemoryError:
            note = _MEMORY_SHORT
        except Exception as error:
            # Whatever a user's matrix does, genes are read from it as before.
            logger.exception("Sorting the genes of %s failed", name)
            note = f"{_SLOWER}: {error}."
        with self._lock:
            copy.by_gene, copy.done, copy.note = by_gene, None, note or copy.note
        self._changed()

    def _fill(self, name: str, copy: _Copy, values: Any) -> tuple[Array, Array, Array] | None:
        matrix = _csr(values)
        indptr = matrix.gene_pointers()
        rows = np.empty(len(matrix.data), dtype=_row_type(values.shape[0]))
        data = np.empty(len(matrix.data), dtype=matrix.data.dtype)
        place = indptr[:-1].copy()
        for stored, (block_rows, block_data, block_place) in matrix.blocks(place):
            rows[block_place], data[block_place] = block_rows, block_data
            available = self._available()
            with self._lock:
                if self._copies.get(name) is not copy:
                    return None
                copy.done = stored / len(matrix.data)
                if not self._fits(0, available):
                    copy.note = _MEMORY_SHORT
                    return None
        return indptr, rows, data


@dataclass(frozen=True, slots=True)
class _Csr:
    """The arrays of a CSR matrix as they were when its copy began; they are only read."""

    indptr: Array
    indices: Array
    data: Array
    gene_count: int

    def gene_pointers(self) -> Array:
        """Where each gene begins in the copy, shape (genes + 1,)."""
        counts = np.zeros(self.gene_count, dtype=np.int64)
        for start in range(0, len(self.indices), _BLOCK_STORED):
            counts += np.bincount(self._checked(start, start + _BLOCK_STORED), minlength=self.gene_count)
        return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])

    def blocks(self, place: Array) -> Iterator[tuple[int, tuple[Array, Array, Array]]]:
        """What is stored, block by block: how much there is so far, and rows, values and places in the copy.

        ``place`` is where the next value of each gene goes, and is moved on.
        """
        from scipy.sparse import csr_matrix  # there where a CSR matrix is

        for start in range(0, len(self.indices), _BLOCK_STORED):
            end = min(start + _BLOCK_STORED, len(self.indices))
            first, edges = self._rows(start, end)
            shape = (len(edges) - 1, self.gene_count)
            # scipy lets other threads run meanwhile.
            block = csr_matrix((self.data[start:end], self._checked(start, end), edges), shape, copy=False).tocsc()
            counts = np.diff(block.indptr)
            places = np.repeat(place - block.indptr[:-1], counts) + np.arange(end - start)
            place += counts
            yield end, (block.indices + first, block.data, places)

    def _checked(self, start: int, end: int) -> Array:
        """Genes of a block, a copy: a matrix that is changed meanwhile must not lead a write astray."""
        genes = np.array(self.indices[start:end])
        if len(genes) and not (int(genes.min()) >= 0 and int(genes.max()) < self.gene_count):
            raise ValueError(_CHANGED)
        return genes

    def _rows(self, start: int, end: int) -> tuple[int, Array]:
        """The first row of a block, and where each of its rows begins in it."""
        first = int(np.searchsorted(self.indptr, start, side="right")) - 1
        last = int(np.searchsorted(self.indptr, end, side="left"))
        edges = np.clip(self.indptr[first : last + 1], start, end) - start
        if edges[0] != 0 or edges[-1] != end - start or bool((np.diff(edges) < 0).any()):
            raise ValueError(_CHANGED)
        return first, edges


def _csr(values: Any) -> _Csr:
    stored = int(values.indptr[-1])  # there may be room for more behind it
    if min(len(values.indices), len(values.data)) < stored:
        raise ValueError(_CHANGED)
    return _Csr(values.indptr, values.indices[:stored], values.data[:stored], int(values.shape[1]))


def _is_worth_it(values: Any) -> bool:
    # A backed matrix of anndata 0.10 has the format and the indptr of one in memory, and no data.
    is_csr = getattr(values, "format", None) == "csr" and isinstance(getattr(values, "data", None), np.ndarray)
    return is_csr and int(values.indptr[-1]) >= _MIN_STORED


def _row_type(cell_count: int) -> Any:
    return np.uint32 if cell_count <= np.iinfo(np.uint32).max else np.int64


def _copy_size(values: Any) -> int:
    stored = int(values.indptr[-1])
    return int(stored * (values.data.itemsize + np.dtype(_row_type(values.shape[0])).itemsize) + values.shape[1] * 8)


_CHANGED = "it was changed while a copy of it was sorted"
_SLOWER = "Genes are read from the matrix as it is, which is slower"
_GIVEN_BACK = f"{_SLOWER}: the memory of the sorted copy was given back."
_MEMORY_SHORT = f"{_SLOWER}: memory got short, and the sorted copy was given back."
_LEFT_FOR_ANOTHER = f"{_SLOWER}: the sorted copy made room for that of another matrix."


def _too_large(size: int, room: int) -> str:
    return (
        f"{_SLOWER}: a copy sorted by gene would take {_gigabytes(size)}, and a quarter of the memory that may be used "
        f"is {_gigabytes(room)}."
    )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
