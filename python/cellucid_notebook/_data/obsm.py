"""What stands in ``obsm``: which entries can be drawn, and which of them a name means."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from anndata import AnnData

#: A list is a table of one column, as anndata reads it from a file.
_LIST, _TABLE = 1, 2
#: So many columns are drawn at most, and have to be numbers.
_DRAWN_COLUMNS = 3
_KINDS = {"b": "True and False", "c": "complex numbers", "V": "records", "U": "texts", "S": "texts", "T": "texts"}


def column_count(shape: tuple[int, ...]) -> int:
    """How many columns a table of this shape has."""
    return shape[1] if len(shape) == _TABLE else 1 if len(shape) == _LIST else 0


def reason_not_drawn(value: Any, shape: tuple[int, ...], cell_count: int) -> str | None:
    """Why an entry of ``obsm`` is no table of coordinates, in words that follow its name; ``None`` where it is one.

    Looks at shape and dtypes, not at values. Which of those that can be drawn is shown first, the server decides.
    """
    if len(shape) not in (_LIST, _TABLE):
        return f"its shape {shape} is no table of coordinates" if shape else "it is no table"
    if shape[0] != cell_count:
        return f"it has {shape[0]:,} rows for {cell_count:,} cells"
    if column_count(shape) == 0:
        return "it has no columns"
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        return _table_reason(value)
    dtype = getattr(value, "dtype", None)
    if isinstance(dtype, np.dtype) and dtype.kind == "O" and _holds_numbers(value):
        return None
    return None if _is_number_type(dtype) else f"its values are {_type_text(dtype)}"


def _table_reason(table: Any) -> str | None:
    for name, dtype in list(table.dtypes.items())[:_DRAWN_COLUMNS]:
        if not _is_number_type(dtype):
            return f"its column {str(name)!r} holds no numbers ({_type_text(dtype)})"
    return None


def _is_number_type(dtype: Any) -> bool:
    if dtype is None or pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
        return False
    return bool(pd.api.types.is_numeric_dtype(dtype))


def _type_text(dtype: Any) -> str:
    return _KINDS.get(getattr(dtype, "kind", ""), str(dtype))


def _holds_numbers(value: Any) -> bool:
    """Of an array of Python objects: numbers can be among them, as pandas leaves them. The first row tells."""
    try:
        np.asarray(value[:1], dtype=np.float32)
    except (TypeError, ValueError):
        return False
    return True


def matching_keys(keys: Iterable[str], name: str) -> list[str]:
    """Return the keys that ``name`` may mean; one where it is clear.

    That is itself, ``X_`` before it, or what is alike but for ``X_`` and the case of letters
    (as in `protocol/embedding-name.ts`).
    """
    known = list(keys)
    for exact in (name, f"X_{name}"):
        if exact in known:
            return [exact]
    return [key for key in known if _bare(key) == _bare(name)]


def _bare(key: str) -> str:
    return re.sub(r"^([^:]*:)?X_", r"\1", key, flags=re.IGNORECASE).lower()


def default_embedding(adata: AnnData) -> str | None:
    """Return what ``uns["default_embedding"]`` says, as CELLxGENE's schema has it."""
    name = adata.uns.get("default_embedding")
    return str(name) if isinstance(name, str) else None
