"""Whose arrays to read: those of an AnnData itself, or, for a view, those of its parent by position.

Every access to a view's own matrix or embedding copies it whole; its parent's are at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._arrays.array_parts import shape_of
from .._wire.labels import label_of, label_text

if TYPE_CHECKING:
    from anndata import AnnData

Positions = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Origin:
    """An AnnData that is no view, and which of its rows and columns are meant; ``None`` means all, in order."""

    adata: AnnData
    rows: Positions | None = None
    columns: Positions | None = None


def origin_of(adata: AnnData) -> Origin:
    """Where the arrays of ``adata`` are. A view becomes an AnnData of its own when it is written to: ask each time."""
    parent = getattr(adata, "_adata_ref", None)
    if not adata.is_view or parent is None:
        return Origin(adata)
    rows = np.arange(parent.n_obs)[getattr(adata, "_oidx", slice(None))]
    columns = np.arange(parent.n_vars)[getattr(adata, "_vidx", slice(None))]
    return Origin(parent, rows, columns)


def backing_file(adata: AnnData) -> str | None:
    """The file in which the matrix of a backed AnnData stayed, so that it can be read there.

    ``None`` where Python has to be asked: not backed, a view, or opened for writing.
    """
    if not getattr(adata, "isbacked", False) or adata.is_view or getattr(adata.file, "_filemode", None) != "r":
        return None
    return None if adata.filename is None else str(adata.filename)


def layer_names(adata: AnnData) -> list[str]:
    """Names of the layers, as they travel. Since anndata 0.13 ``layers`` holds X too, under no name."""
    return [label_text(name) for name in adata.layers if name is not None]


def layer_key(adata: AnnData, name: str) -> Any:
    """What stands in ``layers`` under a name as it travels. Raises ``KeyError``."""
    return label_of((key for key in adata.layers if key is not None), name)


def embedding_shapes(adata: AnnData) -> dict[str, tuple[int, ...]]:
    """Shapes of all in ``obsm`` by key as it travels, for the cells of ``adata``; at no cost that grows with these."""
    parent = getattr(adata, "_adata_ref", None) if adata.is_view else None
    obsm = (adata if parent is None else parent).obsm
    shapes: dict[str, tuple[int, ...]] = {}
    for key, value in obsm.items():
        shapes.setdefault(label_text(key), shape_of(value))
    if parent is None:
        return shapes
    return {key: (int(adata.n_obs), *shape[1:]) if shape else shape for key, shape in shapes.items()}
