"""The columns that a source answers, as a test compares them."""

from __future__ import annotations

from typing import Any

import numpy as np


def places_of(answer: tuple[dict[str, Any], bytes]) -> np.ndarray:
    """The coordinates of some cells, shape (cells, columns), in the type in which they travel."""
    head, body = answer
    return np.frombuffer(body, f"<{head['dtype']}").reshape(head["rows"], head["columns"])


def values_of(answer: tuple[dict[str, Any], bytes]) -> np.ndarray:
    """The column that an answer stands for, NaN where missing; codes as texts."""
    head, body = answer
    if head["form"] == "dense":
        return np.frombuffer(body, "<f4")
    if head["form"] == "sparse":
        rows = np.frombuffer(body[: 4 * head["nnz"]], "<u4")
        assert (np.diff(rows.astype(int)) > 0).all(), "ascending and unique"
        dense = np.zeros(head["n"], np.float32)
        dense[rows] = np.frombuffer(body[4 * head["nnz"] :], "<f4")
        return dense
    codes = np.frombuffer(body, "<u1" if head["width"] == 1 else "<u2")
    missing = 255 if head["width"] == 1 else 65535
    return np.array([None if code == missing else head["categories"][code] for code in codes], dtype=object)
