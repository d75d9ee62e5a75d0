"""Which matrix of an AnnData a gene is read from; see `protocol/matrix.ts`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._arguments import flag, text_or_none
from .._wire.labels import well_formed
from ..errors import ArgumentError, DataError, UnknownLayerError, near_names
from .origin import layer_names, origin_of

if TYPE_CHECKING:
    from anndata import AnnData

    from .._wire.protocol import JsonObject


@dataclass(frozen=True, slots=True)
class Matrix:
    """X, raw, or a layer. A layer may have any name, also ``"raw"`` or ``"X"``."""

    #: ``"X"``, ``"raw"`` or ``"layers"``.
    place: str
    #: Of a layer its name.
    layer: str | None = None

    @property
    def name(self) -> str:
        """One text per matrix."""
        return self.place if self.layer is None else f"{self.place}/{self.layer}"

    @property
    def wire(self) -> JsonObject:
        """As it travels."""
        return {"in": self.place} if self.layer is None else {"in": self.place, "layer": self.layer}

    @classmethod
    def of(cls, wire: JsonObject) -> Matrix:
        """Read what travelled."""
        return cls(wire["in"], wire.get("layer"))


X = Matrix("X")
RAW = Matrix("raw")


def asked_matrix(*, layer: str | None, use_raw: bool | None) -> Matrix | None:
    """The matrix that ``layer`` and ``use_raw`` name in scanpy's words; ``None`` where neither does.

    Raises ``ValueError`` when they name two, ``TypeError`` for what names none.
    """
    use_raw = None if use_raw is None else flag("use_raw", use_raw)
    layer = text_or_none("layer", layer, "a key of adata.layers")
    if layer is None:
        return None if use_raw is None else RAW if use_raw else X
    if use_raw:
        raise ArgumentError(f"use_raw=True and layer={layer!r} ask for two different matrices. Leave one of them out.")
    return Matrix("layers", well_formed(layer))


def usual_matrix(adata: AnnData) -> Matrix:
    """What scanpy reads genes from when nothing is named: raw where there is one, else X."""
    return X if adata.raw is None else RAW


def has_x(adata: AnnData) -> bool:
    """Whether there is an X."""
    try:
        return origin_of(adata).adata.X is not None
    except KeyError:
        return False  # backed by a file without one, anndata raises this


def matrices_of(adata: AnnData) -> list[tuple[Matrix, int]]:
    """X, raw, then the layers, as far as they are there, each with the number of its genes."""
    genes = int(adata.n_vars)
    return [
        *([(X, genes)] if has_x(adata) else []),
        *([] if adata.raw is None else [(RAW, int(adata.raw.n_vars))]),
        *((Matrix("layers", name), genes) for name in layer_names(adata)),
    ]


def check_matrix(adata: AnnData, matrix: Matrix) -> None:
    """Raise ``UnknownLayerError`` for a layer, ``DataError`` for a raw that is not there."""
    if matrix.layer is not None and matrix.layer not in layer_names(adata):
        layers = layer_names(adata)
        near = near_names(matrix.layer, layers)
        advice = f" Near it: {', '.join(map(repr, near))}." if near else _ADVICE.get(matrix.layer, "")
        found = ", ".join(map(repr, layers)) or "none"
        raise UnknownLayerError(f"layer={matrix.layer!r} is not a layer of this AnnData, which has {found}.{advice}")
    if matrix == RAW and adata.raw is None:
        raise DataError("use_raw=True needs adata.raw, which is not set. Leave use_raw out to read genes from adata.X.")


#: For who means the place of that name.
_ADVICE = {
    "raw": " For adata.raw, write use_raw=True.",
    "X": " For adata.X, leave layer out, and write use_raw=False where there is a raw.",
}
