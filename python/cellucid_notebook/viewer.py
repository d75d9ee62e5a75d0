"""The viewer object: a widget to look at, and the notebook's handle on what the page shows."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import warnings
from collections import deque
from collections.abc import Hashable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

import anywidget

from ._arguments import flag, one_of, text_or_none
from ._aside import run_aside
from ._border import border, bordered
from ._comparison import METHODS, REST, Question, check_key, compare, group_of, write_result
from ._data.cells import decode_cells
from ._data.matrix import RAW, Matrix, asked_matrix, check_matrix
from ._hosted_ui import DEFAULT_SOURCE, WebUISummary, ensure_cached
from ._notebook.absent_widget import absent_widget_note
from ._notebook.display import (
    Cell,
    current_cell,
    output_to,
    publish,
    show_in_app,
    show_in_marimo,
    shown_in_cells,
    who_displays,
)
from ._notebook.environment import hints, override_base
from ._notebook.idle_watch import idle_watch
from ._notebook.presentation import Presentation
from ._notebook.saved_picture import SecondOutput
from ._notebook.widget_comm import WidgetComm, drop_subshell_pin, supports_subshells
from ._report.report import ConnectionReport, Facts, probe, report, timed
from ._server.viewer_record import Notification
from ._viewer.attempt import Attempt
from ._viewer.commands import ViewerCommands
from ._viewer.events import ViewerEvents
from ._viewer.highlights import Highlights
from ._viewer.opening import Asked, open_viewer
from ._viewer.page_requests import PageRequests
from ._viewer.shown_values import ShownCells, ShownValues
from ._viewer.state import Event, StateBoard
from ._viewer.traits import ViewerTraits
from ._wire.labels import label_text
from ._wire.pipe import wait_for
from ._wire.protocol import HIGHLIGHT, SELECTION, JsonObject, direct_base, link_token, one_time_url, viewer_url
from ._wire.visible_text import visible
from .errors import CellucidError, ForkedViewerError, ServerError, ViewerStoppedError
from .hooks import Hooks

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from ._data.shown_data import ShownData
    from ._server.supervisor import Server
    from ._server.viewer_record import ViewerLink
    from ._wire.frame import Buffer

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


@bordered
class Viewer(ViewerCommands, ViewerEvents, ViewerTraits, anywidget.AnyWidget):
    """One viewer of one dataset, not displayed yet: it takes what `show_anndata` takes, and raises what that raises.

    It appears where it is put, ``display(viewer)`` or ``HBox([viewer, ...])``, and lives until `stop()`, or until the
    cell that shows it is run again.

    Used as a context manager it is stopped at the end of the ``with`` block. Nothing in its synced state is secret.
    """

    _esm = _widget_module()

    @border
    def __init__(  # noqa: PLR0913 - as show_anndata
        self,
        data: AnnData | MuData | str | os.PathLike[str],
        *,
        color: Hashable | None = None,
        embedding: str | None = None,
        height: float | str = 600,
        gene_symbols: str | None = None,
        layer: str | None = None,
        use_raw: bool | None = None,
        port: int | None = None,
        client_server_url: str | None = None,
        ui: str | None = None,
        web_source_url: str | None = None,
        snapshot: bool = True,
    ) -> None:
        asked = Asked(
            color=color,
            embedding=embedding,
            height=height,
            gene_symbols=gene_symbols,
            layer=layer,
            use_raw=use_raw,
            port=port,
            client_server_url=client_server_url,
            ui=ui,
            web_source_url=web_source_url,
            snapshot=snapshot,
        )
        with Attempt() as attempt:
            open_viewer(attempt, self, data, asked)

    def _begin(self, link: ViewerLink, server: Server, data: ShownData, presentation: Presentation) -> None:
        self._owner_pid = os.getpid()
        self._server = server
        self._data = data
        self._override = presentation.override
        self._board = StateBoard()
        self._hooks = Hooks(link.viewer_id)
        self._requests = PageRequests()
        self._shown = ShownValues(self, link.awaits)
        self._highlights = Highlights()
        self._second_output = SecondOutput(link.viewer_id, saves_pictures=presentation.snapshot)
        self._command_errors: deque[str] = deque(maxlen=_REMEMBERED_ERRORS)
        self._last_base: str | None = None
        self._last_cell: Cell | None = None
        self._ended: str | None = None
        self._messages = WidgetComm(link, server, presentation, self)
        self._own_layout: Any = None
        self._link = link  # from here on there is something to end
        # Before the comm opens: a message may come at once, and so may an interrupt, after which the viewer is stopped.
        link.listener = self
        self.on_msg(self._on_message)
        # In a row of widgets it shares the room; a frame has no width of its own.
        super().__init__(layout={"width": "100%"})
        # A widget of its own, which ipywidgets makes for every widget and closes with none.
        self._own_layout = self.layout
        drop_subshell_pin(self.comm)
        self._is_made = True

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

        It holds a secret of the viewer: whoever has it sees the data while the viewer lives and its server runs; after
        a restart of the server ask for it again. It is built on the override
        (``client_server_url=``), else on the base that a browser last proved, else on `server_url`.
        """
        if self._override is None:
            self._warn_when_unreachable()
        token = link_token(self._link.token, self.viewer_id, self._server.instance_id)
        return viewer_url(self._base, self.viewer_id, token)

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
    def command_errors(self) -> tuple[str, ...]:
        """The last 20 commands that a page could not do and messages that could not be read: sentences, oldest first.

        Each was also given to `on_command_error`, or printed where nobody listens.
        """
        return tuple(self._command_errors)

    @property
    def sorting(self) -> float | None:
        """How much of the genes the server has sorted for quick access, 0 to 1; ``None`` while it sorts nothing.

        A large matrix that is stored by cells is sorted once, in the background, after its first gene was asked for:
        that of a file into a cache on disk, that of an AnnData in memory into the kernel's memory, where a quarter of
        what may be used has room for it. Genes can be shown meanwhile; they take longer until it is done.
        """
        return self._link.sorting

    def give_back_memory(self) -> int:
        """Give back the memory in which the genes of an AnnData are kept sorted; how many bytes that was.

        Genes are read from the matrix as it is from then on, which is slower, until the AnnData is shown in a new
        viewer and no other shows it. It is given back without being asked when memory gets short. Of a file nothing
        is kept here.
        """
        self._check_process()
        if self._link.source["kind"] != "kernel":
            return 0
        return self._server.sources.give_back(self._link.source["sourceId"])

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
        round_trip_ms = timed(self._ping_page) if asks_page else None
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
                round_trip_ms=round_trip_ms,
                page=None if round_trip_ms is None else self._ask_page_report(),
                log=self._server.log,
                books=books,
                wants_hosted=self._link.hosted_source is not None,
            )
        )

    def compare(  # noqa: PLR0913 - as scanpy's
        self,
        a: Any,
        b: Any = "rest",
        *,
        method: str = "t-test",
        layer: str | None = None,
        use_raw: bool | None = None,
        key_added: str | None = None,
    ) -> pd.DataFrame:
        """Compare two groups of cells gene by gene, as ``sc.tl.rank_genes_groups`` does.

        ``a`` and ``b``: positions, names, a boolean mask, a view of the AnnData or some of its ``obs``, as in
        `highlight_cells`; or ``{"louvain": "B cells"}`` for the cells with a value, or a list of values, of a field. By
        default ``b`` is all other cells. Cells in both are left out of both.

        ``method``: ``"t-test"`` (Welch's) or ``"wilcoxon"`` (rank sum, always with tie correction, which is
        ``tie_correct=True`` in scanpy). p values are adjusted by Benjamini and Hochberg. ``layer`` and ``use_raw`` say
        where genes are read; by default raw where there is one, else X, as in scanpy.

        The table has the columns of ``sc.get.rank_genes_groups_df`` (``pct_nz_…`` is the share of cells that express
        the gene), then ``mean_group`` and ``mean_reference``; the highest score is first. ``table.attrs`` says what was
        compared. What the numbers mean less than they seem to, as with raw counts, is a warning. Cells are no
        replicates: a p value says how well the groups can be told apart, not that it would be so in another sample.

        ``key_added`` also writes ``adata.uns[key_added]``, with ``a`` and ``b`` as groups, and the categorical column
        ``adata.obs[f"{key_added}_groups"]``, so that ``sc.pl.rank_genes_groups_dotplot(adata, key=key_added)`` and its
        like show it; ``values_to_plot="logfoldchanges"`` only where no cell is outside of both groups.

        The viewer server computes; of an AnnData in memory it is handed one block after the other, and no copy is made.
        A bar shows how far it is; interrupting the cell stops it.
        """
        self._check_usable()
        method = one_of("method", method, METHODS, "method")
        matrix = asked_matrix(layer=layer, use_raw=use_raw)
        key = text_or_none("key_added", key_added, "a key of adata.uns to write to")
        adata = None if key is None else check_key(self._data.anndata, key)
        if matrix is not None and self._data.anndata is not None:
            check_matrix(self._data.anndata, matrix)
        group = group_of("a", a, self._data)
        against_rest = isinstance(b, str) and b == REST
        other = None if against_rest else group_of("b", b, self._data)
        question = Question(group, other, method, matrix, wants_codes=key is not None)
        found = compare(self._server, self.viewer_id, question, current_cell())
        for note in found.notes:
            warnings.warn(note, stacklevel=3)
        if adata is not None and key is not None:
            labels = (group.label, REST if other is None else other.label)
            column = write_result(adata, key, found, labels, against_rest=against_rest)
            print(f"Written: adata.uns[{key!r}], and adata.obs[{column!r}] with the groups.")  # noqa: T201
        return found.table()

    def ensure_web_ui_cached(self, *, force: bool = False) -> WebUISummary:
        """Have the hosted viewer on this machine, whole, so that it needs no network from then on.

        Shows a progress bar in the cell or the terminal, returns when all is there; ``force`` fetches what the site has
        now also where a build is there. Interrupting stops it, and the next call goes on from there. Raises
        ``WebUIError`` with the reason when it cannot be had.
        """
        self._check_usable()
        force = flag("force", force)
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

    def _ask_page_report(self) -> JsonObject | None:
        if self._link.hosted_source is not None:
            return None  # cellucid's own page has no such answer
        try:
            answer = self._ask_page({"kind": "debugSnapshot"}, "debug_connection()", _PING_TIMEOUT_S)
        except CellucidError:
            return None
        page: JsonObject = answer["report"]
        return page

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
            "server_last_words": self._server.last_words,
        }

    def __repr__(self) -> str:
        """Short, and without the secret."""
        if self._ended is not None:
            return f"<Viewer {self.viewer_id}, ended>"
        return f"<Viewer {self.viewer_id} of {visible(self._link.options.get('name') or 'a dataset')}>"

    def __dir__(self) -> list[str]:
        """Only what is meant for users; a widget has some hundred names more."""
        own = (ViewerCommands, ViewerEvents, ViewerTraits, Viewer)
        names = {name for cls in own for name in vars(cls) if not name.startswith("_")}
        return sorted(names - _LISTENER - {"close", "notify_change", "set_state"} | {"observe", "unobserve"})

    # Showing and ending.

    def display(self) -> None:
        """Show the viewer in the running cell: once per run of a cell, however often it is called.

        Outside a notebook it prints the address to open in a browser; where there is no terminal, as in the log of a
        batch job, how to get it: it holds the viewer's secret.
        """
        self._check_usable()
        cell = current_cell()
        if cell is None and (show_in_marimo(self) or show_in_app(self._bundle())):
            return
        if cell is None:
            print(self._how_to_open())  # noqa: T201
            return
        if self._last_cell is None or cell.request_id != self._last_cell.request_id:
            self._show_in(cell)

    def _how_to_open(self) -> str:
        if sys.stdout.isatty():
            return f"Open the viewer in a browser on this machine: {self.viewer_url}"
        return (
            f"Open the viewer {self.viewer_id} in a browser on this machine, at viewer.viewer_url. That holds the "
            "viewer's secret and is not written here, where there is no terminal: print it where only you read."
        )

    def _show_in(self, cell: Cell) -> None:
        """Put one more view into the output of ``cell``, which runs now."""
        run_aside(partial(self._note_shown_in, cell))
        publish(self._bundle())
        self._second_output.show(cell)

    def _note_shown_in(self, cell: Cell) -> None:
        self._last_cell = cell
        self._hooks.cell = cell
        shown_in_cells.add(cell, self)
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
        if self._ended is not None:
            print(self._ended)  # noqa: T201
            return
        match who_displays():
            case "last expression":
                self.display()  # which `show_anndata` has done in the same cell
            case "display":
                self._check_usable()
                cell = current_cell()
                self.display() if cell is None else self._show_in(cell)
            case None:
                raise NotImplementedError  # IPython goes on to the mime bundle

    def _repr_mimebundle_(self, **_: Any) -> tuple[JsonObject, JsonObject]:
        """Return what a notebook shows, and no metadata, for those who place it themselves."""
        if self._ended is not None:
            return {"text/plain": self._ended}, {}
        cell = current_cell()
        if cell is not None:
            self._note_shown_in(cell)
        return self._bundle(), {}

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
        if self._own_layout is None and self.trait_has_value("layout"):
            self._own_layout = self.layout  # it was interrupted right after it was made
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

    def document_is_shared(self) -> None:
        """A widget stands in a document that several people edit."""
        self._second_output.share()

    def document_saved(self) -> None:
        """A widget saw that the notebook is being saved."""
        self._second_output.save()

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
            self._board.learn(color_by=self._color_text(), embedding=self.embedding)
        self._board.apply(shown)
        if name == "selection":
            self._say_shown("selection", ShownCells.of(shown["cells"]))
        elif name == "color_by":
            self._say_shown("color", self._data.color_label(shown["field"]))
        elif name == "embedding":
            self._say_shown("embedding", shown["name"])
        if name not in {"message", "session_bundle"}:
            self._hooks.fire(name, shown)
        self._hooks.fire("message", shown)

    def on_cells_kept(self, name: str, head: JsonObject, body: Buffer) -> None:
        """A command, a session or a second page selected cells: no event of the user's, but what is selected now."""
        if name == SELECTION:
            cells = decode_cells(head, body)
            self._board.select(cells)
            self._say_shown("selection", ShownCells.of(cells))
        elif name.startswith(HIGHLIGHT):
            color = name.removeprefix(HIGHLIGHT)
            self._say_shown("highlighted", self._highlights.of_page(color, decode_cells(head, body)))

    def on_state(self, state: JsonObject) -> None:
        """The pages' state: what colours the cells, and which embedding."""
        color = state.get("color")
        # The mean of genes is told by its event alone: no state can name it.
        if color is not None or ("color" in state and not self._shown.was_said("color")):
            self._say_shown("color", self._data.color_label(None if color is None else color["key"]))
        if state.get("embedding") is not None:
            self._say_shown("embedding", state["embedding"])
        self._board.learn(color_by=self._color_text(), embedding=self.embedding)

    def on_settled(self, kind: str, *, is_done: bool) -> None:
        """A page did a command, or could not: then the values go back to what it shows."""
        for change in self._shown.settle(kind, is_done=is_done):
            self._hooks.call(partial(self.notify_change, change))

    def _color_text(self) -> str | None:
        return None if self.color is None else label_text(self.color)

    def _say_shown(self, name: str, value: Any) -> None:
        """A page shows this: read at once, told to observers on the hooks' thread."""
        change = self._shown.say(name, value)
        if change is not None:
            self._hooks.call(partial(self.notify_change, change))

    def on_command_failed(self, call: str, reason: str, request_id: str | None) -> None:
        """Tell the user: who waits for an answer, a hook, else a sentence in the cell that shows the viewer."""
        if request_id is not None and self._requests.refuse(request_id, call, reason):
            return
        self._tell_failure(call, reason, f"viewer.{call} was not done: {reason}")

    def on_refused(self, call: str, reason: str) -> None:
        """Tell the user, once, what a page said and nobody can read."""
        if reason not in self._command_errors:
            self._tell_failure(call, reason, reason)

    def _tell_failure(self, call: str, reason: str, sentence: str) -> None:
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
        # Of all that a browser proves, a socket file is what nobody else can stand in the place of.
        door = self._server.door
        inside = f"/cellucid/{door}/"
        if door is None or inside in base or inside not in (self._last_base or ""):
            self._last_base = base
        self._messages.was_seen()

    def on_snapshot(self, request_id: str | None, png: Buffer) -> None:
        """A picture came: the one to save, or what `screenshot` waits for."""
        if request_id is None:
            self._second_output.picture(png)
        else:
            self._requests.answer(request_id, png)

    def on_gone(self, instance_id: str) -> None:
        """The server process has ended: its port may be anybody's."""
        self._messages.push_gone(instance_id)

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
    "on_refused",
    "on_seen",
    "on_snapshot",
    "on_gone",
    "on_server",
    "on_settled",
    "on_state",
    "on_lost",
    "widget_appeared",
    "document_is_shared",
    "document_saved",
}


def _for_users(name: str, event: JsonObject, body: Buffer) -> Event:
    fields = {key: value for key, value in event.items() if key != "kind"}
    match name:
        case "selection":
            fields["cells"] = decode_cells(event["cells"], body)
        case "ready":
            fields = {"n_cells": event["nCells"], "dimensions": event["dimensions"]}
        case "color_by":
            shown = None if event["matrix"] is None else Matrix.of(event["matrix"])
            fields = {"field": event["field"], "layer": None, "use_raw": None}
            if shown is not None:
                fields |= {"layer": shown.layer, "use_raw": shown == RAW}
        case "visibility":
            fields = {"visible_cells": event["visibleCells"]}
    return {"event": name, **fields}
