"""The viewer object: a widget to look at, and the notebook's handle on what the page shows."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import warnings
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import anywidget
import numpy as np
import traitlets

from ._absent_widget import absent_widget_note
from ._cells import CellIndices, decode_cells
from ._comm import WidgetComm, drop_subshell_pin, supports_subshells
from ._display import Cell, current_cell, output_to, publish, show_in_marimo, shown_in_cells
from ._environment import hints, override_base
from ._idle import idle_watch
from ._link import Notification
from ._pipe import wait_for
from ._presentation import Presentation
from ._protocol import SELECTION, JsonObject, direct_base, one_time_url, viewer_url
from ._report import ConnectionReport, Facts, probe, report, timed
from ._requests import PageRequests
from ._second_output import SecondOutput
from ._viewer_commands import ViewerCommands
from ._viewer_events import ViewerEvents
from ._viewer_state import Event, StateBoard
from ._web_ui import DEFAULT_SOURCE, WebUISummary, ensure_cached
from .errors import CellucidError, ForkedViewerError, ServerError, ViewerStoppedError
from .hooks import Hooks

if TYPE_CHECKING:
    from ._frame import Buffer
    from ._link import ViewerLink
    from ._server import Server
    from ._shown_data import ShownData

_STATIC = Path(__file__).with_name("_static")
_REMEMBERED_ERRORS = 20
#: All questions of a report together stay under five seconds.
_REPORT_TIMEOUT_S = 2.0
_PING_TIMEOUT_S = 1.5

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
    "sessionBundle": "session_bundle",
}

ViewerT = TypeVar("ViewerT", bound="Viewer")


def _widget_module() -> str:
    # The text, not the path: for a path anywidget keeps every widget alive, to tell it when the file changes.
    built = _STATIC / "widget.js"
    if built.exists():
        return built.read_text(encoding="utf-8")
    return "export default { render({ el }) { el.textContent = 'The widget is not built. Run: npm run build' } }"


class Viewer(ViewerCommands, ViewerEvents, anywidget.AnyWidget):
    """One viewer of one dataset. Made by `show_anndata`; lives until `stop()`, or until its cell is run again.

    Used as a context manager it is stopped at the end of the ``with`` block. Nothing in its synced state is secret.
    """

    _esm = _widget_module()

    selection = traitlets.Any(
        read_only=True,
        help="The selected cells: positions in adata.obs, ascending, a uint32 array of shape (count,). "
        "It can be observed: viewer.observe(callback, 'selection').",
    )

    def __init__(self, link: ViewerLink, server: Server, data: ShownData, *, presentation: Presentation) -> None:
        self._owner_pid = os.getpid()
        self._link = link
        self._server = server
        self._data = data
        self._override = presentation.override
        self._board = StateBoard()
        self._hooks = Hooks(link.viewer_id)
        self._requests = PageRequests()
        self._second_output = SecondOutput(link.viewer_id, saves_pictures=presentation.snapshot)
        self._command_errors: deque[str] = deque(maxlen=_REMEMBERED_ERRORS)
        self._last_base: str | None = None
        self._last_cell: Cell | None = None
        self._ended: str | None = None
        self._messages = WidgetComm(link, server, presentation, self)
        # Before the comm opens: a message may come at once.
        self.on_msg(self._on_message)
        super().__init__()
        # A widget of its own, which ipywidgets makes for every widget and closes with none.
        self._own_layout = self.layout
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
        if self._override is None:
            self._warn_when_unreachable()
        return viewer_url(self._base, self.viewer_id, self._link.token)

    @property
    def _base(self) -> str:
        if self._override is not None:
            return override_base(self._override, self.port)
        return self._last_base or direct_base(self.port)

    def _warn_when_unreachable(self) -> None:
        connection = self.connection
        if self._last_base is None and connection is not None and connection["transport"] == "tunnel":
            host = socket.gethostname()
            warnings.warn(
                "From the browser that shows this notebook no address leads to the viewer server; it works through the "
                f"notebook. To open viewer_url in a tab, forward the port first: ssh -L "
                f"{self.port}:127.0.0.1:{self.port} "
                f"{host}",
                stacklevel=3,
            )

    @property
    def connection(self) -> JsonObject | None:
        """How the view that was opened last reaches the server; ``None`` before a notebook page has reported.

        ``transport`` (``None`` when the view shows why it cannot), ``base``, ``page_origin``, and ``candidates``:
        what was tried, each with ``kind``, ``base``, ``verdict``, ``reason`` and ``ms``.
        """
        views = self._messages.views()
        return views[-1] if views else None

    @property
    def sorting(self) -> float | None:
        """How much of the genes the server has sorted for quick access, 0 to 1; ``None`` while it sorts nothing.

        A large file whose matrix is stored by cells is sorted once, in the background, after its first gene was asked
        for. Genes can be shown meanwhile; they take seconds until it is done.
        """
        return self._link.sorting

    def debug_connection(self) -> ConnectionReport:
        """Find out whether and how the notebook page reaches the viewer, and what is in the way.

        Begins with one sentence; shown as a table in a notebook, as text elsewhere, and a dict to read. Takes at most
        five seconds and works also when the server is gone or nothing was shown. Holds no secret: it can be sent to
        others as it is.
        """
        self._check_process()
        server_report = self._ask_server_report()
        health = probe(self.port, "health")
        books = self._books()  # before the question to the page, which is a command that waits itself
        asks_page = server_report is not None and self._link.pages > 0 and self._ended is None
        return report(
            Facts(
                port=self.port,
                ended=self._ended,
                was_shown=self._last_cell is not None,
                was_seen=self._messages.seen,
                views=self._messages.views(),
                server=server_report,
                health=health,
                info=health if isinstance(health, str) else probe(self.port, "info"),
                round_trip_ms=timed(self._ping_page) if asks_page else None,
                log=self._server.log,
                books=books,
                wants_hosted=self._link.hosted_source is not None,
            )
        )

    def ensure_web_ui_cached(self, *, force: bool = False) -> WebUISummary:
        """Have the hosted viewer on this machine, whole, so that it needs no network from then on.

        Shows a progress bar in the cell or the terminal, returns when all is there; ``force`` fetches what the site has
        now also where a build is there. Interrupting stops it, and the next call goes on from there. Raises
        ``WebUIError`` with the reason when it cannot be had.
        """
        self._check_usable()
        source = self._link.hosted_source or DEFAULT_SOURCE
        return ensure_cached(self._server, source, force=force, cell=current_cell())

    def _ask_server_report(self) -> JsonObject | None:
        viewer_id = None if self._ended is not None else self.viewer_id
        try:
            answer = wait_for(self._server.request("report", {"viewerId": viewer_id}), _REPORT_TIMEOUT_S)
        except CellucidError:
            return None
        return None if answer is None else answer.result

    def _ping_page(self) -> object:
        try:
            return self._ask_page({"kind": "ping"}, "ping()", _PING_TIMEOUT_S)
        except CellucidError:
            return None

    def _books(self) -> JsonObject:
        """What the kernel itself has written down."""
        output = self._second_output
        pictures: JsonObject = {
            "saved in the notebook": output.pictures if output.saves_pictures else "no: snapshot=False"
        }
        if output.saves_pictures and self._messages.counts["views so far"] > 1:
            pictures["note"] = "after a reload of the notebook page it is updated only when the cell is run again"
        return {
            "notebook": self._messages.counts,
            "commands_waiting": self._link.waiting,
            "command_errors": list(self._command_errors),
            "picture": pictures,
            "server_restarts": self._server.restarts,
        }

    def __repr__(self) -> str:
        """Short, and without the secret."""
        if self._ended is not None:
            return f"<Viewer {self.viewer_id}, ended>"
        return f"<Viewer {self.viewer_id} of {self._link.options.get('name') or 'a dataset'}>"

    def __dir__(self) -> list[str]:
        """Only what is meant for users; a widget has some hundred names more."""
        own = (ViewerCommands, ViewerEvents, Viewer)
        names = {name for cls in own for name in vars(cls) if not name.startswith("_")}
        return sorted(names - _LISTENER - {"close"} | {"observe", "unobserve"})

    # Showing and ending.

    def display(self) -> None:
        """Show the viewer in the running cell: once per run of a cell, however often it is called.

        Outside a notebook it prints the address to open in a browser.
        """
        self._check_usable()
        cell = current_cell()
        if cell is None and show_in_marimo(self):
            return
        if cell is None:
            print(f"Open the viewer in a browser on this machine: {self.viewer_url}")  # noqa: T201
            return
        if self._last_cell is not None and cell.request_id == self._last_cell.request_id:
            return
        self._last_cell = cell
        self._hooks.cell = cell
        shown_in_cells.add(cell, self)
        publish(self._bundle())
        self._second_output.show(cell)
        self._messages.push_welcome()
        idle_watch.expect(self.viewer_id, self._say_that_nothing_appeared)

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

    def __enter__(self: ViewerT) -> ViewerT:  # noqa: PYI019 - Self is in typing since Python 3.11
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
        idle_watch.forget(self.viewer_id)
        with suppress(ServerError):
            self._server.close(self._link, reason)
        self._messages.close(reason)
        self._second_output.close()
        self._hooks.stop()
        self._board.end(reason)
        self._requests.end(ViewerStoppedError(reason))
        self._data.let_go()
        shown_in_cells.remove(self)
        super().close()
        if self._own_layout is not None:
            self._own_layout.close()

    def _check_usable(self) -> None:
        self._check_process()
        if self._ended is not None:
            raise ViewerStoppedError(self._ended)

    def _check_process(self) -> None:
        if os.getpid() != self._owner_pid:
            raise ForkedViewerError(
                "This viewer belongs to the process that showed it; here is a forked child of that process. "
                "Call show_anndata(...) in this process to get a viewer of its own."
            )

    def _why_silent(self) -> str:
        if self._board.state.ready:
            return "The page is open and has drawn."
        if self._messages.seen:
            return (
                "A notebook page has found the viewer and has not drawn yet; look at the viewer's cell for the reason."
            )
        return "No notebook page has opened this viewer. Is the notebook open in a browser, with this cell on screen?"

    def _warn_when_waiting_is_in_vain(self) -> None:
        cell = current_cell()
        waits_where_shown = cell is not None and self._last_cell is not None and cell == self._last_cell
        if waits_where_shown and not supports_subshells() and not self._link.pages:
            print(  # noqa: T201 - a message to the user
                "The viewer may appear only when this cell ends, because this kernel answers the notebook only between "
                "cells. Wait in the next cell instead.",
                file=sys.stderr,
            )

    def _say_that_nothing_appeared(self) -> None:
        if not self._messages.seen and self._ended is None and not self._link.pages:
            self._second_output.note(absent_widget_note(self._one_time_link()))

    def _one_time_link(self) -> str | None:
        """A link for the notebook, which is saved with all that stands in it: never with the viewer's own secret."""
        if self._override is None and self._last_base is None and "hubPrefix" in hints():
            return None
        token = secrets.token_hex(32)
        self._server.send(Notification("viewer.oneTimeToken", {"viewerId": self.viewer_id, "token": token}))
        return one_time_url(self._base, self.viewer_id, token)

    def widget_appeared(self) -> None:
        """A widget gave the first sign of itself."""
        self._second_output.note(None)

    @traitlets.default("selection")
    def _no_selection(self) -> CellIndices:
        return np.empty(0, dtype=np.uint32)

    def observe(self, handler: Any, names: Any = traitlets.All, type: str = "change") -> None:  # noqa: A002
        """Call ``handler(change)`` when ``selection`` changes; ``change["new"]`` are the cells. As in ipywidgets."""
        super().observe(handler, names, type)
        wanted = names is traitlets.All or "selection" in ([names] if isinstance(names, str) else names)
        if wanted and not self._is_observed:
            self._is_observed = True
            self._hooks.add("selection", self._tell_observers)

    _own_layout: Any = None
    _is_observed = False
    _told_selection: CellIndices | None = None

    def _tell_observers(self, event: Event) -> None:
        old = self._told_selection
        if old is not None and np.array_equal(old, event["cells"]):
            return
        self._told_selection = event["cells"]
        change = {"name": "selection", "old": old, "new": event["cells"], "owner": self, "type": "change"}
        self.notify_change(traitlets.Bunch(change))

    # What arrives: `Listener`, on the events thread.

    def on_event(self, event: JsonObject, body: Buffer) -> None:
        """Take one event of a page."""
        if "requestId" in event:
            self._take_answer(event)
        name = _EVENT_NAMES.get(event["kind"])
        if name is None:
            return
        shown = _for_users(name, event, body)
        if name == "ready":
            self._data.learn_cell_count(shown["n_cells"])
        self._board.apply(shown)
        if name == "selection":
            # Read at once, also by who observes it later; the observers are called on the hooks' thread.
            self._trait_values["selection"] = shown["cells"]
        if name not in {"message", "session_bundle"}:
            self._hooks.fire(name, shown)
        self._hooks.fire("message", shown)

    def on_cells_kept(self, name: str, head: JsonObject, body: Buffer) -> None:
        """A command, a session or a second page selected cells: no event of the user's, but what is selected now."""
        if name != SELECTION:
            return
        cells = decode_cells(head, body)
        self._board.select(cells)
        self._trait_values["selection"] = cells
        if self._is_observed:
            self._hooks.fire("selection", {"event": "selection", "cells": cells}, self._tell_observers)

    def on_command_failed(self, call: str, reason: str, request_id: str | None) -> None:
        """Tell the user: who waits for an answer, a hook, else a sentence in the cell that shows the viewer."""
        if request_id is not None and self._requests.refuse(request_id, call, reason):
            return
        sentence = f"viewer.{call} was not done: {reason}"
        self._command_errors.append(sentence)
        if self._hooks.wants("command_error"):
            self._hooks.fire("command_error", {"event": "command_error", "call": call, "reason": reason})
        else:
            self._say(sentence)

    def on_command_done(self, request_id: str) -> None:
        """A page did what has no other answer."""
        self._requests.answer(request_id, None)

    def on_seen(self, base: str) -> None:
        """A browser proved itself at ``base``."""
        self._last_base = base
        self._messages.was_seen()

    def on_snapshot(self, request_id: str | None, png: Buffer) -> None:
        """A picture came: the one to save, or what `screenshot` waits for."""
        if request_id is None:
            self._second_output.picture(png)
        else:
            self._requests.answer(request_id, png)

    def on_server(self) -> None:
        """Another server process took over: tell the widgets its port and instance."""
        self._last_base = None
        self._messages.push_welcome()

    def on_lost(self, reason: str) -> None:
        """The viewer cannot go on."""
        self._say(reason)
        self._end(reason)

    def _take_answer(self, event: JsonObject) -> None:
        reason = event.get("reason")
        if reason is not None:
            self._requests.refuse(event["requestId"], f"{event['kind']}()", str(reason))
        elif event["kind"] != "screenshot":  # its answer is the picture
            self._requests.answer(event["requestId"], event)

    def _say(self, sentence: str) -> None:
        with output_to(self._last_cell):
            print(sentence, file=sys.stderr)  # noqa: T201 - a message to the user
            sys.stderr.flush()

    # The widget's plumbing.

    def _on_message(self, _widget: object, content: JsonObject, buffers: Sequence[memoryview]) -> None:
        self._messages.receive(content, buffers)

    def _send(self, msg: JsonObject, buffers: Any = None) -> None:
        if os.getpid() != self._owner_pid or self.comm is None:
            return
        super()._send(msg, buffers=buffers)
        drop_subshell_pin(self.comm)


#: Called by the link, not by users.
_LISTENER = {
    "on_event",
    "on_cells_kept",
    "on_command_done",
    "on_command_failed",
    "on_seen",
    "on_snapshot",
    "on_server",
    "on_lost",
    "widget_appeared",
}


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
