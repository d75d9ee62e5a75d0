"""Parts of anything array-like as NumPy, or as the stored values of a sparse column.

What an AnnData holds may be NumPy, scipy, dask, h5py, zarr, a matrix in anndata's own file format, or lie on a GPU. All
reads go by this module: it alone knows how each kind gives up its values. What is not in memory is read part by part,
with a turn in between, and never whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .dask_blocks import compute_blocks, has_known_width, is_dask, known_shape, touched_blocks
from .turn import Turn, no_turn

Values = npt.NDArray[Any]
#: Bytes, or stored values, of a file that are looked at between two turns.
_PART_BYTES = 32 << 20
_PART_STORED = 4 << 20


@dataclass(frozen=True, slots=True)
class StoredValues:
    """A sparse column of ``n`` values: ``rows`` in any order, doubles to be summed, all else is 0."""

    rows: Values
    values: Values
    n: int


def read_column(values: Any, column: int, turn: Turn, rows: Values | None = None) -> Values | StoredValues:
    """Read one column of a matrix of any kind: shape ``(len(rows),)``, or of all rows, in the matrix's own type.

    Masked values are NaN. Raises whatever the array raises, and ``AbandonedError`` from ``turn``.
    """
    if rows is not None and is_dask(values):
        values, rows = touched_blocks(values, rows)
    found = _column(values, column, turn)
    return found if rows is None else pick_rows(found, rows)


def read_rows(values: Any, rows: slice | Values, columns: int, turn: Turn) -> Values:
    """Read the first ``columns`` columns of ``rows``, or the only one there is: shape ``(len(rows), columns)``.

    Raises whatever the array raises, and ``AbandonedError`` from ``turn``.
    """
    if len(values.shape) == 1:
        return read_rows(values[:, None], rows, columns, turn)
    if is_dask(values):
        blocks, places = values, rows
        if not np.isnan(values.shape[0]):
            positions = np.arange(*rows.indices(values.shape[0])) if isinstance(rows, slice) else rows
            blocks, places = touched_blocks(values, positions)
        return np.asarray(_stack(_dask_parts(blocks, slice(0, columns), turn))[places])
    if isinstance(rows, slice):
        return _stack(_parts(values, rows, slice(0, columns), turn))
    # h5py takes ascending positions only, each once.
    wanted, places = np.unique(rows, return_inverse=True)
    stacked = _stack(_parts(values, wanted, slice(0, columns), turn))
    return np.asarray(stacked[places])


def shape_of(values: Any) -> tuple[int, ...]:
    """The shape of anything array-like; empty for what has none."""
    return known_shape(values) if is_dask(values) else tuple(getattr(values, "shape", ()))


def to_host(part: Any) -> Any:
    """Bring a part into this process's memory: a NumPy array, or a scipy matrix; NaN where it is masked."""
    if isinstance(part, np.ma.MaskedArray):
        return np.ma.filled(part.astype(np.result_type(part.dtype, np.float32)), np.nan)
    if isinstance(part, np.ndarray):
        return np.asarray(part)
    if is_dask(part):
        return np.concatenate([to_host(beside[0]) for beside in compute_blocks(part, no_turn)])
    for bring in (_from_gpu, _from_torch, _from_pydata):
        brought = bring(part)
        if brought is not None:
            return to_host(brought)
    if hasattr(part, "tocoo"):
        return part
    return np.asarray(part)


def _from_gpu(part: Any) -> Any:
    # cupy refuses to become NumPy by itself. A pandas `get` takes a key.
    get = getattr(part, "get", None)
    return get() if callable(get) and hasattr(part, "dtype") and not hasattr(part, "iloc") else None


def _from_torch(part: Any) -> Any:
    return part.detach().cpu().numpy() if hasattr(part, "detach") and hasattr(part, "cpu") else None


def _from_pydata(part: Any) -> Any:
    return part.to_scipy_sparse() if hasattr(part, "to_scipy_sparse") else None


def _column(values: Any, column: int, turn: Turn) -> Values | StoredValues:
    if getattr(values, "format", None) == "csc" and isinstance(getattr(values, "indptr", None), np.ndarray):
        start, end = int(values.indptr[column]), int(values.indptr[column + 1])
        return StoredValues(values.indices[start:end], values.data[start:end], int(values.shape[0]))
    return join_column(_parts(values, slice(0, None), slice(column, column + 1), turn))


def join_column(parts: Iterator[Any]) -> Values | StoredValues:
    """Put the parts of one column, matrices of one column each, one below the other."""
    dense: list[Values] = []
    stored: list[StoredValues] = []
    start = 0
    for part in parts:
        if hasattr(part, "tocoo"):
            entries = part.reshape(-1, 1).tocoo()
            rows = entries.row if start == 0 else entries.row.astype(np.int64) + start
            stored.append(StoredValues(rows, entries.data, int(part.shape[0])))
        else:
            dense.append(np.asarray(part).reshape(-1))
        start += int(part.shape[0])
    if stored and dense:
        raise TypeError("some of its chunks are sparse and others are not")
    if stored:
        rows, data = (np.concatenate(each) for each in zip(*((s.rows, s.values) for s in stored), strict=True))
        return StoredValues(rows, data, start)
    return np.concatenate(dense) if dense else np.empty(0, dtype=np.float32)


def pick_rows(column: Values | StoredValues, rows: Values) -> Values | StoredValues:
    """Take the rows of a column, any number of times and in any order."""
    if not isinstance(column, StoredValues):
        return column[rows]
    dense = np.zeros(column.n, dtype=column.values.dtype)
    np.add.at(dense, column.rows, column.values)
    picked = dense[rows]
    stored = np.flatnonzero(picked)
    return StoredValues(stored, picked[stored], len(picked))


def _stack(parts: Iterator[Any]) -> Values:
    dense = [_dense(part) for part in parts]
    return dense[0] if len(dense) == 1 else np.concatenate(dense)


def _parts(values: Any, rows: slice | Values, columns: slice, turn: Turn) -> Iterator[Any]:
    """Parts of some rows and columns, in order, in memory."""
    if is_dask(values):
        yield from _dask_parts(values, columns, turn)
    elif _is_stored_sparse(values):
        yield from _stored_sparse_parts(values, rows, columns, turn)
    elif isinstance(rows, slice) and _is_on_disk(values):
        yield from _disk_parts(values, rows, columns, turn)
    else:
        yield to_host(values[rows, columns])


def _dask_parts(values: Any, columns: slice, turn: Turn) -> Iterator[Any]:
    if has_known_width(values):
        yield from (_beside(blocks) for blocks in compute_blocks(values[:, columns], turn))
    else:
        yield from (_beside(blocks)[:, columns] for blocks in compute_blocks(values, turn))


def _beside(blocks: list[Any]) -> Any:
    if len(blocks) == 1:
        return to_host(blocks[0])
    return np.concatenate([_dense(to_host(block)) for block in blocks], axis=1)


def _dense(part: Any) -> Values:
    array: Values = part.toarray() if hasattr(part, "tocoo") else np.asarray(part)
    return array


def _is_on_disk(values: Any) -> bool:
    """Whether it is an h5py or zarr array, by its parts, so that neither need be imported."""
    return hasattr(values, "chunks") and hasattr(values, "attrs") and hasattr(values, "dtype")


def _disk_parts(values: Any, rows: slice, columns: slice, turn: Turn) -> Iterator[Any]:
    start, end, _ = rows.indices(int(values.shape[0]))
    chunk_rows, chunk_columns = values.chunks or (1, values.shape[1])
    # Of every chunk that is touched all bytes are read.
    row_bytes = max(1, min(int(chunk_columns), int(values.shape[1])) * np.dtype(values.dtype).itemsize)
    step = max(1, _PART_BYTES // row_bytes // int(chunk_rows)) * int(chunk_rows)
    yield from _stepped(start, end, step, turn, lambda first, last: np.asarray(values[first:last, columns]))
    if start == end:
        yield np.asarray(values[0:0, columns])


def _is_stored_sparse(values: Any) -> bool:
    """Whether it is anndata's matrix in a file: it has a group that its values lie in, and an order."""
    return hasattr(values, "group") and hasattr(values, "format")


def _stored_sparse_parts(values: Any, rows: slice | Values, columns: slice, turn: Turn) -> Iterator[Any]:
    if values.format == "csc":
        picked = [values[:, column].reshape(-1, 1).tocsr() for column in range(*columns.indices(int(values.shape[1])))]
        yield picked[0][rows] if len(picked) == 1 else _beside([column[rows] for column in picked])
        return
    if not isinstance(rows, slice):
        yield values[rows][:, columns]
        return
    start, end, _ = rows.indices(int(values.shape[0]))
    indptr = np.asarray(values.group["indptr"][start : end + 1])
    stored = int(indptr[-1] - indptr[0]) if len(indptr) else 0
    step = max(1, (end - start) * _PART_STORED // max(1, stored))
    yield from _stepped(start, end, step, turn, lambda first, last: values[first:last][:, columns])


def _stepped(start: int, end: int, step: int, turn: Turn, read: Callable[[int, int], Any]) -> Iterator[Any]:
    for first in range(start, end, step):
        turn((first - start) / max(1, end - start))
        yield read(first, min(end, first + step))
