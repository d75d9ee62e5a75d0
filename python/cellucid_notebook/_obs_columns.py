"""One obs column as the bytes that cross the pipe: float32 values, or codes with categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._frame import Buffer
from ._protocol import JsonObject

#: Codes are u8 up to here, the largest code means missing; above it u16.
_MAX_U8_CATEGORIES = 254
MAX_CATEGORIES = 65_534
_SAMPLED_TEXTS = 1000

Values = npt.NDArray[Any]


class UnsupportedColumnError(ValueError):
    """The column cannot be shown; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ColumnBytes:
    """``head`` as in `columnAnswerSchema` (without version), ``body`` little endian, row *i* is row *i* of obs."""

    head: JsonObject
    body: Buffer


def column_kind(values: pd.Series[Any]) -> str:
    """``categorical``, ``continuous``, ``date`` or ``identifier``. Raises ``UnsupportedColumnError``."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categorical" if len(dtype.categories) <= MAX_CATEGORIES else "identifier"
    if pd.api.types.is_bool_dtype(dtype):
        return "categorical"
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return "date"
    if pd.api.types.is_complex_dtype(dtype):
        raise UnsupportedColumnError("it holds complex numbers; store their real part or their size")
    if pd.api.types.is_timedelta64_dtype(dtype):
        raise UnsupportedColumnError("it holds durations; store them as numbers, for example in hours")
    if pd.api.types.is_numeric_dtype(dtype):
        return "continuous"
    return _text_kind(values)


def _text_kind(values: pd.Series[Any]) -> str:
    if pd.api.types.infer_dtype(values, skipna=True) in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return "continuous"
    # Mostly unique texts are barcodes and the like: for hover, not for colour. A handful of cells is no reason.
    different = _estimate_different(values)
    return "identifier" if different > min(MAX_CATEGORIES, max(len(values) / 2, 20)) else "categorical"


def _estimate_different(values: pd.Series[Any]) -> float:
    """How many different texts there are, from a thousand of them: to count millions would hold up the kernel."""
    if len(values) > _SAMPLED_TEXTS:
        places = np.random.default_rng(0).choice(len(values), _SAMPLED_TEXTS, replace=False, shuffle=False)
        sample = values.iloc[places].dropna().astype(str)
    else:
        sample = values.dropna().astype(str)
    found = int(sample.nunique())
    if len(values) <= _SAMPLED_TEXTS or found <= len(sample) / 2:
        return found
    return len(values) if found == len(sample) else len(sample) ** 2 / (2 * (len(sample) - found))


def column_bytes(values: pd.Series[Any], colors: list[str] | None) -> ColumnBytes:
    """Encode one obs column; ``colors`` as stored in ``uns``, one per category, not checked here.

    Raises ``UnsupportedColumnError`` for what is neither numbers nor at most 65,534 categories.
    """
    kind = column_kind(values)
    if kind == "continuous":
        numbers = pd.to_numeric(values, errors="coerce") if values.dtype == object else values
        return dense_bytes(numbers.to_numpy(dtype=np.float32, na_value=np.nan))
    if kind == "identifier":
        raise UnsupportedColumnError("nearly every cell has a text of its own: there is nothing to colour by")
    return _codes_bytes(_as_categorical(values), colors)


def dense_bytes(values: Values) -> ColumnBytes:
    """Encode one number per cell, NaN is missing."""
    data = np.ascontiguousarray(values, dtype="<f4")
    return ColumnBytes({"form": "dense", "n": len(data)}, as_bytes(data))


def as_bytes(array: Values) -> Buffer:
    """Return the bytes of a C-contiguous array where they lie: to copy those of a million cells holds up the kernel."""
    return array.data.cast("B") if array.size else b""


def sparse_bytes(rows: Values, values: Values, cell_count: int) -> ColumnBytes:
    """Encode the stored values of a sparse column; rows in any order, double entries are summed as scipy does."""
    if len(rows) > 1 and bool((rows[1:] <= rows[:-1]).any()):
        unique, inverse = np.unique(rows, return_inverse=True)
        sums = np.zeros(len(unique), dtype=np.float64)
        np.add.at(sums, inverse, values)
        rows, values = unique, sums
    head = {"form": "sparse", "n": cell_count, "nnz": len(rows)}
    return ColumnBytes(head, rows.astype("<u4").tobytes() + values.astype("<f4").tobytes())


def category_texts(categories: Iterable[Any]) -> list[str]:
    """Categories as texts; whole numbers without a decimal point."""
    return [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in categories]


def _as_categorical(values: pd.Series[Any]) -> pd.Categorical:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Categorical(values)
    if pd.api.types.is_bool_dtype(values.dtype):
        return pd.Categorical(values.astype("boolean").astype(object), categories=[False, True])
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        moments = pd.Categorical(values, ordered=True)
        if len(moments.categories) > MAX_CATEGORIES:
            raise UnsupportedColumnError(
                f"it holds {len(moments.categories):,} different dates; round them, to days say"
            )
        texts = pd.Index([_iso_text(moment) for moment in moments.categories])
        return pd.Categorical.from_codes(moments.codes.tolist(), categories=texts, ordered=True)
    return pd.Categorical(values.astype(object).map(str, na_action="ignore"))


def _iso_text(moment: Any) -> str:
    text = str(pd.Timestamp(moment).isoformat())
    return text.removesuffix("T00:00:00")


def _codes_bytes(values: pd.Categorical, colors: list[str] | None) -> ColumnBytes:
    categories = category_texts(values.categories)
    if len(categories) > MAX_CATEGORIES:
        raise UnsupportedColumnError(
            f"it holds {len(categories):,} different texts; at most {MAX_CATEGORIES:,} can be told apart by colour"
        )
    width = 1 if len(categories) <= _MAX_U8_CATEGORIES else 2
    # -1 becomes the largest code of the type, which is what "missing" is on the wire.
    codes = values.codes.astype("u1" if width == 1 else "<u2")
    head = {
        "form": "codes",
        "width": width,
        "n": len(codes),
        "categories": categories,
        "ordered": bool(values.ordered),
        "colors": colors,
    }
    return ColumnBytes(head, codes.tobytes())
