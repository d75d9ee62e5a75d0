"""The narrowest type in which numbers travel without a loss that a user can see; `value-type.ts` has the same rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]

#: All whole numbers up to here are float32 numbers.
_MAX_WHOLE_FLOAT32 = 2**24
#: All whole numbers up to here are float64 numbers.
_MAX_WHOLE_FLOAT64 = 2**53
#: Up to here float32 keeps a part of what stands behind the point.
_MAX_FRACTION = 2**22
_SMALLEST_NORMAL = 2.0**-126
#: A range takes at least so many steps of float32, or its values run together.
_MIN_STEPS = 2**12
#: Values that fit the processor's cache in both widths.
_CHUNK = 1 << 15

ROUNDED_NOTE = "Digits beyond 2^53 (9,007,199,254,740,992) are rounded."


def narrowest(values: Values, missing: Values | None = None) -> tuple[Values, str]:
    """Return ``values`` little endian and contiguous, and the name of their type on the wire.

    ``missing`` marks values that become NaN. Types are ``f4``, ``i4``, ``u4`` and ``f8``. Whole numbers beyond 2^53
    are rounded to float64, see :func:`is_rounded`.
    """
    if values.dtype.kind in "iu":
        dtype = _whole_type(values, missing)
        data = np.ascontiguousarray(values, dtype=f"<{dtype}")
        if missing is not None:
            data = np.where(missing, np.asarray(np.nan, data.dtype), data)
        return data, dtype
    if values.dtype.kind != "f" or values.dtype.itemsize <= 4:
        return np.ascontiguousarray(values, dtype="<f4"), "f4"
    narrow = _as_float32(np.asarray(values, dtype=np.float64))
    if narrow is not None:
        return narrow, "f4"
    return np.ascontiguousarray(values, dtype="<f8"), "f8"


def positions(values: Values) -> tuple[Values, str]:
    """Return coordinates little endian and contiguous, and the name of their type on the wire, ``f4`` or ``f8``.

    They are rounded to 32 bits only where they have no more: whoever draws them takes the centre off first. Raises
    ``TypeError`` or ``ValueError`` for what are no numbers.
    """
    kind, size = values.dtype.kind, values.dtype.itemsize
    is_short = (kind == "f" and size <= 4) or (kind in "iu" and size <= 2)
    dtype = "f4" if is_short else "f8"
    return np.ascontiguousarray(values, dtype=f"<{dtype}"), dtype


def is_rounded(values: Values) -> bool:
    """Whether there are whole numbers that float64 cannot hold."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8 or values.size == 0:
        return False
    return int(values.max()) > _MAX_WHOLE_FLOAT64 or int(values.min()) < -_MAX_WHOLE_FLOAT64


def _whole_type(values: Values, missing: Values | None) -> str:
    if values.dtype.itemsize <= 2 or values.size == 0:
        return "f4"
    low, high = int(values.min()), int(values.max())
    if low >= -_MAX_WHOLE_FLOAT32 and high <= _MAX_WHOLE_FLOAT32:
        return "f4"
    if missing is None and low >= -(2**31) and high < 2**31:
        return "i4"
    return "u4" if missing is None and low >= 0 and high < 2**32 else "f8"


def _as_float32(values: Values) -> Values | None:
    """``None`` where a user would see what was lost. In chunks that stay in the cache, and with one look at each."""
    out = np.empty(len(values), dtype="<f4")
    low, high = np.inf, -np.inf
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, len(values), _CHUNK):
            chunk, narrow = values[start : start + _CHUNK], out[start : start + _CHUNK]
            narrow[:] = chunk
            ends = _finite_ends(chunk)
            if _loses(chunk, narrow, ends):
                return None
            low, high = min(low, ends[0]), max(high, ends[1])
        size = max(abs(low), abs(high))
        if low < high and high - low < size / _MIN_STEPS and not np.array_equal(values, out, equal_nan=True):
            return None
    return out


def _finite_ends(chunk: Values) -> tuple[float, float]:
    low, high = float(np.fmin.reduce(chunk)), float(np.fmax.reduce(chunk))
    if np.isfinite(low) and np.isfinite(high):
        return low, high
    finite = chunk[np.isfinite(chunk)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.inf, -np.inf)


def _loses(chunk: Values, narrow: Values, ends: tuple[float, float]) -> bool:
    if max(-ends[0], ends[1]) > _MAX_FRACTION and bool(((narrow != chunk) & (np.abs(chunk) > _MAX_FRACTION)).any()):
        return True
    # Zeros are as small, and nothing is lost of them.
    is_above = ends[0] >= _SMALLEST_NORMAL
    small = 0 if is_above else np.count_nonzero(np.abs(narrow) < np.float32(_SMALLEST_NORMAL))
    return bool(small) and small != len(chunk) - np.count_nonzero(chunk)
