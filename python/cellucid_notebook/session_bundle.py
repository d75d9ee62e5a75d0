"""`.cellucid-session` files: what a viewer's page shows, to keep and to put back.

A file is the line ``CELLUCID_SESSION`` and then messages in the frames of `protocol/frame.ts`, each with its length
before it. The first one's header is ``{"kind": "session", "version": 1, "cellCount", "name", "state", "cellSets"}``,
where ``state`` is a page's state as in `protocol/state.ts`. Then come ``cellSets`` messages ``{"kind": "cellSet",
"name", "cells"}`` whose body are the cells, as in `protocol/cells.ts`: ``selection``, ``hidden``,
``highlight/<colour>`` and ``group/<name>``. Unknown fields of the state and unknown sets are kept as they are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ._arguments import an_anndata, flag, path_to_read, path_to_write
from ._border import bordered
from ._data.cells import CellIndices, decode_cells, encode_cells
from ._wire.frame import Buffer, FrameAssembler, FrameError, Message, encode_message
from ._wire.protocol import HIGHLIGHT, MAX_FRAME_BYTES, JsonObject
from .errors import DataChangedError, DataError, DataFileNotFoundError

if TYPE_CHECKING:
    from anndata import AnnData

MAGIC = b"CELLUCID_SESSION\n"
VERSION = 1
SUFFIX = ".cellucid-session"

_MAX_FILE_BYTES = 512 << 20
_GROUP = "group/"


@bordered
@dataclass(frozen=True)
class SessionBundle:
    """What a page showed at one moment. Cells are positions in ``adata.obs``, ascending uint32 arrays."""

    #: Number of cells of the dataset.
    cell_count: int
    #: Name of the dataset, or ``None``.
    name: str | None
    #: Embedding, colour, camera, hidden categories.
    state: JsonObject
    #: ``selection``, ``hidden``, ``highlight/<colour>``, ``group/<name>``.
    cell_sets: Mapping[str, CellIndices]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the session to a file and return its path; ``.cellucid-session`` is added where there is no suffix."""
        target = path_to_write("path", path)
        if not target.suffix:
            target = target.with_suffix(SUFFIX)
        target.write_bytes(self.to_bytes())
        return target

    def to_bytes(self) -> bytes:
        """The content of a session file."""
        return MAGIC + b"".join(self._pieces())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SessionBundle:
        """Read a session file. Raises ``DataFileNotFoundError``, or ``DataError`` for what is none."""
        source = path_to_read("path", path)
        if not source.is_file():
            raise DataFileNotFoundError(f"There is no session file {source}; looked from {Path.cwd()}. Check the path.")
        if source.stat().st_size > _MAX_FILE_BYTES:
            raise DataError(
                f"{source.name} has {source.stat().st_size:,} bytes; a session has at most {_MAX_FILE_BYTES:,}."
            )
        return cls.from_bytes(source.read_bytes(), source.name)

    @classmethod
    def from_bytes(cls, content: bytes, name: str = "The session") -> SessionBundle:
        """Read the content of a session file; ``name`` is for the message when it is none."""
        if not content.startswith(MAGIC):
            raise DataError(
                f"{name} is not a session file: it does not begin with CELLUCID_SESSION. Choose another file."
            )
        try:
            return _read(_messages(memoryview(content)[len(MAGIC) :]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, StopIteration) as error:
            raise DataError(f"{name} is damaged ({error}). Save the session again.") from error

    def apply_to_anndata(self, adata: AnnData, *, inplace: bool = False, prefix: str = "cellucid_") -> AnnData:
        """Write highlights and groups as columns of ``adata.obs``, and return the AnnData.

        ``{prefix}highlight`` is a category per colour; each group becomes ``{prefix}{name}``, ``True`` for its cells.
        With ``inplace=False`` a copy gets them. Raises ``DataChangedError`` for an AnnData with other cells.
        """
        an_anndata("adata", adata)
        inplace = flag("inplace", inplace)
        if adata.n_obs != self.cell_count:
            raise DataChangedError(
                f"The session was made with {self.cell_count:,} cells, this AnnData has {adata.n_obs:,}. "
                "Give the AnnData that was shown."
            )
        target = adata if inplace else adata.copy()
        colors = {
            name.removeprefix(HIGHLIGHT): cells for name, cells in self.cell_sets.items() if name.startswith(HIGHLIGHT)
        }
        if colors:
            target.obs[f"{prefix}highlight"] = _categories(colors, self.cell_count)
        for name, cells in self.cell_sets.items():
            if name.startswith(_GROUP):
                chosen = np.zeros(self.cell_count, dtype=bool)
                chosen[cells] = True
                target.obs[f"{prefix}{name.removeprefix(_GROUP)}"] = chosen
        return target

    def _pieces(self) -> Iterator[bytes]:
        head = {
            "kind": "session",
            "version": VERSION,
            "cellCount": self.cell_count,
            "name": self.name,
            "state": self.state,
            "cellSets": len(self.cell_sets),
        }
        messages: list[tuple[JsonObject, bytes]] = [(head, b"")]
        for name, cells in self.cell_sets.items():
            cells_head, body = encode_cells(cells, self.cell_count)
            messages.append(({"kind": "cellSet", "name": name, "cells": cells_head}, body))
        for stream, (header, body) in enumerate(messages):
            for frame_head, part in encode_message(header, body, stream):
                yield frame_head
                yield bytes(part)


def _categories(cells_by_name: Mapping[str, CellIndices], cell_count: int) -> object:
    import pandas as pd

    codes = np.full(cell_count, -1)
    for code, cells in enumerate(cells_by_name.values()):
        codes[cells] = code
    return pd.Categorical.from_codes(codes.tolist(), categories=pd.Index(list(cells_by_name)))


def _messages(content: memoryview) -> Iterator[Message]:
    assembler = FrameAssembler()
    at = 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        frame: Buffer = content[at + 4 : at + 4 + length]
        if length > MAX_FRAME_BYTES or len(frame) < length:
            raise FrameError(f"it ends within a part of {length} bytes")
        at += 4 + length
        message = assembler.push(frame)
        if message is not None:
            yield message


def _read(messages: Iterator[Message]) -> SessionBundle:
    head = next(messages).header
    if head.get("kind") != "session" or head.get("version") != VERSION:
        raise FrameError(f"version {head.get('version')!r} where {VERSION} was expected; update cellucid-notebook")
    cell_sets = {}
    for message in messages:
        if message.header.get("kind") == "cellSet":
            if message.header["cells"]["cellCount"] != head["cellCount"]:
                raise FrameError("its sets of cells belong to different data")
            cell_sets[str(message.header["name"])] = decode_cells(message.header["cells"], message.body)
    if len(cell_sets) != head["cellSets"]:
        raise FrameError(f"{len(cell_sets)} sets of cells where {head['cellSets']} were announced")
    return SessionBundle(int(head["cellCount"]), head.get("name"), dict(head["state"] or {}), cell_sets)
