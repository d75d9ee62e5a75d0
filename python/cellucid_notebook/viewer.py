"""The viewer object: a widget to look at, and the notebook's handle on what the page shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import anywidget
from typing_extensions import Self

from ._cells import cell_indices, decode_cells, encode_cells
from ._comm import WidgetComm, drop_subshell_pin
from ._display import Cell, current_cell, output_to, publish, shown_in_cells
from ._environment import override_base
from ._pipe import wait_for
from ._protocol import JsonObject, direct_base, viewer_url
from ._viewer_state import Event, StateBoard, ViewerState
from .errors import ForkedViewerError, ServerError, ViewerNotReady, ViewerStoppedError
from .hooks import CallbackT, Hooks

if TYPE_CHECKING:
    from ._frame import Buffer
    from ._link import ViewerLink
    from ._server import Server

_STATIC = Path(__file__).with_name("_static")
#: How long a name may take to be looked up in the dataset before the command is sent as it is.
_RESOLVE_TIMEOUT_S = 5.0

#: Events of the page under the names that users know; others are of use inside only.
_EVENT_NAMES = {
    "ready": "ready",
    "selection": "selection",
    "hover": "hover",
    "click": "click",
    "colorBy": "color_by",
    "embedding": "embedding",
    "visibility": "visibility",
    "custom": "message",
}
ViewerT = TypeVar("ViewerT", bound="Viewer")

_PUBLIC = (
    "clear_highlights",
    "connection",
    "display",
    "highlight_cells",
    "on_click",
    "on_command_error",
    "on_hover",
    "on_message",
    "on_ready",
    "on_selection",
    "port",
    "reset_view",
    "server_url",
    "set_color_by",
    "state",
    "stop",
    "viewer_id",
    "viewer_url",
    "wait_for_event",
    "wait_for_ready",
)


def _widget_module() -> Path | str:
    built = _STATIC / "widget.js"
    if built.exists():
        return built
    return "export default { render({ el }) { el.textContent = 'The widget is not built. Run: npm run build' } }"


class Viewer(anywidget.AnyWidget):
    """One viewer of one dataset. Made by `show_anndata`; lives until `stop()`, or until its cell is run again.

    Used as a context manager it is stopped at the end of the ``with`` block. Nothing in its synced state is secret.
    """

    _esm = _widget_module()

    def __init__(self, link: ViewerLink, server: Server, *, cell_count: int | None, override: str | None, height: int):
        self._owner_pid = os.getpid()
        self._link = link
        self._server = server
        self._cell_count = cell_count
        self._override = override
        self._board = StateBoard()
        self._hooks = Hooks(link.viewer_id)
        self._last_base: str | None = None
        self._last_cell: Cell | None = None
        self._ended: str | None = None
        self._messages = WidgetComm(link, server, self.send, override=override, height=height)
        # Before the comm opens: a message may come at once.
        self.on_msg(self._on_message)
        super().__init__()
        drop_subshell_pin(self.comm)
        link.listener = self

    # Identity.

    @property
    def viewer_id(self) -> str:
        """The viewer's name, 16 hexadecimal characters; no secret."""
        return self._link.viewer_id

    @property
    def port(self) -> int:
        """The port of this kernel's viewer server, on the kernel's machine."""
        return self._server.port

    @property
    def server_url(self) -> str:
        """The viewer server as the kernel's machine reaches it, for example ``http://127.0.0.1:8765``."""
        return direct_base(self.port).rstrip("/")

    @property
    def viewer_url(self) -> str:
        """The page's address, to open in a browser tab when nothing appears in the notebook.

        It holds the viewer's secret: whoever has it sees the data while the viewer lives. It is built on the override
        (``client_server_url=``), else on the base that a browser last proved, else on `server_url`.
        """
        if self._override is not None:
            base = override_base(self._override, self.port)
        else:
            base = self._last_base or direct_base(self.port)
        return viewer_url(base, self.viewer_id, self._link.token)

    @property
    def connection(self) -> list[JsonObject]:
        """What each open view tried to reach the server, the newest last.

        One dict per view: ``transport`` (``None`` when it shows the failure card), ``base``, ``candidates`` with
        ``kind``, ``base``, ``verdict``, ``reason`` and ``ms``. Empty before a notebook page has reported.
        """
        return [
            {name: value for name, value in resolved.items() if name not in {"kind", "view"}}
            for resolved in self._messages.resolved.values()
        ]

    def __repr__(self) -> str:
        """Short, and without the secret."""
        if self._ended is not None:
            return f"<Viewer {self.viewer_id}, ended>"
        return f"<Viewer {self.viewer_id} of {self._link.options.get('name') or 'a dataset'}>"

    def __dir__(self) -> list[str]:
        """Only what is meant for users; a widget has some hundred names more."""
        return list(_PUBLIC)

    # Showing and ending.

    def display(self) -> None:
        """Show the viewer in the running cell: once per run of a cell, however often it is called.

        Outside a notebook it prints the address to open in a browser.
        """
        self._check_usable()
        cell = current_cell()
        if cell is None:
            print(f"Open the viewer in a browser on this machine: {self.viewer_url}")  # noqa: T201
            return
        if self._last_cell is not None and cell.request_id == self._last_cell.request_id:
            return
        self._last_cell = cell
        self._hooks.cell = cell
        shown_in_cells.add(cell, self)
        publish(self._bundle())
        self._messages.push_welcome()

    def _bundle(self) -> JsonObject:
        return {
            "text/plain": repr(self),
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            },
        }

    def _ipython_display_(self) -> None:
        # As the last expression of a cell and for display(viewer): IPython gives no way to tell them apart.
        if self._ended is not None:
            print(self._ended)  # noqa: T201
            return
        self.display()

    def stop(self) -> None:
        """End the viewer: its page closes, the data is let go. The server stays for other viewers. Idempotent."""
        self._end("The viewer was stopped. Run its cell again to show the data.")

    def close(self) -> None:
        """The widget's own end; the same as `stop`."""
        self._end("The viewer was closed. Run its cell again to show the data.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, reason: str) -> None:
        # A half-made widget is closed too, by ipywidgets' finalizer; a forked child must not speak for its parent.
        if getattr(self, "_link", None) is None or self._owner_pid != os.getpid() or self._ended is not None:
            return
        self._ended = reason
        self._link.listener = None
        with suppress(ServerError):
            self._server.close(self._link, reason)
        self._messages.close(reason)
        self._hooks.stop()
        self._board.end(reason)
        shown_in_cells.remove(self)
        super().close()

    def _check_usable(self) -> None:
        if os.getpid() != self._owner_pid:
            raise ForkedViewerError(
                "This viewer belongs to the process that showed it; here is a forked child of that process. "
                "Call show_anndata(...) in this process to get a viewer of its own."
            )
        if self._ended is not None:
            raise ViewerStoppedError(self._ended)

    # Commands.

    def set_color_by(self, field: str | None) -> None:
        """Colour the cells by ``field``: a column of ``adata.obs``, else a gene; ``None`` for one colour.

        Raises ``UnknownColumnError``, with the names most like it, when the dataset has neither.
        """
        self._check_usable()
        color = None if field is None else self._resolve(field)
        command: JsonObject = {"kind": "setColorBy", "field": field}
        self._command(
            command if field is not None and color is None else {**command, "color": color}, "set_color_by", field
        )

    def highlight_cells(self, cells: Iterable[int], color: str = "#ff0000") -> None:
        """Draw ``cells`` larger and in ``color``, above the others.

        ``cells`` are positions (0 is the first row of ``adata.obs``) or a boolean mask with one value per cell. Raises
        ``IndexError`` for a position that does not exist, ``ValueError`` for a mask of another length.
        """
        self._check_usable()
        indices = cell_indices(cells, self._known_cell_count())
        head, body = encode_cells(indices, self._known_cell_count())
        self._command({"kind": "highlight", "cells": head, "color": color}, "highlight_cells", len(indices), body=body)

    def clear_highlights(self) -> None:
        """Take all highlights away."""
        self._check_usable()
        self._command({"kind": "clearHighlights"}, "clear_highlights")

    def reset_view(self) -> None:
        """Show all cells again: the camera as it was at first."""
        self._check_usable()
        self._command({"kind": "resetCamera"}, "reset_view")

    def _command(self, command: JsonObject, name: str, *arguments: object, body: bytes = b"") -> None:
        call = f"{name}({', '.join(map(repr, arguments))})"
        self._server.send(self._link.record(command, body, call))

    def _resolve(self, field: str) -> JsonObject | None:
        question = {"viewerId": self.viewer_id, "field": field}
        try:
            answer = wait_for(self._server.request("viewer.resolveColor", question), _RESOLVE_TIMEOUT_S)
        except ServerError:
            # It restarts: the command waits for it, and the page says what is wrong with the name.
            return None
        return None if answer is None else answer.result["color"]

    def _known_cell_count(self) -> int:
        if self._cell_count is None:
            raise ViewerNotReady(
                "The number of cells is not known before the viewer is ready. Call viewer.wait_for_ready() in a cell "
                "before."
            )
        return self._cell_count

    # Hooks and waiting.

    def on_selection(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for every selection; a decorator.

        ``event["cells"]`` are positions in ``adata.obs``, ascending, a uint32 array of shape ``(count,)``;
        ``event["source"]`` says how they were selected. Callbacks run on a thread of the viewer, also while a cell
        runs; what they print appears in the cell that showed the viewer.
        """
        return self._hooks.add("selection", callback)

    def on_hover(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` when the pointer is over another cell: ``event["cell"]``, or ``None`` for none."""
        return self._hooks.add("hover", callback)

    def on_click(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for a click: ``cell`` (or ``None``), ``button``, ``shift``, ``ctrl``."""
        return self._hooks.add("click", callback)

    def on_ready(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` each time a page has drawn, at once if one has: ``n_cells``, ``dimensions``."""
        self._hooks.add("ready", callback)
        if self._ready_event is not None:
            self._hooks.fire("ready", self._ready_event)
        return callback

    def on_message(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for every event of the page, whatever it is: ``event["event"]`` names it."""
        return self._hooks.add("message", callback)

    def on_command_error(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` when the page could not do a command: ``event["call"]``, ``event["reason"]``."""
        return self._hooks.add("command_error", callback)

    @property
    def state(self) -> ViewerState:
        """What the page last said: ready, selection, hover, click, colour, embedding, last event."""
        return self._board.state

    def wait_for_event(
        self, name: str, timeout: float | None = None, *, predicate: Callable[[Event], bool] | None = None
    ) -> Event:
        """Wait for the next event ``name`` (``"selection"``, ``"click"`` …) for which ``predicate(event)`` holds.

        Works inside a running cell. ``timeout`` in seconds, ``None`` waits until it comes. Raises ``ViewerNotReady``
        when it did not come in time, ``ViewerStoppedError`` when the viewer ends meanwhile.
        """
        self._check_usable()
        if name not in _EVENT_NAMES.values():
            raise ValueError(f"There is no event {name!r}; there are {', '.join(_EVENT_NAMES.values())}.")
        event = self._board.wait_for(name, timeout, predicate)
        if event is None:
            raise ViewerNotReady(f"No {name!r} event came within {timeout:g} seconds. {self._why_silent()}")
        return event

    def wait_for_ready(self, timeout: float | None = 30) -> None:
        """Wait until a page has drawn the cells. ``timeout`` in seconds, ``None`` waits until it does.

        Raises ``ViewerNotReady`` when it did not happen in time, ``ViewerStoppedError`` when the viewer ends meanwhile.
        """
        self._check_usable()
        if not self._board.wait_ready(timeout):
            raise ViewerNotReady(f"The viewer was not ready within {timeout:g} seconds. {self._why_silent()}")

    def _why_silent(self) -> str:
        if self._board.state.ready:
            return "The page is open and has drawn."
        if self._messages.seen:
            return (
                "A notebook page has found the viewer and has not drawn yet; look at the viewer's cell for the reason."
            )
        return "No notebook page has opened this viewer. Is the notebook open in a browser, with this cell on screen?"

    # What arrives: `Listener`, on the events thread.

    _ready_event: Event | None = None

    def on_event(self, event: JsonObject, body: Buffer) -> None:
        """Take one event of a page."""
        name = _EVENT_NAMES.get(event["kind"])
        if name is None:
            return
        shown = _for_users(name, event, body)
        if name == "ready":
            self._cell_count = self._cell_count or shown["n_cells"]
            self._ready_event = shown
        self._board.apply(shown)
        if name != "message":
            self._hooks.fire(name, shown)
        self._hooks.fire("message", shown)

    def on_command_failed(self, call: str, reason: str) -> None:
        """Tell the user, by hook or as a sentence in the cell that shows the viewer."""
        if self._hooks.wants("command_error"):
            self._hooks.fire("command_error", {"event": "command_error", "call": call, "reason": reason})
            return
        with output_to(self._last_cell):
            print(f"viewer.{call} was not done: {reason}", file=sys.stderr)  # noqa: T201 - a message to the user
            sys.stderr.flush()

    def on_seen(self, base: str) -> None:
        """A browser proved itself at ``base``."""
        self._last_base = base
        self._messages.seen = True

    def on_snapshot(self, request_id: str | None, png: Buffer) -> None:
        """A picture came."""

    def on_server(self) -> None:
        """Another server process took over: tell the widgets its port and instance."""
        self._last_base = None
        self._messages.push_welcome()

    def on_lost(self, reason: str) -> None:
        """The viewer cannot go on."""
        with output_to(self._last_cell):
            print(reason, file=sys.stderr)  # noqa: T201 - a message to the user
            sys.stderr.flush()
        self._end(reason)

    # The widget's plumbing.

    def _on_message(self, _widget: object, content: JsonObject, buffers: list[memoryview]) -> None:
        self._messages.receive(content, buffers)

    def _send(self, msg: JsonObject, buffers: Any = None) -> None:
        if os.getpid() != self._owner_pid or self.comm is None:
            return
        super()._send(msg, buffers=buffers)
        drop_subshell_pin(self.comm)


def _for_users(name: str, event: JsonObject, body: Buffer) -> Event:
    fields = {key: value for key, value in event.items() if key != "kind"}
    match name:
        case "selection":
            fields["cells"] = decode_cells(event["cells"], body)
        case "ready":
            fields = {"n_cells": event["nCells"], "dimensions": event["dimensions"]}
        case "visibility":
            fields = {"visible_cells": event["visibleCells"]}
    return {"event": name, **fields}
