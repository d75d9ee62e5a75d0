"""What the notebook can tell the page to do: one method per command of `protocol/commands.ts`."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._arguments import an_anndata, described, flag, number, path_to_write, seconds, text
from .._border import bordered
from .._data.cells import CellIndices, decode_cells, encode_cells
from .._data.colors import hex_color
from .._data.matrix import Matrix, asked_matrix
from .._wire.labels import color_text
from .._wire.pipe import wait_for
from .._wire.protocol import JsonObject
from ..errors import ArgumentError, ArgumentTypeError, CommandError, DataChangedError, ServerError, ViewerNotReady
from ..session_bundle import SessionBundle
from .highlights import Highlights
from .page_requests import PageRequests
from .shown_values import ShownCells, ShownValues

if TYPE_CHECKING:
    import os

    from anndata import AnnData

    from .._data.shown_data import ShownData
    from .._server.supervisor import Server
    from .._server.viewer_record import ViewerLink

#: How long a name may take to be looked up in the dataset before the command is sent as it is.
_RESOLVE_TIMEOUT_S = 5.0
_MAX_SCALE = 8


@bordered
class ViewerCommands:
    """Commands wait until a page is open, are carried out once and in order, and survive a restart of the server.

    What can be checked in Python is refused there; what the page cannot do reaches `on_command_error`, or is printed
    once as a sentence in the cell that shows the viewer.
    """

    _link: ViewerLink
    _server: Server
    _data: ShownData
    _requests: PageRequests
    _shown: ShownValues
    _highlights: Highlights

    if TYPE_CHECKING:
        notify_change: Callable[[Any], None]

    def _check_usable(self) -> None:
        raise NotImplementedError

    def _why_silent(self) -> str:
        raise NotImplementedError

    def set_color_by(self, field: Any | None, *, layer: str | None = None, use_raw: bool | None = None) -> None:
        """Colour the cells by ``field``: a column of ``adata.obs``, else a gene; ``None`` for one colour.

        ``layer`` and ``use_raw`` say which matrix the gene is read from, as in `show_anndata`; by default the one that
        was said there. Raises ``UnknownColumnError``, with the names most like it, when the dataset has neither,
        ``UnknownLayerError`` for a layer and ``DataError`` for a raw that is not there.
        """
        self._check_usable()
        matrix = asked_matrix(layer=layer, use_raw=use_raw)
        label = field
        field = None if field is None else color_text(field, self._data.column_labels())
        color = None if field is None else self._resolve(field, matrix)
        command: JsonObject = {"kind": "setColorBy", "field": field}
        if matrix is not None:
            command["matrix"] = matrix.wire
        if field is None or color is not None:
            command["color"] = color
        self._command(command, f"set_color_by({field!r})", color=label)

    def set_embedding(self, name: str) -> None:
        """Draw another embedding: a key of ``adata.obsm``, with or without ``X_``, in any case of letters.

        Raises ``UnknownEmbeddingError`` when an AnnData in memory has no such key.
        """
        self._check_usable()
        name = text("embedding", name, "a key of adata.obsm")
        key = self._data.embedding_key(name)
        self._command({"kind": "setEmbedding", "name": key}, f"set_embedding({name!r})", embedding=key)

    def highlight_cells(self, cells: Any, color: Any = "#ff0000") -> None:
        """Draw ``cells`` larger and in ``color``, above the others; each colour holds one set of cells.

        ``cells``: positions (0 is the first row of ``adata.obs``), names of ``adata.obs_names``, or a boolean mask
        with one value per cell; lists, numpy arrays, pandas objects; or a view of the AnnData, or some of its ``obs``.
        ``color``: ``"#rrggbb"``, a name such as ``"orange"``, or red, green and blue from 0 to 1. Raises
        ``IndexError``, ``UnknownCellError`` or ``ValueError`` for cells that do not exist and for unknown colours.
        """
        self._check_usable()
        hexadecimal = hex_color(color)
        indices = self._indices(cells)
        shown = self._highlights.with_cells(hexadecimal, indices)
        command = {"kind": "highlight", "color": hexadecimal}
        self._cells_command("highlight_cells", indices, command, highlighted=shown)

    def clear_highlights(self) -> None:
        """Take all highlights away."""
        self._check_usable()
        self._command({"kind": "clearHighlights"}, "clear_highlights()", highlighted=self._highlights.without_any())

    def select_cells(self, cells: Any) -> None:
        """Select ``cells`` in the page, in place of what is selected. ``cells`` as in `highlight_cells`."""
        self._check_usable()
        indices = self._indices(cells)
        self._cells_command("select_cells", indices, {"kind": "select"}, selection=ShownCells.of(indices))

    def set_visibility(self, cells: Any = None, visible: bool = True) -> None:
        """Show or hide ``cells``; ``None`` means all. ``cells`` as in `highlight_cells`."""
        self._check_usable()
        visible = flag("visible", visible)
        command: JsonObject = {"kind": "setVisibility", "visible": visible}
        if cells is None:
            self._command({**command, "cells": None}, f"set_visibility(visible={visible})")
        else:
            self._cells_command("set_visibility", self._indices(cells), command)

    def reset_view(self) -> None:
        """Show all cells again: the camera as it was at first."""
        self._check_usable()
        self._command({"kind": "resetCamera"}, "reset_view()")

    def freeze(self) -> None:
        """Replace the live picture by a still one, which needs no graphics memory; a click on it brings it back."""
        self._check_usable()
        self._command({"kind": "freeze"}, "freeze()")

    def refresh(self) -> None:
        """Have all pages of the dataset read it again as it is now: what there is, and every value on screen.

        After each cell the pages are told by themselves what was replaced and what was changed in place, as far as a
        sample of the values shows it; ``set_color_by("new")`` needs no refresh.
        """
        self._check_usable()
        self._server.show_anew(self._link.source_ids)
        self._command({"kind": "refresh"}, "refresh()")

    def send_message(self, message: Mapping[str, Any]) -> None:
        """Send a message of your own to the page: a dict with a ``"type"``, of values that JSON can hold.

        Raises ``ValueError`` when it has no type, ``TypeError`` when JSON cannot hold it.
        """
        self._check_usable()
        kind = message.get("type") if isinstance(message, Mapping) else None
        if not isinstance(kind, str) or not kind:
            raise ArgumentError(f"A message needs a type, as in {{'type': 'hello'}}; found {described(message)}.")
        payload = {name: value for name, value in message.items() if name != "type"}
        try:
            json.dumps(payload, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ArgumentTypeError(f"A message takes what JSON can hold; found other values: {error}.") from None
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
        scale = number("scale", scale, above=0, most=_MAX_SCALE, meant="pixels of the picture per pixel on screen")
        target = None if path is None else path_to_write("path", path)
        png = self._ask_page({"kind": "screenshot", "scale": scale}, "screenshot()", seconds("timeout", timeout))
        if target is None:
            return bytes(png)
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
            self._ask_page({"kind": "requestSessionBundle"}, "get_session_bundle()", seconds("timeout", timeout))
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
        target = path_to_write("path", path)
        event = self._ask_page({"kind": "requestSessionBundle"}, "save_hosted_session()", seconds("timeout", timeout))
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
            self._ask_page(command, "load_session()", seconds("timeout", timeout), body=body)
        else:
            self._command({**command, "requestId": secrets.token_hex(8)}, "load_session()", body)

    def apply_session_to_anndata(self, adata: AnnData, *, inplace: bool = True) -> AnnData:
        """Write the page's highlights and groups as columns of ``adata.obs``, and return the AnnData.

        With ``inplace=False`` a copy gets them. Columns and errors are those of `SessionBundle.apply_to_anndata`.
        """
        an_anndata("adata", adata)
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

    def _cells_command(self, name: str, indices: CellIndices, command: JsonObject, **shown: Any) -> None:
        head, body = encode_cells(indices, self._data.cell_count())
        count = "1 cell" if len(indices) == 1 else f"{len(indices):,} cells"
        self._command({**command, "cells": head}, f"{name}({count})", body, **shown)

    def _indices(self, cells: Any) -> CellIndices:
        return self._data.indices(cells)

    def _command(self, command: JsonObject, call: str, body: bytes = b"", **shown: Any) -> None:
        """Send a command; ``shown`` is what the viewer's traits hold from now on."""
        message = self._link.record(command, body, call)
        changes = [self._shown.ask(name, value) for name, value in shown.items()]
        self._server.send(message)
        for change in changes:
            if change is not None:
                self.notify_change(change)

    def _resolve(self, field: str, matrix: Matrix | None) -> JsonObject | None:
        question = {
            "viewerId": self._link.viewer_id,
            "field": field,
            "matrix": None if matrix is None else matrix.wire,
        }
        try:
            answer = wait_for(self._server.request("viewer.resolveColor", question), _RESOLVE_TIMEOUT_S)
        except ServerError:
            # It restarts: the command waits for it, and the page says what is wrong with the name.
            return None
        return None if answer is None else answer.result["color"]
