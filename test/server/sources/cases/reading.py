"""What a viewer must show of an AnnData: every value as anndata and pandas have it, none by the viewer's own code."""

from __future__ import annotations

import math
import re
from typing import Any

import anndata
import numpy as np
import pandas as pd
from case_table import Case
from matplotlib.colors import to_hex
from natsort import natsorted
from scanpy.plotting._tools.scatterplots import _get_palette

MAX_CATEGORIES = 65_534
#: Beyond it JSON, and a page, cannot hold each whole number.
MAX_EXACT = 2**53


def answer(adata: anndata.AnnData, case: Case) -> dict[str, Any]:
    """Return the one answer that every kind of source must give."""
    tables = {text(key): numbers_of(value) for key, value in adata.obsm.items()}
    drawable = {key: table for key, table in tables.items() if table is not None and table.shape[1] > 0}
    offered = list(drawable) if case.offered is None else list(case.offered)
    return {
        "obsNames": texts(adata.obs_names),
        "varNames": texts(adata.var_names),
        "rawVarNames": None if adata.raw is None else texts(adata.raw.var_names),
        "obs": [field(adata.obs, place, adata.uns) for place in distinct(adata.obs.columns)],
        "embeddings": {key: [[value(x) for x in row] for row in drawable[key]] for key in offered},
        "first": case.first,
        "matrices": matrices(adata),
        "notes": list(case.notes),
    }


def distinct(columns: pd.Index[Any]) -> list[int]:
    """Return the first place of each name."""
    return [place for place, name in enumerate(columns) if list(columns).index(name) == place]


def numbers_of(table: Any) -> np.ndarray | None:
    """Return a table of ``obsm`` as numbers, one row a cell; ``None`` where it holds something else."""
    try:
        # A pandas table may hold pandas' own missing values, which NumPy cannot compute with.
        dense = numbers_of_frame(table) if isinstance(table, pd.DataFrame) else dense_of(table)
        return dense.astype(np.float64) if dense.ndim == 2 and dense.dtype.kind in "iufbO" else None
    except (TypeError, ValueError):
        return None


def numbers_of_frame(table: pd.DataFrame) -> np.ndarray:
    """Return a pandas table as numbers; of other columns the values as they are."""
    if any(pd.api.types.is_extension_array_dtype(dtype) for dtype in table.dtypes):
        return table.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(table)


def matrices(adata: anndata.AnnData) -> list[dict[str, Any]]:
    """Return every matrix, gene by gene, in the order in which scanpy would look: raw, X, layers."""
    found: list[tuple[dict[str, str], Any]] = []
    if adata.raw is not None:
        found.append(({"in": "raw"}, adata.raw.X))
    if adata.X is not None:
        found.append(({"in": "X"}, adata.X))
    layers = {text(name): layer for name, layer in adata.layers.items() if name is not None}
    found += [({"in": "layers", "layer": name}, layers[name]) for name in sorted(layers)]
    return [{"matrix": place, "genes": genes(values)} for place, values in found]


def genes(matrix: Any) -> list[list[Any]]:
    """Return the columns of a matrix."""
    return [[value(x) for x in column] for column in dense_of(matrix).T]


def dense_of(array: Any) -> np.ndarray:
    """Return NumPy's array of the same numbers; what is masked is NaN."""
    if isinstance(array, np.ma.MaskedArray):
        return array.astype(np.float64).filled(np.nan)
    in_memory = array.to_memory() if hasattr(array, "to_memory") else array
    return in_memory.toarray() if hasattr(in_memory, "toarray") else np.asarray(in_memory)


def value(found: Any) -> float | str | None:
    """Return a number as JSON holds it: ``None`` is missing, infinities and what has too many digits are texts."""
    if found is None or found is pd.NA or found is pd.NaT or found is np.ma.masked:
        return None
    if isinstance(found, (bool, np.bool_, int, np.integer)):
        return int(found) if abs(int(found)) <= MAX_EXACT else str(int(found))
    number = float(found)
    if math.isnan(number):
        return None
    return number if math.isfinite(number) else str(number)


def text(name: Any) -> str:
    """Return a name as UTF-8 can hold it: half a character is replaced."""
    found = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
    return re.sub("[\ud800-\udfff]", "\ufffd", found)


def texts(names: Any) -> list[str]:
    """Return names in order."""
    return [text(name) for name in names]


def label(category: Any, kind: str) -> str | None:
    """Return a category as scanpy's legend has it; a date as ISO 8601 does."""
    if category is None or category is pd.NA or category is pd.NaT:
        return None
    if isinstance(category, float) and math.isnan(category):
        return None
    if isinstance(category, pd.Timestamp):
        return category.isoformat().removesuffix("T00:00:00") if kind == "date" else str(category)
    return text(category)


def field(obs: pd.DataFrame, place: int, uns: Any) -> dict[str, Any]:
    """Return one obs column: its kind, and its values or categories and a label a cell."""
    name = obs.columns[place]
    if list(obs.columns).count(name) > 1:
        return {"key": text(name), "kind": "unsupported"}
    found = {"key": text(name), **column(obs.iloc[:, place])}
    if "categories" in found:
        found["colors"] = palette(len(found["categories"]), uns.get(f"{name}_colors"))
    return found


def column(values: pd.Series[Any]) -> dict[str, Any]:
    """Return kind and content of a column that has its name alone."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return codes("categorical", values)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.infer_dtype(values, skipna=True) == "boolean":
        return codes("categorical", values, [False, True])
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return codes("date", pd.Series(pd.Categorical(values, ordered=True)))
    if pd.api.types.is_complex_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return {"kind": "unsupported"}
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.infer_dtype(values, skipna=True) in NUMBERS:
        return {"kind": "continuous", "values": [value(x) for x in values.array]}
    words = values.map(text, na_action="ignore")
    if words.nunique() > max(len(words) / 2, 20):
        return {"kind": "identifier"}
    # In the order in which anndata makes categories of texts when it writes, and scanpy when it draws.
    order = natsorted(words.dropna().unique())
    return codes("categorical", pd.Series(pd.Categorical(words, categories=order)))


NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}


def codes(kind: str, values: pd.Series[Any], categories: list[Any] | None = None) -> dict[str, Any]:
    """Return categories in order, and the label of each cell."""
    stored = list(values.cat.categories) if categories is None else categories
    if len(stored) > MAX_CATEGORIES:
        return {"kind": "identifier"}
    ordered = categories is None and bool(values.cat.ordered)
    return {
        "kind": kind,
        "categories": [label(category, kind) for category in stored],
        "ordered": ordered,
        "labels": [label(each, kind) for each in values.tolist()],
    }


def palette(count: int, stored: Any) -> list[str]:
    """Return the colours that scanpy gives to so many categories, where ``uns`` has these."""
    codes = pd.Categorical.from_codes([], categories=range(count))
    adata = anndata.AnnData(obs=pd.DataFrame({"c": codes}))
    if stored is not None:
        adata.uns["c_colors"] = stored
    try:
        return [to_hex(color, keep_alpha=True) for color in _get_palette(adata, "c").values()]
    except (TypeError, ValueError):  # what scanpy stumbles over is no colour
        return palette(count, None)
