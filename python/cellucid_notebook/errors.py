"""What this package raises. Every message says what was asked, what was found and what to do.

All of it is a `CellucidError`; where Python has a fitting error of its own, that is a base too, so that
``except FileNotFoundError`` works as expected.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from ._wire.visible_text import visible, visible_lines

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AmbiguousColumnError",
    "ArgumentError",
    "ArgumentTypeError",
    "CellucidError",
    "CommandError",
    "DataChangedError",
    "DataError",
    "DataFileNotFoundError",
    "ForkedViewerError",
    "NoCellsError",
    "NoEmbeddingError",
    "NodeNotFoundError",
    "PortError",
    "ServerError",
    "UnknownCellError",
    "UnknownCellPositionError",
    "UnknownColumnError",
    "UnknownEmbeddingError",
    "UnknownLayerError",
    "ViewerNotReady",
    "ViewerStoppedError",
    "WebUIError",
]


class CellucidError(Exception):
    """Base of everything this package raises on purpose. Names from data cannot steer the terminal that shows it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(visible_lines(message))


class ArgumentError(CellucidError, ValueError):
    """A value that was passed is not possible."""


class ArgumentTypeError(CellucidError, TypeError):
    """A value that was passed is of a kind that cannot be used there."""


class DataError(CellucidError, ValueError):
    """The dataset cannot be shown as it is."""


class DataFileNotFoundError(CellucidError, FileNotFoundError):
    """There is no such file or folder."""


class NoCellsError(DataError):
    """The dataset has no cells."""


class NoEmbeddingError(DataError):
    """``obsm`` holds nothing that can be drawn."""


class DataChangedError(DataError):
    """The dataset has other cells than when it was shown."""


class UnknownCellError(CellucidError, LookupError):
    """No cell has this name."""


class UnknownCellPositionError(UnknownCellError, IndexError):
    """No cell stands at this position."""


class UnknownColumnError(CellucidError, LookupError):
    """No obs field and no gene has this name. ``near`` holds similar ones."""

    def __init__(self, message: str, near: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.near = tuple(near)


class AmbiguousColumnError(UnknownColumnError):
    """Several genes have this name."""


class UnknownEmbeddingError(CellucidError, LookupError):
    """``obsm`` has no such key, or it does not fit the cells."""


class UnknownLayerError(CellucidError, LookupError):
    """There is no such layer."""


class ServerError(CellucidError, RuntimeError):
    """The viewer server could not be started, or is gone."""


class NodeNotFoundError(ServerError):
    """No Node.js that can run the viewer server was found."""


class PortError(ServerError):
    """The port that was asked for is taken."""


class ViewerNotReady(CellucidError, TimeoutError):  # noqa: N818 - the name that users were promised
    """The viewer did not draw, or did not say what was waited for, in time."""


class ViewerStoppedError(CellucidError, RuntimeError):
    """The viewer has ended."""


class WebUIError(CellucidError, RuntimeError):
    """The hosted viewer's files are not on this machine and could not be fetched, or their folder is not used."""


class CommandError(CellucidError, RuntimeError):
    """The page could not do what was asked."""


class ForkedViewerError(CellucidError, RuntimeError):
    """The viewer belongs to the parent of this process."""


def near_names(name: str, names: Iterable[str], limit: int = 5) -> list[str]:
    """Names that look like ``name``, the nearest first; other capitals count as near."""
    by_folded: dict[str, str] = {}
    for candidate in names:
        by_folded.setdefault(candidate.casefold(), candidate)
    return [visible(by_folded[match]) for match in get_close_matches(name.casefold(), by_folded, n=limit, cutoff=0.6)]


def or_nothing(names: Iterable[str]) -> str:
    """Names for a sentence: ``a, b, c`` or ``nothing similar``."""
    return ", ".join(names) or "nothing similar"


_BY_CODE: dict[str, type[CellucidError]] = {
    "not_found": DataFileNotFoundError,
    "unknown_column": UnknownColumnError,
    "ambiguous": AmbiguousColumnError,
    "unknown_embedding": UnknownEmbeddingError,
    "unknown_layer": UnknownLayerError,
    "no_embedding": NoEmbeddingError,
    "no_cells": NoCellsError,
    "changed": DataChangedError,
    "unsupported": DataError,
    "malformed": DataError,
    "too_large": DataError,
}
#: How a server that could not start says that its port is taken.
PORT_TAKEN = "port_taken"
#: The codes of `protocol/errors.ts` that have an exception of their own here.
KNOWN_CODES = frozenset(_BY_CODE)


def from_code(code: str, message: str) -> CellucidError:
    """Turn an error of the server, known by its code, into what Python users catch."""
    return PortError(message) if code == PORT_TAKEN else _BY_CODE.get(code, ServerError)(message)
