"""The frames that a page gets (`protocol/column-frame.ts`), as a test compares them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def sections(frame: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """The header and the arrays of one frame, each aligned to 8 bytes."""
    assert frame[:7] == b"CELLUCD"
    length = int.from_bytes(frame[8:12], "little")
    header = json.loads(frame[12 : 12 + length])
    arrays, at = [], 12 + length
    for dtype, count in header["sections"]:
        array = np.frombuffer(frame, np.dtype(dtype).newbyteorder("<"), count, at)
        arrays.append(array)
        at += -(-array.nbytes // 8) * 8
    return header, arrays


def read_column(frame: bytes) -> np.ndarray:
    """One value per cell; codes as the texts of their categories, None where missing."""
    header, arrays = sections(frame)
    if header["kind"] == "dense":
        return arrays[0]
    if header["kind"] == "sparse":
        dense = np.zeros(header["n"], arrays[1].dtype)
        dense[arrays[0]] = arrays[1]
        return dense
    (codes,) = arrays
    missing = np.iinfo(codes.dtype).max
    return np.array([None if code == missing else header["categories"][code] for code in codes], dtype=object)


def read_embedding(frame: bytes) -> np.ndarray:
    """The dataset's own coordinates, of shape ``(cells, dimensions)``."""
    header, (positions,) = sections(frame)
    return positions.reshape(-1, header["dimensions"]).astype(float) * header["scale"] + np.array(header["center"])
