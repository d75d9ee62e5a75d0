"""A few hundred stored values in place of all of them, so that a change in place is noticed without reading an array.

Nothing here reads a file or computes: arrays that are not in memory have no fingerprint.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

#: Where scipy's matrices and pandas' arrays keep what they hold; arrays of arrow are never changed in place.
_ARRAY_ATTRIBUTES = ("data", "indices", "indptr", "row", "col", "_ndarray", "_data", "_mask")
#: Of one array. Each costs a miss of the processor's cache, some 0.1 us. Past 500 numpy lets other threads run, and
#: while a cell computes the lock comes back 5 ms later.
_SAMPLED = 480
#: Of one table.
_SAMPLED_COLUMNS = 32
#: So many texts are compared one by one; longer lists by sample, as arrays are.
_ALL_TEXTS = 1024


def fingerprint(part: Any) -> int | None:
    """Sum up a sample of what ``part`` stores now, at places that depend on its shape alone.

    ``part``: a numpy array, a sparse matrix, an array, index or table of pandas, or a tuple of texts. ``None`` for
    what is not in memory, of which only identity can be told.
    """
    arrays = [np.array([str(member) for member in part], dtype=object)] if isinstance(part, tuple) else _stored(part)
    if not arrays:
        return None
    # Python's own hash: those of hashlib let other threads run past 2 KB, as numpy does past 500 values.
    return hash(tuple((array.shape, array.dtype.str, _bytes(_sample(array))) for array in arrays))


def index_arrays(part: pd.Series[Any] | pd.Index[Any]) -> list[Any]:
    """The arrays behind a column or an index; one of several levels has several."""
    if not isinstance(part, pd.MultiIndex):
        return [part.array]
    return [*map(np.asarray, part.codes), *(level.array for level in part.levels)]


def _stored(part: Any) -> list[npt.NDArray[Any]]:
    """The numpy arrays in which ``part`` holds its values; of classes that are not known here none is asked for any."""
    if isinstance(part, np.ndarray):
        return [part]
    if isinstance(part, pd.Categorical):
        return [part.codes, *_stored(part.categories)]
    if isinstance(part, pd.DataFrame):
        positions = sorted({*np.linspace(0, part.shape[1] - 1, _SAMPLED_COLUMNS).astype(int).tolist()} - {-1})
        return [array for position in positions for array in _stored(part.iloc[:, position])]
    if isinstance(part, (pd.Series, pd.Index)):
        return [array for held in index_arrays(part) for array in _stored(held)]
    if isinstance(part, pd.api.extensions.ExtensionArray) or _is_sparse(part):
        found = [getattr(part, name, None) for name in _ARRAY_ATTRIBUTES]
        return [array for array in found if isinstance(array, np.ndarray)]
    return []


def _is_sparse(part: Any) -> bool:
    scipy_sparse = sys.modules.get("scipy.sparse")  # imported where there is such a matrix
    return scipy_sparse is not None and bool(scipy_sparse.issparse(part))


def _sample(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.size <= _SAMPLED or (array.dtype == object and array.size <= _ALL_TEXTS):
        return array
    # By one index an axis: of an array that is not contiguous no copy is made.
    return array[_places(array.shape)]


@lru_cache(maxsize=256)
def _places(shape: tuple[int, ...]) -> tuple[npt.NDArray[np.intp], ...]:
    """One place in each of equal stretches of the array, the same ones each time."""
    count = int(np.prod(shape, dtype=np.float64)) if len(shape) > 1 else shape[0]
    bounds = np.linspace(0, count, _SAMPLED + 1).astype(np.int64)
    places = np.random.default_rng(0).integers(bounds[:-1], bounds[1:])
    return tuple(np.unravel_index(places, shape))


def _bytes(sample: npt.NDArray[Any]) -> bytes:
    if sample.dtype.hasobject:
        return "\0".join(map(str, sample.tolist())).encode("utf-8", "backslashreplace")
    return sample.tobytes()
