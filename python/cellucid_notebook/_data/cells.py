"""Sets of cells: from what a user writes to indices, and from indices to bytes (`protocol/cells.ts`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .._arguments import described
from .._wire.frame import Buffer
from .._wire.protocol import JsonObject
from ..errors import (
    ArgumentError,
    ArgumentTypeError,
    UnknownCellError,
    UnknownCellPositionError,
    near_names,
    or_nothing,
)

CellIndices = npt.NDArray[np.uint32]


#: Cells that are taken out of a bitmap, or put into one, at once: what that needs beside the result stays small.
_STEP = 1 << 16


def encode_cells(cells: CellIndices, cell_count: int) -> tuple[JsonObject, bytes]:
    """Encode ascending, unique indices of shape ``(count,)`` in whichever form is smaller: ``(head, body)``."""
    bitmap_bytes = -(-cell_count // 8)
    head = {"encoding": "u32", "count": len(cells), "cellCount": cell_count}
    if len(cells) * 4 <= bitmap_bytes:
        return head, cells.astype("<u4", copy=False).tobytes()
    return {**head, "encoding": "bitmap"}, b"".join(_bitmap_pieces(cells, cell_count))


def _bitmap_pieces(cells: CellIndices, cell_count: int) -> Iterator[bytes]:
    starts = range(0, cell_count, _STEP)
    bounds = np.searchsorted(cells, np.array([*starts, cell_count], dtype=cells.dtype))  # another type would copy them
    for start, first, last in zip(starts, bounds[:-1], bounds[1:], strict=True):
        mask = np.zeros(min(_STEP, cell_count - start), dtype=bool)
        mask[cells[first:last] - np.uint32(start)] = True
        yield np.packbits(mask, bitorder="little").tobytes()


def decode_cells(head: JsonObject, body: Buffer) -> CellIndices:
    """Decode and check a set of cells: ascending, unique indices, a fresh array of shape ``(count,)``.

    Raises ``ValueError`` when lengths, order or range do not hold.
    """
    count, cell_count = head["count"], head["cellCount"]
    if not (isinstance(count, int) and isinstance(cell_count, int) and 0 <= count <= cell_count):
        raise ValueError(f"{count!r} of {cell_count!r} cells")
    if head["encoding"] == "u32":
        return _decode_indices(body, count, cell_count)
    return _decode_bitmap(body, count, cell_count)


def _decode_indices(body: Buffer, count: int, cell_count: int) -> CellIndices:
    if len(body) != count * 4:
        raise ValueError(f"{len(body)} bytes for {count} cells")
    cells = np.frombuffer(body, dtype="<u4").astype(np.uint32)
    if count and (int(cells[-1]) >= cell_count or bool((cells[1:] <= cells[:-1]).any())):
        raise ValueError("cells that are not ascending, unique and within range")
    return cells


def _decode_bitmap(body: Buffer, count: int, cell_count: int) -> CellIndices:
    if len(body) != -(-cell_count // 8):
        raise ValueError(f"{len(body)} bytes for a bitmap of {cell_count} cells")
    bitmap = np.frombuffer(body, dtype=np.uint8)
    cells = np.empty(count, dtype=np.uint32)
    filled = 0
    for start in range(0, len(bitmap), _STEP // 8):
        found = np.flatnonzero(np.unpackbits(bitmap[start : start + _STEP // 8], bitorder="little"))
        if filled + len(found) <= count:
            cells[filled : filled + len(found)] = found + start * 8
        filled += len(found)
    if filled != count or (count and int(cells[-1]) >= cell_count):
        raise ValueError(f"{filled} cells in the bitmap, {count} announced")
    return cells


def cell_indices(cells: Any, cell_count: int, names: Callable[[], Any]) -> CellIndices:
    """Turn positions, a boolean mask or names into ascending, unique indices.

    ``cells``: integers in any order, a boolean per cell, or names; lists, sets, slices, numpy arrays, pandas objects, a
    mask that is one column of a matrix. A boolean pandas Series is matched by its index, of a table such as
    ``adata.obs[...]`` the index says which cells. ``names`` gives the names of all cells in order, a pandas Index, when
    needed. Raises ``IndexError`` for a position outside ``0 … cell_count - 1``, ``UnknownCellError`` for an unknown
    name, ``ValueError`` for a mask of another length, ``TypeError`` for anything else.
    """
    array = _one_array(cells, cell_count)
    if array.size == 0:
        return np.empty(0, dtype=np.uint32)
    if array.dtype == object and all(isinstance(value, (bool, np.bool_)) for value in array):
        array = array.astype(bool)
    if array.dtype == bool:
        return _masked(cells, array, cell_count, names)
    if array.dtype.kind in "iu":
        return _positions(array, cell_count)
    if array.dtype.kind in "UTO" and all(isinstance(value, str) for value in array):
        return _named(array, names())
    gap = ", some of them missing. Fill these first, for example mask.fillna(False)" if pd.isna(array).any() else ""
    raise ArgumentTypeError(
        "Cells must be given as positions (0 is the first row of adata.obs), as names of adata.obs_names, or as a "
        f"boolean mask; found values of type {array.dtype}{gap}."
    )


def _one_array(cells: Any, cell_count: int) -> npt.NDArray[Any]:
    if isinstance(cells, slice):
        return np.arange(cell_count)[cells]
    if hasattr(cells, "columns") and hasattr(cells, "index"):  # rows of a table, as in adata.obs[...]
        cells = cells.index
    elif hasattr(cells, "toarray"):  # a mask made from a sparse matrix
        cells = cells.toarray()
    elif isinstance(cells, (AbstractSet, Iterator, KeysView, ValuesView)):
        cells = list(cells)
    try:
        array = np.asarray(cells)
    except ValueError:
        raise ArgumentError("Cells must be one list or one mask; found lists of different lengths.") from None
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype == bool:
        return array[:, 0]
    if array.ndim != 1:
        shape = f"an array of shape {array.shape}" if array.ndim else described(cells)
        raise ArgumentError(f"Cells must be one list or one mask; found {shape}.")
    return array


def _positions(array: npt.NDArray[Any], cell_count: int) -> CellIndices:
    if int(array.min()) < 0 or int(array.max()) >= cell_count:
        outside = array[(array < 0) | (array >= cell_count)][0]
        raise UnknownCellPositionError(
            f"There is no cell {outside}: the dataset has {cell_count:,} cells, 0 to {cell_count - 1}."
        )
    if len(array) * 16 < cell_count:
        return np.unique(array).astype(np.uint32)
    # Of many cells a mark for each cell there is costs less than to sort them.
    mask = np.zeros(cell_count, dtype=bool)
    mask[array] = True
    return _marked(mask)


def _masked(cells: Any, mask: npt.NDArray[Any], cell_count: int, names: Callable[[], Any]) -> CellIndices:
    if len(mask) != cell_count:
        raise ArgumentError(f"A mask needs one value per cell: {cell_count:,}; this one has {len(mask):,}.")
    index: Any = getattr(cells, "index", None)
    if callable(getattr(index, "get_indexer", None)) and index.dtype.kind not in "iu" and not index.equals(names()):
        # A Series that was sorted or taken from elsewhere: its own names say which cells are meant.
        return _named(np.asarray(index)[mask], names())
    return _marked(mask)


def _marked(mask: npt.NDArray[Any]) -> CellIndices:
    """Where a mask holds, without the eight bytes a cell that numpy would find it with."""
    cells = np.empty(int(np.count_nonzero(mask)), dtype=np.uint32)
    filled = 0
    for start in range(0, len(mask), _STEP):
        found = np.flatnonzero(mask[start : start + _STEP])
        cells[filled : filled + len(found)] = found + start
        filled += len(found)
    return cells


def _named(wanted: npt.NDArray[Any], names: Any) -> CellIndices:
    found = np.flatnonzero(names.isin(wanted))
    if len(found) < len(set(wanted)):
        known = set(names[found])
        unknown = next(name for name in wanted if name not in known)
        near = or_nothing(near_names(str(unknown), map(str, names)))
        raise UnknownCellError(f"There is no cell named {str(unknown)!r} among {len(names):,}; most like it: {near}.")
    return found.astype(np.uint32)
