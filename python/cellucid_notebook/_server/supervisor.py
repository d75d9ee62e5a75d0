"""One viewer server for this kernel: started on first use, restarted when it crashes, forgotten after a fork."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from .._aside import run_aside
from .._scheduler import timetable
from .._wire.frame import Buffer
from .._wire.pipe import Answer, Call, ServerGoneError, wait_for
from .._wire.protocol import JsonObject
from ..errors import ArgumentError, CellucidError, ForkedViewerError, PortError, ServerError
from .door import door_id, new_door_folder
from .process import Ready, ServerProcess
from .source_worker import SourceWorker
from .viewer_record import Notification, ViewerLink

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

_MAX_RESTARTS = 5
_LAST_WORDS = 10
_RESTART_WINDOW_S = 60.0
#: What looking for changes may take after each cell.
_LOOK_BUDGET_S = 0.02
#: How long `show` waits for a file to be opened, so that what is wrong with it is said in the cell.
_OPEN_TIMEOUT_S = 5.0


class Server:
    """Supervises one server process after the other, and keeps what each must be told.

    Every public method raises ``ForkedViewerError`` in a forked child: the server belongs to the parent.
    """

    def __init__(self, port: int | None) -> None:
        self._owner_pid = os.getpid()
        self._lock = threading.RLock()
        self._links: dict[str, ViewerLink] = {}
        self._restarts: deque[float] = deque(maxlen=_MAX_RESTARTS)
        self._last_words: list[str] = []
        self._stopped = False
        #: The same for every server process of this kernel, as the port is.
        self._door_folder = new_door_folder()
        self.sources = SourceWorker(self._sorting_changed)
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        threading.Thread(target=self._run_events, name="cellucid-events", daemon=True).start()
        try:
            self._adopt(*self._start(port, is_fixed=port is not None))
        except BaseException:
            self._end_threads()
            raise

    @property
    def port(self) -> int:
        """The loopback port the server listens on."""
        return self._ready.port

    @property
    def door(self) -> str | None:
        """Names the socket file that the notebook server may reach it by; ``None`` where there is none."""
        return door_id(self._door_folder) if self._door_folder is not None and self._ready.has_door else None

    @property
    def instance_id(self) -> str:
        """Names this server process; public."""
        return self._ready.instance_id

    @property
    def version(self) -> str:
        """The server's version."""
        return self._ready.version

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    @property
    def is_stopped(self) -> bool:
        """Whether it ended for good."""
        return self._stopped

    @property
    def restarts(self) -> int:
        """How often it was restarted within the last minute."""
        return sum(moment > time.monotonic() - _RESTART_WINDOW_S for moment in self._restarts)

    @property
    def last_words(self) -> list[str]:
        """What the process before this one logged last; empty while none had to be restarted."""
        return list(self._last_words)

    @property
    def log(self) -> list[str]:
        """The last lines the server logged, secrets removed by the server itself."""
        return list(self._process.log)

    def links(self) -> list[ViewerLink]:
        """All open viewers."""
        return list(self._links.values())

    def open(self, link: ViewerLink) -> None:
        """Register a viewer. Raises what is wrong with its data, when that is known within five seconds."""
        self._check_owner()
        with (
            self._lock
        ):  # a restart opens what is listed when it takes over, and this process what is listed after that
            self._links[link.viewer_id] = link
            process = self._process
        opened = process.pipe.request("viewer.open", link.open_params())
        try:
            if wait_for(opened, _OPEN_TIMEOUT_S) is None:
                opened.add_done_callback(partial(self._opened_late, link))
        except CellucidError as error:
            if isinstance(error, ServerGoneError) and not self._stopped:
                return  # it crashed just now: the next one opens the viewer
            self.close(link, "The dataset could not be opened.")
            raise

    def close(self, link: ViewerLink, reason: str) -> None:
        """Forget a viewer and end its pages. Idempotent."""
        self._check_owner()
        with self._lock:
            if self._links.pop(link.viewer_id, None) is None:
                return
        self._process.pipe.notify("viewer.close", {"viewerId": link.viewer_id, "reason": reason})
        for source_id in link.source_ids:
            self.sources.release(source_id)

    def send(self, notification: Notification) -> None:
        """Send a message to the server; while it is down, `ViewerLink.replay` says again what matters."""
        self._check_owner()
        self._process.pipe.notify(notification.method, notification.params, notification.body)

    def send_console(self, link: ViewerLink, lines: list[JsonObject]) -> None:
        """Put console lines of a widget into the server's ring; while it is down, the newest 100 wait."""
        if not self._process.pipe.is_open:
            link.hold_console(lines)
            return
        self.send(Notification("viewer.console", {"viewerId": link.viewer_id, "lines": lines}))

    def request(self, method: str, params: JsonObject, body: Buffer = b"") -> Future[Answer]:
        """Ask the server; callbacks on the future run on the reader thread."""
        self._check_owner()
        return self._process.pipe.request(method, params, body)

    def acquire(self, adata: AnnData | MuData, called: str = "adata") -> str:
        """Make an AnnData readable, as it is now; see `SourceWorker.acquire`. Pages that show it are told."""
        source_id = self.sources.acquire(adata, called)
        self._tell_changed([source_id], is_anew=True)
        return source_id

    def show_anew(self, source_ids: list[str]) -> None:
        """Have all pages of an AnnData, or of a MuData and its modalities, read it as it is now."""
        for source_id in source_ids:
            self.sources.begin_anew(source_id)
        self._tell_changed(source_ids, is_anew=True)

    def look_at_data(self) -> None:
        """Tell the pages of what was changed in place or replaced, as far as a short look can see.

        A cell may also have taken the memory that sorted genes are kept in.
        """
        self.sources.check_memory()
        source_ids = self.sources.changed(_LOOK_BUDGET_S)
        if source_ids:
            self._tell_changed(source_ids, is_anew=False)

    def stop(self) -> None:
        """End the server and all its viewers. Idempotent; does nothing in a forked child."""
        if os.getpid() != self._owner_pid:
            return
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
            self._links.clear()
        self._process.stop()
        self._end_threads()

    def _check_owner(self) -> None:
        if os.getpid() != self._owner_pid:
            raise ForkedViewerError(
                "This viewer belongs to the process that showed it; here is a forked child of that process. "
                "Call show_anndata(...) in this process to get a viewer of its own."
            )

    def _start(self, port: int | None, *, is_fixed: bool) -> tuple[ServerProcess, Ready]:
        process = ServerProcess(port, is_fixed=is_fixed, door_folder=self._door_folder, receive=self._calls_in)
        return process, process.wait_ready()

    def _adopt(self, process: ServerProcess, ready: Ready) -> None:
        self._process, self._ready = process, ready
        process.when_ended(self._lost)

    def _tell_changed(self, source_ids: list[str], *, is_anew: bool) -> None:
        self.send(Notification("source.changed", {"sourceIds": source_ids, "isAnew": is_anew}))

    def _sorting_changed(self, source_id: str) -> None:
        """Have the server ask how sorting stands, for the pages."""
        self._process.pipe.notify("source.sorting", {"sourceId": source_id})

    def _end_threads(self) -> None:
        self._calls.put(None)
        self.sources.stop()

    # On the reader thread, which never waits.

    def _calls_in(self, call: Call) -> None:
        if call.method == "source.read" and call.id is not None:
            self.sources.submit(self._process.pipe, call)
        elif call.method == "source.cancel":
            self.sources.cancel(self._process.pipe, call.params.get("readId", -1))
        else:
            self._calls.put(call)

    def _lost(self, process: ServerProcess) -> None:
        with self._lock:
            if self._stopped or process is not self._process:
                return
            links, instance_id = self.links(), self.instance_id
        for link in links:
            if link.listener is not None:
                link.listener.on_gone(instance_id)
        threading.Thread(target=self._revive, name="cellucid-restart", daemon=True).start()

    # On the events thread.

    def _run_events(self) -> None:
        while (call := self._calls.get()) is not None:
            link = self._links.get(str(call.params.get("viewerId")))
            if link is None:
                continue
            try:
                link.take(call.method, call.params, call.body)
            except Exception:
                logger.exception("A %s message could not be applied", call.method)

    # On the restart thread.

    def _revive(self) -> None:
        try:
            self._count_restart()
            process, ready = self._restart()
            with self._lock:
                stopped = self._stopped
                if not stopped:
                    self._adopt(process, ready)
                links = self.links()
            if stopped:
                process.stop()
                return
            for link in links:
                self._reopen(link)
        except CellucidError as error:
            self._give_up(str(error))

    def _count_restart(self) -> None:
        now = time.monotonic()
        if len(self._restarts) == _MAX_RESTARTS and now - self._restarts[0] < _RESTART_WINDOW_S:
            raise ServerError(
                f"The viewer server crashed {_MAX_RESTARTS} times within a minute and is not started again. Its last "
                "words:"
                f"\n{self._process.log_tail()}\nRun the cell again to start a new one."
            )
        self._restarts.append(now)
        self._last_words = list(self._process.log)[-_LAST_WORDS:]

    def _restart(self) -> tuple[ServerProcess, Ready]:
        try:
            return self._start(self.port, is_fixed=True)
        except PortError:
            return self._start(
                self.port, is_fixed=False
            )  # somebody took it meanwhile: the widgets are told the new one

    def _reopen(self, link: ViewerLink) -> None:
        opened = self._process.pipe.request("viewer.open", link.open_params())
        opened.add_done_callback(partial(self._opened_late, link))
        for notification in link.replay():
            self.send(notification)
        if link.listener is not None:
            link.listener.on_server()

    def _give_up(self, reason: str) -> None:
        links = self.links()
        self.stop()
        for link in links:
            if link.listener is not None:
                link.listener.on_lost(reason)

    def _opened_late(self, link: ViewerLink, future: Future[Answer]) -> None:
        # On the reader thread, which never waits: telling the user may.
        timetable.soon(partial(self._report_late, link, future))

    def _report_late(self, link: ViewerLink, future: Future[Answer]) -> None:
        error = future.exception()
        # Of a process that is gone nothing need be said: the restart opens the viewer again.
        if error is None or isinstance(error, ServerGoneError) or link.listener is None:
            return
        link.listener.on_lost(str(error))


_lock = threading.Lock()
_current: Server | None = None


def current() -> Server | None:
    """The server of this process, if one runs."""
    return None if _current is None or _current.is_stopped else _current


def ensure(port: int | None) -> Server:
    """The server of this process, started if there is none.

    Raises ``ValueError`` when one runs on another port than the one asked for, ``PortError`` when that port is taken,
    ``ServerError`` when no server can be started. An interrupt meanwhile leaves a whole server, or none.
    """
    return run_aside(partial(_ensure, port))


def _ensure(port: int | None) -> Server:
    global _current  # noqa: PLW0603 - one server per process is the design
    with _lock:
        running = current()
        if running is None:
            _current = running = Server(port)
        elif port not in {None, running.port}:
            raise ArgumentError(
                f"port={port} was asked for, but this kernel's viewer server already runs on port {running.port} and "
                "serves "
                "all its viewers. Leave port out, or call cellucid_notebook.cleanup_all() first."
            )
        return running


def shut_down() -> None:
    """End the server of this process, if one runs."""
    run_aside(_shut_down)


def _shut_down() -> None:
    global _current
    with _lock:
        running, _current = _current, None
    if running is not None:
        running.stop()


def _forget_after_fork() -> None:
    global _current, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _current = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
atexit.register(_shut_down)
