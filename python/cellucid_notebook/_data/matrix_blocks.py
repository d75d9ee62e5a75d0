"""A matrix in blocks of whole rows, or whole columns where it lies by them: the server computes with all of it in turn.

Of what lies in memory by rows or by columns a block is slices of its arrays; never is the whole copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._arrays.array_parts import read_rows, shape_of, to_host
from .._arrays.turn import Turn
from .._wire.protocol import JsonObject
from .expression import Expression
from .obs_columns import ColumnBytes, as_bytes

Array = npt.NDArray[Any]
#: Types of which float32 holds every number.
_NARROW = frozenset({"b1", "i1", "u1", "i2", "u2", "f2", "f4"})


def layout(matrix: Expression, cell_count: int) -> JsonObject:
    """How a matrix lies; as `layoutAnswerSchema`, but for what is of the dataset."""
    values = matrix.values
    genes = matrix.gene_count
    pointers = _pointers(values)
    stored = cell_count * genes if pointers is None else int(pointers[-1])
    return {
        "major": "columns" if pointers is not None and values.format == "csc" else "rows",
        "cells": cell_count,
        "genes": genes,
        "stored": stored,
        "isWide": _dtype(values) == np.float64,
    }


def read_block(matrix: Expression, cell_count: int, start: int, most: int, turn: Turn) -> ColumnBytes:
    """Whole rows or columns from ``start`` on, about ``most`` values: as `blockAnswerSchema`, with the body."""
    values = matrix.values
    pointers = _pointers(values)
    dtype = _dtype(values)
    if pointers is None:
        end = min(cell_count, start + max(1, most // max(1, matrix.gene_count)))
        dense = _dense_rows(matrix, start, end, turn)
        head = _head("dense", "rows", (start, end), dense.size, dtype)
        return ColumnBytes(head, as_bytes(np.ascontiguousarray(dense, dtype)))
    is_columns = values.format == "csc"
    major, minor = (matrix.columns, matrix.rows) if is_columns else (matrix.rows, matrix.columns)
    count = matrix.gene_count if is_columns else cell_count
    end = _end(pointers, major, start, count, most)
    if major is None and minor is None:
        first, last = int(pointers[start]), int(pointers[end])
        edges = pointers[start : end + 1] - first
        indices, data = values.indices[first:last], values.data[first:last]
    else:
        # Of a view the block alone is put together.
        picked = slice(start, end) if major is None else major[start:end]
        block = values[:, picked] if is_columns else values[picked]
        if minor is not None:
            block = block[minor] if is_columns else block[:, minor]
        edges, indices, data = block.indptr, block.indices, block.data
    limit = cell_count if is_columns else matrix.gene_count
    if len(indices) != int(edges[-1]) or (len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < limit):
        raise ValueError("it was changed while it was read, or its indices lead out of it")
    body = np.empty(len(data) * dtype.itemsize + (len(edges) + len(indices)) * 4, np.uint8)
    split = len(data) * dtype.itemsize
    body[:split].view(dtype)[:] = data
    body[split:].view(np.uint32)[: len(edges)] = edges
    body[split:].view(np.uint32)[len(edges) :] = indices
    head = _head("sparse", "columns" if is_columns else "rows", (start, end), len(data), dtype)
    return ColumnBytes(head, as_bytes(body))


def _head(form: str, major: str, span: tuple[int, int], stored: int, dtype: Any) -> JsonObject:
    names = {"start": span[0], "end": span[1], "nnz": int(stored), "dtype": f"f{dtype.itemsize}"}
    return {"form": form, "major": major, **names}


def _dtype(values: Any) -> np.dtype[Any]:
    try:
        stored = np.dtype(values.dtype)
    except (AttributeError, TypeError):
        return np.dtype(np.float64)
    return np.dtype(np.float32 if stored.str[1:] in _NARROW else np.float64)


def _pointers(values: Any) -> Array | None:
    """Where rows or columns begin, of a sparse matrix in memory that lies by one of them."""
    in_memory = isinstance(getattr(values, "data", None), np.ndarray)
    by_one = getattr(values, "format", None) in {"csr", "csc"} and in_memory
    return values.indptr if by_one and isinstance(getattr(values, "indptr", None), np.ndarray) else None


def _end(pointers: Array, major: Array | None, start: int, count: int, most: int) -> int:
    """The first row or column that does not fit any more, at least the one after ``start``."""
    if major is None:
        end = int(np.searchsorted(pointers, int(pointers[start]) + most, side="right")) - 1
        return min(count, max(start + 1, end))
    # No more than that many rows can fit where each holds a value.
    picked = major[start : start + most]
    sizes = np.cumsum(pointers[picked + 1] - pointers[picked])
    return min(count, start + max(1, int(np.searchsorted(sizes, most, side="right"))))


def _dense_rows(matrix: Expression, start: int, end: int, turn: Turn) -> Array:
    values = matrix.values
    rows = slice(start, end) if matrix.rows is None else matrix.rows[start:end]
    if hasattr(values, "tocoo"):  # in memory, and by neither
        block = to_host(values.tocsr()[rows]).toarray()
    else:
        block = read_rows(values, rows, shape_of(values)[1], turn)
    found = block if matrix.columns is None else block[:, matrix.columns]
    return np.asarray(found)
