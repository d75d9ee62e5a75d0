"""Columns of a table, be it a pandas DataFrame or what `anndata.experimental.read_lazy` puts in its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .._arrays import array_parts
from .array_parts import Values
from .dask_blocks import is_dask
from .turn import Turn, no_turn

_TEXT_KINDS = "OTSU"


def is_lazy_table(table: Any) -> bool:
    """Whether it is anndata's `Dataset2D`, by its parts."""
    # A DataFrame looks for an attribute among its columns, which costs more than to read one; a look asks thousands.
    return not isinstance(table, pd.DataFrame) and hasattr(table, "ds") and hasattr(table, "true_index_dim")


def column_names(table: Any) -> pd.Index[Any]:
    """Names of the columns, in order."""
    if not is_lazy_table(table):
        names: pd.Index[Any] = table.columns
        return names
    # Its own `columns` come from a set, in another order each time.
    known = set(table.columns)
    return pd.Index([name for name in table.ds if name in known], dtype=object)


def column(table: Any, key: Any, turn: Turn = no_turn) -> Any:
    """One column in memory, a pandas Series; a DataFrame where several have the name. Only this column is read."""
    if not is_lazy_table(table):
        return table[key]
    lazy = table.ds[key]
    if is_dask(lazy.data) and not lazy.attrs.get("is_nullable_string", False):
        return pd.Series(read_rows(lazy.data, slice(0, None), 1, turn).reshape(-1), index=table.index, name=key)
    values = table[[key]].to_memory()[key]
    if isinstance(lazy.dtype, pd.CategoricalDtype):
        # Read lazily, anndata leaves out categories that no cell has; the colours in uns are for all of them.
        values = values.cat.set_categories(lazy.dtype.categories, ordered=lazy.dtype.ordered)
    return values


def is_single(table: Any, key: Any) -> bool:
    """Whether there is one column of this name, not none and not several."""
    return key in column_names(table) and (is_lazy_table(table) or table[key].ndim == 1)


def for_kind(table: Any, key: Any) -> Any:
    """As much of a column as its kind can be told by: of one not in memory that is no text, no value."""
    if is_lazy_table(table) and table.ds[key].dtype.kind not in _TEXT_KINDS:
        return pd.Series([], dtype=table.ds[key].dtype)
    return column(table, key)


def anchor(table: Any, key: Any) -> Any:
    """What stays the same while the column does."""
    if not is_lazy_table(table):
        return table[key]
    return table.ds[key].variable._data


def read_rows(table: Any, rows: slice | Values, columns: int, turn: Turn) -> Values:
    """The first ``columns`` columns of some rows of a table, or of an array of any kind."""
    if is_lazy_table(table):
        names = column_names(table)[:columns]
        return np.stack([_to_numbers(column(table, name, turn))[rows] for name in names], axis=1)
    if hasattr(table, "iloc"):
        part = table.iloc[rows, :columns]
        return np.stack([_to_numbers(part.iloc[:, place]) for place in range(part.shape[1])], axis=1)
    return array_parts.read_rows(table, rows, columns, turn)


def _to_numbers(values: pd.Series[Any]) -> Values:
    """Missing ones as NaN; texts as they are, which whoever wants numbers refuses."""
    if isinstance(values.dtype, (np.dtype, pd.CategoricalDtype)):
        return np.asarray(values)
    numbers: Values = values.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers
