"""The viewer server's process: start it, read its log, end it. Who supervises it is `supervisor.py`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import cast

from .._wire.pipe import Call, Pipe
from .._wire.protocol import PROTOCOL_VERSION, JsonObject
from ..errors import ServerError, from_code
from .node import node_command, node_environment

#: The bundled server; the build writes it.
SERVER_FILE = Path(__file__).parents[1] / "_static" / "server.mjs"

_START_TIMEOUT_S = 20.0
_STOP_TIMEOUT_S = 2.0
_LOG_TIMEOUT_S = 1.0
_LOG_LINES = 200
_LOG_LINE_CHARACTERS = 1024
#: Large frames cross in fewer turns; the system's default is 64 KiB.
_PIPE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started server says of itself."""

    port: int
    instance_id: str
    version: str
    #: Whether it listens on the socket file in ``door_folder``, too.
    has_door: bool


#: Those whose descriptors this process holds. Changed under the lock, which a fork waits for: a child never gets a
#: descriptor that it does not know of.
_running: set[ServerProcess] = set()
_starting = threading.Lock()


class ServerProcess:
    """One server process and the pipe to it.

    ``port``: the one to try first, ``None`` for the default; ``is_fixed``: another will not do. ``door_folder``: where
    to make a socket file. ``receive`` runs on the reader thread.
    """

    def __init__(
        self, port: int | None, *, is_fixed: bool, door_folder: Path | None = None, receive: Callable[[Call], None]
    ) -> None:
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self._ready: Future[Ready] = Future()
        self._receive = receive
        self._end: Future[None] = Future()
        command = _command(port, is_fixed=is_fixed, door_folder=door_folder)
        with _starting:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=node_environment(),
                # Ctrl-C in the kernel's terminal, or Jupyter's interrupt, is not meant for the server.
                start_new_session=sys.platform != "win32",
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
            # bufsize=0 makes them raw files; Popen's type cannot say so.
            self._stdin, self._stdout, self._stderr = (
                cast(FileIO, stream) for stream in (self._process.stdin, self._process.stdout, self._process.stderr)
            )
            _running.add(self)
        _widen(self._stdin)
        self._log_reader = threading.Thread(target=self._drain_log, name="cellucid-log", daemon=True)
        self.pipe = Pipe(self._stdin, self._stdout, self._take, self._ended)
        self._log_reader.start()
        self.pipe.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def wait_ready(self) -> Ready:
        """Wait until the server listens. Raises ``ServerError`` (``PortError`` …); the process is gone then."""
        try:
            return self._ready.result(timeout=_START_TIMEOUT_S)
        except FutureTimeoutError:
            self.stop()
            raise ServerError(
                f"The viewer server did not start within {_START_TIMEOUT_S:.0f} seconds. Run the cell again; if it "
                "stays "
                f"so, report this:\n{self.log_tail()}"
            ) from None
        except ServerError:
            self.stop()
            raise

    def when_ended(self, tell: Callable[[ServerProcess], None]) -> None:
        """Call ``tell``, once, when the process has ended; at once where it has already."""
        self._end.add_done_callback(lambda _: tell(self))

    def stop(self) -> None:
        """End the process: first the end of its stdin, past two seconds by force. Idempotent."""
        self.pipe.close()
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """In a forked child: close its copies of the descriptors. The process is the parent's."""
        for stream in (self._stdin, self._stdout, self._stderr):
            stream.close()
        # Or this process would one day wait for a process that is not its child.
        self._process.returncode = 0

    def log_tail(self, lines: int = 10) -> str:
        """The last lines the server logged."""
        return "\n".join(list(self.log)[-lines:])

    def _take(self, call: Call) -> None:
        if call.method == "server.ready":
            self._welcome(call.params)
        elif call.method == "server.failed":
            self._ready.set_exception(_start_error(call.params))
        else:
            self._receive(call)

    def _welcome(self, params: JsonObject) -> None:
        if params["protocol"] != PROTOCOL_VERSION:
            self._ready.set_exception(
                ServerError(
                    f"The viewer server speaks protocol {params['protocol']}, this package {PROTOCOL_VERSION}: they "
                    "are of "
                    "different versions. Install cellucid-notebook again and restart the kernel."
                )
            )
            return
        self._ready.set_result(Ready(params["port"], params["instanceId"], params["version"], params["hasDoor"]))

    def _ended(self) -> None:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_TIMEOUT_S)
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        # Its last words may still be on their way.
        self._log_reader.join(_LOG_TIMEOUT_S)
        with _starting:
            _running.discard(self)
        if not self._ready.done():
            self._ready.set_exception(
                ServerError(
                    f"The viewer server ended while it started (status {self._process.returncode}). Its last words:\n"
                    f"{self.log_tail() or 'none'}"
                )
            )
        self._end.set_result(None)

    def _drain_log(self) -> None:
        rest = b""
        with suppress(OSError, ValueError):
            while chunk := self._stderr.read(1 << 16):
                *lines, rest = (rest + chunk).split(b"\n")
                self.log.extend(line.decode(errors="replace")[:_LOG_LINE_CHARACTERS] for line in lines)
                rest = rest[:_LOG_LINE_CHARACTERS]
        if rest:
            self.log.append(rest.decode(errors="replace"))
        self._stderr.close()


def _forget_all() -> None:
    # The thread that forked is the only one here, and it holds the lock.
    for process in _running:
        process.forget()
    _running.clear()
    _starting.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_starting.acquire, after_in_parent=_starting.release, after_in_child=_forget_all)


def _command(port: int | None, *, is_fixed: bool, door_folder: Path | None) -> list[str]:
    if not SERVER_FILE.exists():
        raise ServerError(
            f"The viewer server's program is missing: {SERVER_FILE.name} is not in the installed package. Install "
            "cellucid-notebook again, or run `npm run build` in a checkout."
        )
    command = node_command(SERVER_FILE, "--parent", str(os.getpid()))
    if port is not None:
        command += ["--port", str(port)]
    if door_folder is not None:
        command += ["--door", str(door_folder)]
    return [*command, "--fixed"] if is_fixed else command


def _start_error(params: JsonObject) -> Exception:
    return from_code(str(params.get("code")), str(params.get("message")))


def _widen(pipe: FileIO) -> None:
    if sys.platform != "linux":
        return
    import fcntl

    with suppress(OSError):  # over the user's limit of pipe memory: the default works too
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
