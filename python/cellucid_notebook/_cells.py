"""Sets of cells: from what a user writes to indices, and from indices to bytes (`protocol/cells.ts`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._frame import Buffer
from ._protocol import JsonObject

CellIndices = npt.NDArray[np.uint32]


def encode_cells(cells: CellIndices, cell_count: int) -> tuple[JsonObject, bytes]:
    """Encode ascending, unique indices of shape ``(count,)`` in whichever form is smaller: ``(head, body)``."""
    bitmap_bytes = -(-cell_count // 8)
    head = {"encoding": "u32", "count": len(cells), "cellCount": cell_count}
    if len(cells) * 4 <= bitmap_bytes:
        return head, cells.astype("<u4", copy=False).tobytes()
    mask = np.zeros(cell_count, dtype=bool)
    mask[cells] = True
    return {**head, "encoding": "bitmap"}, np.packbits(mask, bitorder="little").tobytes()


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
    bits = np.unpackbits(np.frombuffer(body, dtype=np.uint8), bitorder="little")
    cells = np.flatnonzero(bits).astype(np.uint32)
    if len(cells) != count or (count and int(cells[-1]) >= cell_count):
        raise ValueError(f"{len(cells)} cells in the bitmap, {count} announced")
    return cells


def cell_indices(cells: Any, cell_count: int) -> CellIndices:
    """Turn positions or a boolean mask into ascending, unique indices.

    ``cells``: integers in any order, or a boolean array of shape ``(cell_count,)``; lists, numpy arrays, pandas
    objects. Raises ``IndexError`` for a position outside ``0 … cell_count - 1``, ``ValueError`` for a mask of another
    length, ``TypeError`` for anything that is neither.
    """
    array = np.asarray(cells)
    if array.size == 0:
        return np.empty(0, dtype=np.uint32)
    if array.ndim != 1:
        raise ValueError(f"Cells must be one list of positions or one mask; found an array of shape {array.shape}.")
    if array.dtype == bool:
        if len(array) != cell_count:
            raise ValueError(f"A mask needs one value per cell: {cell_count}; this one has {len(array)}.")
        return np.flatnonzero(array).astype(np.uint32)
    if array.dtype.kind not in "iu":
        raise TypeError(
            "Cells must be given as positions (0 is the first row of adata.obs) or as a boolean mask; "
            f"found values of type {array.dtype}."
        )
    outside = array[(array < 0) | (array >= cell_count)]
    if len(outside):
        raise IndexError(f"There is no cell {outside[0]}: the dataset has {cell_count} cells, 0 to {cell_count - 1}.")
    return np.unique(array).astype(np.uint32)
