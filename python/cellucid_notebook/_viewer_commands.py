"""What the notebook can tell the page to do: one method per command of `protocol/commands.ts`."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._cells import CellIndices, cell_indices, decode_cells, encode_cells
from ._colors import hex_color
from ._pipe import wait_for
from ._protocol import JsonObject
from ._requests import PageRequests
from .errors import CommandError, DataChangedError, ServerError, ViewerNotReady
from .session_bundle import SessionBundle

if TYPE_CHECKING:
    import os

    from anndata import AnnData

    from ._link import ViewerLink
    from ._server import Server
    from ._shown_data import ShownData

#: How long a name may take to be looked up in the dataset before the command is sent as it is.
_RESOLVE_TIMEOUT_S = 5.0
_MAX_SCALE = 8


class ViewerCommands:
    """Commands wait until a page is open, are carried out once and in order, and survive a restart of the server.

    What can be checked in Python is refused there; what the page cannot do reaches `on_command_error`, or is printed
    once as a sentence in the cell that shows the viewer.
    """

    _link: ViewerLink
    _server: Server
    _data: ShownData
    _requests: PageRequests

    def _check_usable(self) -> None:
        raise NotImplementedError

    def _why_silent(self) -> str:
        raise NotImplementedError

    def set_color_by(self, field: str | None) -> None:
        """Colour the cells by ``field``: a column of ``adata.obs``, else a gene; ``None`` for one colour.

        Raises ``UnknownColumnError``, with the names most like it, when the dataset has neither.
        """
        self._check_usable()
        color = None if field is None else self._resolve(field)
        command: JsonObject = {"kind": "setColorBy", "field": field}
        if field is None or color is not None:
            command["color"] = color
        self._command(command, f"set_color_by({field!r})")

    def set_embedding(self, name: str) -> None:
        """Draw another embedding: a key of ``adata.obsm``, with or without ``X_``.

        Raises ``UnknownEmbeddingError`` when an AnnData in memory has no such key.
        """
        self._check_usable()
        self._command({"kind": "setEmbedding", "name": self._data.embedding_key(name)}, f"set_embedding({name!r})")

    def highlight_cells(self, cells: Any, color: str = "#ff0000") -> None:
        """Draw ``cells`` larger and in ``color``, above the others; each colour holds one set of cells.

        ``cells``: positions (0 is the first row of ``adata.obs``), names of ``adata.obs_names``, or a boolean mask
        with one value per cell; lists, numpy arrays, pandas objects. ``color``: ``"#rrggbb"``, or a name such as
        ``"orange"``. Raises ``IndexError``, ``UnknownCellError`` or ``ValueError`` for cells that do not exist and for
        unknown colours.
        """
        self._check_usable()
        self._cells_command("highlight_cells", cells, {"kind": "highlight", "color": hex_color(color)})

    def clear_highlights(self) -> None:
        """Take all highlights away."""
        self._check_usable()
        self._command({"kind": "clearHighlights"}, "clear_highlights()")

    def select_cells(self, cells: Any) -> None:
        """Select ``cells`` in the page, in place of what is selected. ``cells`` as in `highlight_cells`."""
        self._check_usable()
        self._cells_command("select_cells", cells, {"kind": "select"})

    def set_visibility(self, cells: Any = None, visible: bool = True) -> None:
        """Show or hide ``cells``; ``None`` means all. ``cells`` as in `highlight_cells`."""
        self._check_usable()
        command: JsonObject = {"kind": "setVisibility", "visible": bool(visible)}
        if cells is None:
            self._command({**command, "cells": None}, f"set_visibility(visible={visible})")
        else:
            self._cells_command("set_visibility", cells, command)

    def reset_view(self) -> None:
        """Show all cells again: the camera as it was at first."""
        self._check_usable()
        self._command({"kind": "resetCamera"}, "reset_view()")

    def freeze(self) -> None:
        """Replace the live picture by a still one, which needs no graphics memory; a click on it brings it back."""
        self._check_usable()
        self._command({"kind": "freeze"}, "freeze()")

    def refresh(self) -> None:
        """Have the page read again which columns, genes and embeddings there are.

        After ``adata.obs["new"] = ...`` the column is in the page's lists; ``set_color_by("new")`` needs no refresh.
        """
        self._check_usable()
        self._command({"kind": "refresh"}, "refresh()")

    def send_message(self, message: Mapping[str, Any]) -> None:
        """Send a message of your own to the page: a dict with a ``"type"``, of values that JSON can hold.

        Raises ``ValueError`` when it has no type, ``TypeError`` when JSON cannot hold it.
        """
        self._check_usable()
        kind = message.get("type")
        if not isinstance(kind, str) or not kind:
            raise ValueError(f"A message needs a type, as in {{'type': 'hello'}}; found {dict(message)!r}.")
        payload = {name: value for name, value in message.items() if name != "type"}
        json.dumps(payload, allow_nan=False)
        self._command({"kind": "custom", "type": kind, "payload": payload}, f"send_message of type {kind!r}")

    def screenshot(
        self, path: str | os.PathLike[str] | None = None, *, scale: float = 2, timeout: float = 30
    ) -> bytes | Path:
        """Take a picture of what the page shows, legend included, as PNG.

        ``scale``: pixels of the picture per pixel on screen, at most 8. With ``path`` the picture is written there
        and the path returned, without it the bytes. Works while a cell runs. Raises ``ViewerNotReady`` when no page
        answers within ``timeout`` seconds, ``CommandError`` when the page cannot.
        """
        self._check_usable()
        if not 0 < scale <= _MAX_SCALE:
            raise ValueError(f"scale={scale!r} is not between 0 and {_MAX_SCALE}.")
        png = self._ask_page({"kind": "screenshot", "scale": float(scale)}, "screenshot()", timeout)
        if path is None:
            return bytes(png)
        target = Path(path).expanduser()
        target.write_bytes(png)
        return target

    def get_session_bundle(self, *, timeout: float = 30) -> SessionBundle:
        """What the page shows now (camera, colours, filters, highlights, groups), to save or to put back later.

        ``viewer.get_session_bundle().save("before.cellucid-session")`` writes a file for `load_session`. After the
        last page was closed it is what that page showed. Works while a cell runs. Raises ``ViewerNotReady`` when no
        page has drawn yet, or none answers within ``timeout`` seconds.
        """
        self._check_usable()
        if self._link.hosted_source is not None:
            raise CommandError(
                "The hosted viewer has sessions of its own form: viewer.save_hosted_session(path) writes one."
            )
        if self._link.pages:
            self._ask_page({"kind": "requestSessionBundle"}, "get_session_bundle()", timeout)
        if self._link.state is None:
            raise ViewerNotReady(f"There is no session to keep yet. {self._why_silent()}")
        sets = {name: decode_cells(head, body) for name, (head, body) in self._link.cell_sets().items()}
        return SessionBundle(self._data.cell_count(), self._link.options.get("name"), self._link.state or {}, sets)

    def save_hosted_session(self, path: str | os.PathLike[str], *, timeout: float = 60) -> Path:
        """Have the hosted viewer write its session into a ``.cellucid-session`` file, for cellucid to open.

        Returns the path. Works while a cell runs. Raises ``CommandError`` when the viewer shows the embedded page,
        ``ViewerNotReady`` when no page answers within ``timeout`` seconds.
        """
        self._check_usable()
        if self._link.hosted_source is None:
            raise CommandError("This viewer shows the embedded page: viewer.get_session_bundle().save(path) writes it.")
        event = self._ask_page({"kind": "requestSessionBundle"}, "save_hosted_session()", timeout)
        target = Path(path).expanduser()
        shutil.copyfile(event["path"], target)
        Path(event["path"]).unlink(missing_ok=True)
        return target

    def load_session(self, session: SessionBundle | str | os.PathLike[str], *, timeout: float = 30) -> None:
        """Put a session back into the page: a file written by `get_session_bundle`, or the bundle itself.

        Returns when the page shows it; while no page is open it waits for one, as every command does. Raises
        ``DataFileNotFoundError`` or ``DataError`` for what is no session, ``DataChangedError`` when it belongs to
        another number of cells, ``CommandError`` when a part of it (a gene, an embedding) is not in the data any more,
        ``ViewerNotReady`` when no page answers within ``timeout`` seconds.
        """
        self._check_usable()
        bundle = session if isinstance(session, SessionBundle) else SessionBundle.load(session)
        if bundle.cell_count != self._data.cell_count():
            raise DataChangedError(
                f"The session was made with {bundle.cell_count:,} cells, the viewer shows {self._data.cell_count():,}. "
                "Load it into a viewer of the data it was made with."
            )
        encoded = [(name, *encode_cells(cells, bundle.cell_count)) for name, cells in bundle.cell_sets.items()]
        sets = [{"name": name, "bytes": len(body), "cells": head} for name, head, body in encoded]
        command: JsonObject = {"kind": "loadSession", "state": bundle.state, "sets": sets}
        body = b"".join(body for _, _, body in encoded)
        if self._link.pages:
            self._ask_page(command, "load_session()", timeout, body=body)
        else:
            self._command({**command, "requestId": secrets.token_hex(8)}, "load_session()", body)

    def apply_session_to_anndata(self, adata: AnnData, *, inplace: bool = False) -> AnnData:
        """Write the page's highlights and groups as columns of ``adata.obs``; see `SessionBundle.apply_to_anndata`."""
        return self.get_session_bundle().apply_to_anndata(adata, inplace=inplace)

    def _ask_page(self, command: JsonObject, call: str, timeout: float, *, body: bytes = b"") -> Any:
        """Send a command with a ``requestId`` and wait for what the page answers to it."""
        request_id = secrets.token_hex(8)
        with self._requests.expect(request_id) as answer:
            self._command({**command, "requestId": request_id}, call, body)
            try:
                return answer.result(timeout)
            except FutureTimeoutError:
                reason = "A page is open, but did not answer." if self._link.pages else "No page of it is open."
                raise ViewerNotReady(f"viewer.{call} was not answered within {timeout:g} seconds. {reason}") from None

    def _cells_command(self, name: str, cells: Any, command: JsonObject) -> None:
        indices = self._indices(cells)
        head, body = encode_cells(indices, self._data.cell_count())
        count = "1 cell" if len(indices) == 1 else f"{len(indices):,} cells"
        self._command({**command, "cells": head}, f"{name}({count})", body)

    def _indices(self, cells: Any) -> CellIndices:
        return cell_indices(cells, self._data.cell_count(), self._data.cell_names)

    def _command(self, command: JsonObject, call: str, body: bytes = b"") -> None:
        self._server.send(self._link.record(command, body, call))

    def _resolve(self, field: str) -> JsonObject | None:
        question = {"viewerId": self._link.viewer_id, "field": field}
        try:
            answer = wait_for(self._server.request("viewer.resolveColor", question), _RESOLVE_TIMEOUT_S)
        except ServerError:
            # It restarts: the command waits for it, and the page says what is wrong with the name.
            return None
        return None if answer is None else answer.result["color"]
