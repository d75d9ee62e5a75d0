"""One obs column as the bytes that cross the pipe: values, or codes with categories."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .._arrays.value_types import ROUNDED_NOTE, Values, is_rounded, narrowest
from .._wire.frame import Buffer
from .._wire.labels import label_text
from .._wire.protocol import JsonObject
from .text_sample import MAX_CATEGORIES, are_clearly_categories, are_identifiers, sample_of, sampled_runs

#: Codes are u8 up to here, the largest code means missing; above it u16.
_MAX_U8_CATEGORIES = 254


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


def too_many_reason(values: pd.Series[Any]) -> str | None:
    """Why categories are too many to colour by; ``None`` where they are not."""
    dtype = values.dtype
    if not isinstance(dtype, pd.CategoricalDtype) or len(dtype.categories) <= MAX_CATEGORIES:
        return None
    return f"{len(dtype.categories):,} categories are too many to colour by"


def _text_kind(values: pd.Series[Any]) -> str:
    if pd.api.types.infer_dtype(values, skipna=True) in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return "continuous"
    # Mostly unique texts are barcodes and the like: for hover, not for colour. A handful of cells is no reason.
    return "identifier" if _name_cells(values) else "categorical"


def _name_cells(values: pd.Series[Any]) -> bool:
    looked = 0
    texts: list[str] = []
    for run in sampled_runs(len(values)):
        some = values.iloc[run]
        looked += len(some)
        texts += map(label_text, some.dropna())
        if are_clearly_categories(texts, looked):
            return False
    return are_identifiers(sample_of(texts, looked), len(values))


def column_bytes(values: pd.Series[Any], colors: list[Any] | None) -> ColumnBytes:
    """Encode one obs column; ``colors`` as stored in ``uns``, not checked here.

    Raises ``UnsupportedColumnError`` for what is neither numbers nor at most 65,534 categories.
    """
    kind = column_kind(values)
    if kind == "continuous":
        return _numbers_bytes(*_numbers(values), colors)
    if kind == "identifier":
        names = "nearly every cell has a text of its own: there is nothing to colour by"
        raise UnsupportedColumnError(too_many_reason(values) or names)
    return _codes_bytes(_as_categorical(values), colors)


def _numbers(values: pd.Series[Any]) -> tuple[Values, Values | None]:
    """NumPy's numbers of a column of any kind, and where they are missing beside NaN, shape (n,)."""
    if values.dtype == object:
        values = _numbers_of_objects(values)
    dtype: Any = values.dtype
    if isinstance(dtype, np.dtype):
        return values.to_numpy(dtype=np.float64 if dtype.kind == "O" else None), None
    plain = np.dtype(getattr(dtype, "numpy_dtype", None) or getattr(dtype, "subtype", None) or np.float64)
    if plain.kind not in "iu":
        width = np.float32 if plain.kind == "f" and plain.itemsize <= 4 else np.float64
        return values.to_numpy(dtype=width, na_value=np.nan), None
    missing = values.isna().to_numpy(dtype=bool)
    numbers = values.to_numpy(dtype=plain, na_value=0)
    return numbers, missing if missing.any() else None


def _numbers_of_objects(values: pd.Series[Any]) -> pd.Series[Any]:
    # Where some are missing, pandas would make doubles of whole numbers, and round them.
    if pd.api.types.infer_dtype(values, skipna=True) == "integer":
        for dtype in ("Int64", "UInt64"):
            try:
                return values.astype(dtype)
            except (OverflowError, TypeError, ValueError):
                continue
    return pd.to_numeric(values, errors="coerce")


def _numbers_bytes(numbers: Values, missing: Values | None, colors: list[Any] | None) -> ColumnBytes:
    if not is_rounded(numbers):
        return _told_of_colors(dense_bytes(numbers, missing), colors)
    # Doubles would lose digits: where few numbers differ they can be told apart by their texts.
    is_there = np.ones(len(numbers), dtype=bool) if missing is None else ~missing
    found, different = pd.factorize(numbers[is_there], sort=True)
    if len(different) > MAX_CATEGORIES:
        return _told_of_colors(dense_bytes(numbers, missing), colors)
    codes = np.full(len(numbers), -1)
    codes[is_there] = found
    return _codes_bytes(pd.Categorical.from_codes(codes.tolist(), categories=pd.Index(different)), colors)


def _told_of_colors(column: ColumnBytes, colors: list[Any] | None) -> ColumnBytes:
    """``uns`` may hold colours for a field of numbers, which are not used."""
    return column if colors is None else replace(column, head={**column.head, "hasColors": True})


def dense_bytes(values: Values, missing: Values | None = None) -> ColumnBytes:
    """Encode one number per cell; missing is NaN, and what the mask ``missing`` says."""
    data, dtype = narrowest(values, missing)
    head: JsonObject = {"form": "dense", "dtype": dtype, "n": len(data)}
    return ColumnBytes(_noted(head, values), as_bytes(data))


def as_bytes(array: Values) -> Buffer:
    """Return the bytes of a C-contiguous array where they lie: to copy those of a million cells holds up the kernel."""
    return array.data.cast("B") if array.size else b""


def sparse_bytes(rows: Values, values: Values, cell_count: int) -> ColumnBytes:
    """Encode the stored values of a sparse column; rows in any order, double entries are summed as scipy does."""
    if len(rows) > 1 and bool((rows[1:] <= rows[:-1]).any()):
        unique, inverse = np.unique(rows, return_inverse=True)
        sums = np.zeros(len(unique), dtype=values.dtype if values.dtype.kind in "iu" else np.float64)
        np.add.at(sums, inverse, values)
        rows, values = unique, sums.astype(values.dtype)
    data, dtype = narrowest(values)
    head: JsonObject = {"form": "sparse", "dtype": dtype, "n": cell_count, "nnz": len(rows)}
    return ColumnBytes(_noted(head, values), rows.astype("<u4").tobytes() + data.tobytes())


def _noted(head: JsonObject, values: Values) -> JsonObject:
    return {**head, "note": ROUNDED_NOTE} if is_rounded(values) else head


def category_texts(categories: Iterable[Any]) -> list[str]:
    """Categories as texts, as scanpy prints them: 1.0 keeps its point, a float32 prints as a double."""
    return [label_text(value.item() if isinstance(value, np.generic) else value) for value in categories]


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
    from natsort import natsorted  # there where anndata is

    words = pd.Categorical(values.astype(object).map(label_text, na_action="ignore"))
    # As anndata makes categories of texts, so that colour i belongs to the same category: t1, t2, t10.
    return words.reorder_categories(natsorted(words.categories))


def _iso_text(moment: Any) -> str:
    text = str(pd.Timestamp(moment).isoformat())
    return text.removesuffix("T00:00:00")


def _codes_bytes(values: pd.Categorical, colors: list[Any] | None) -> ColumnBytes:
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
