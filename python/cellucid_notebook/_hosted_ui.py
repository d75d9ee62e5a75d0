"""The hosted viewer's files on the kernel's machine: which site, fetched with a progress bar, listed, removed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._arguments import text_or_none
from ._notebook.display import Cell, current_cell, output_to
from ._server import supervisor
from ._server.node import node_command, node_environment
from ._server.process import SERVER_FILE
from .errors import ArgumentError, CellucidError, DataError, WebUIError

if TYPE_CHECKING:
    from ._wire.protocol import JsonObject

#: Which viewer is shown where no ``ui=`` says so: ``embedded`` or ``hosted``.
UI_VARIABLE = "CELLUCID_UI"
DEFAULT_SOURCE = "https://www.cellucid.com"
_UIS = ("embedded", "hosted")

_POLL_S = 0.25
#: What is there within this time needs no bar.
_QUIET_S = 0.5
_BAR_WIDTH = 30
#: Characters of a line of output in a notebook.
_CELL_WIDTH = 120
_COMMAND_TIMEOUT_S = 60


@dataclass(frozen=True)
class WebUISummary:
    """What lies in the cache after `ensure_web_ui_cached`: whose build, how large, and where."""

    source: str
    #: The site's own name for the build, or ``None`` where it gives none.
    build: str | None
    files: int
    #: Bytes of all its files.
    size: int
    cache_dir: Path


def choose_source(
    ui: str | None, web_source_url: str | None, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The site of the hosted viewer, or ``None`` where the embedded one is shown.

    Raises ``ValueError`` for a ``ui`` that is none, and for a site without the viewer that would come from it.
    """
    chosen = ui if ui is not None else environment.get(UI_VARIABLE) or "embedded"
    web_source_url = text_or_none("web_source_url", web_source_url, "the http(s) URL of a site")
    if chosen not in _UIS:
        where = "ui" if ui is not None else UI_VARIABLE
        raise ArgumentError(f"{where}={chosen!r} is no viewer; there are {' and '.join(map(repr, _UIS))}.")
    if chosen == "embedded":
        if web_source_url is not None:
            raise ArgumentError("web_source_url names where the hosted viewer comes from. Pass ui='hosted' with it.")
        return None
    return web_source_url or DEFAULT_SOURCE


def ensure_cached(
    server: supervisor.Server, source: str, *, force: bool = False, cell: Cell | None = None, is_beside: bool = False
) -> WebUISummary:
    """Have the whole build on disk; blocks until it is, with a bar in ``cell`` or the terminal where that takes long.

    An interrupt stops fetching; what came is kept for the next time. ``is_beside``: nobody waits for it. Raises
    ``WebUIError`` with the reason.
    """
    answered = server.request("hosted.ensure", {"source": source, "force": force})
    bar = ProgressBar(cell, is_beside=is_beside)
    started = time.monotonic()
    try:
        while True:
            with suppress(FutureTimeoutError):
                return _summary(answered.result(_POLL_S).result)
            if time.monotonic() - started > _QUIET_S:
                bar.show(_state(server, source))
    except DataError as error:
        raise WebUIError(str(error)) from None
    except BaseException:
        server.request("hosted.cancel", {"source": source})
        raise
    finally:
        bar.close()


def fetch_beside(server: supervisor.Server, source: str) -> None:
    """Begin to fetch what a viewer that is being shown will ask for, with a bar in its cell.

    Where it cannot be fetched, the viewer's own frame says why.
    """
    cell = current_cell()

    def fetch() -> None:
        with suppress(CellucidError, OSError):
            ensure_cached(server, source, cell=cell, is_beside=True)

    threading.Thread(target=fetch, name="cellucid-web-ui", daemon=True).start()


def get_web_cache_dir() -> Path:
    """The folder of the hosted viewer's files: ``CELLUCID_WEB_PROXY_CACHE_DIR``, else one in your cache folder.

    It need not exist. Raises ``WebUIError`` when it cannot be used, with the reason.
    """
    return Path(_cache_command("list")["place"])


def clear_web_cache() -> Path:
    """Remove the hosted viewer's files from this machine; the next use fetches them again. Returns the folder.

    Nothing else that lies in the folder is touched. Raises ``WebUIError`` when the folder cannot be used.
    """
    answer = _cache_command("clear")
    running = supervisor.current()
    if running is not None:
        running.request("hosted.forget", {})
    return Path(answer["place"])


def _cache_command(action: str) -> JsonObject:
    try:
        process = subprocess.run(
            node_command(SERVER_FILE, "web-cache", action),
            capture_output=True,
            text=True,
            timeout=_COMMAND_TIMEOUT_S,
            check=False,
            env=node_environment(),
        )
        answer: JsonObject = json.loads(process.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise WebUIError(f"The cache of the hosted viewer was not asked: {error}") from error
    if "error" in answer:
        raise WebUIError(answer["error"])
    return answer


def _state(server: supervisor.Server, source: str) -> JsonObject:
    return server.request("hosted.state", {"source": source}).result(_COMMAND_TIMEOUT_S).result


def _summary(state: JsonObject) -> WebUISummary:
    return WebUISummary(state["source"], state["build"], state["files"], state["bytes"], Path(state["place"]))


class _TerminalLine:
    """The one line of a terminal that bars may draw on: one at a time, before all others the one that is waited for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner: ProgressBar | None = None
        self._is_drawn = False

    def take(self, bar: ProgressBar, *, is_beside: bool) -> None:
        with self._lock:
            if self._owner is None or not is_beside:
                self._owner = bar

    def draw(self, bar: ProgressBar, text: str) -> None:
        with self._lock:
            if self._owner is bar:
                self._is_drawn = True
                sys.stderr.write(text)
                sys.stderr.flush()

    def leave(self, bar: ProgressBar) -> None:
        with self._lock:
            if self._owner is not bar:
                return
            self._owner = None
            if self._is_drawn:
                sys.stderr.write("\n")
            self._is_drawn = False


_TERMINAL = _TerminalLine()


class ProgressBar:
    """How far something is: one line that changes, in the cell or in the terminal; nothing where there is neither."""

    def __init__(self, cell: Cell | None, *, is_beside: bool = False) -> None:
        self._cell = cell
        self._terminal = _TERMINAL if cell is None and sys.stderr.isatty() else None
        if self._terminal is not None:
            self._terminal.take(self, is_beside=is_beside)
        self._handle: Any = None
        self._line = ""

    def show(self, state: JsonObject) -> None:
        """Draw a state of the server's."""
        self.draw(partial(progress_line, state))

    def draw(self, line_of: Callable[[int], str]) -> None:
        """Draw the line that ``line_of`` makes for a width in characters."""
        width = _CELL_WIDTH if self._cell is not None else shutil.get_terminal_size().columns - 1
        line = line_of(width)
        if line == self._line:
            return
        self._line = line
        if self._cell is not None:
            self._show_in_cell(line)
        elif self._terminal is not None:
            self._terminal.draw(self, f"\r{line[:width]:<{width}}")

    def close(self) -> None:
        """Take the line away; a terminal keeps the last one."""
        if self._handle is not None:
            with output_to(self._cell):
                self._handle.update({"text/plain": ""}, raw=True)
        elif self._terminal is not None:
            self._terminal.leave(self)

    def _show_in_cell(self, line: str) -> None:
        with output_to(self._cell):
            if self._handle is None:
                self._handle = _display_line(line)
            else:
                self._handle.update({"text/plain": line}, raw=True)


def _display_line(line: str) -> Any:
    from IPython.display import display

    show: Callable[..., Any] = display
    return show({"text/plain": line}, raw=True, display_id=True)


def progress_line(state: JsonObject, width: int) -> str:
    """One line of text, for example ``Fetching the viewer from … [######    ] 12/20 files, 3.1 MB``.

    ``width`` is in characters; where it is short the bar is.
    """
    progress = state["progress"] or {"done": 0, "total": 0, "bytes": 0}
    done, total = progress["done"], progress["total"]
    begins = f"Fetching the viewer from {state['source']}"
    if total <= 1:
        return f"{begins}: asking for its first page"
    ends = f"{done}/{total} files, {progress['bytes'] / 1e6:.1f} MB"
    length = max(0, min(_BAR_WIDTH, width - len(f"{begins} [] {ends}")))
    filled = min(length, length * done // total)
    return f"{begins} [{'#' * filled}{' ' * (length - filled)}] {ends}"
