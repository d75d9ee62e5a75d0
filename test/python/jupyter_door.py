"""A real Jupyter server with our extension on, and viewer servers that stand in for ours behind its socket files."""

from __future__ import annotations

import http.client
import json
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from queue import Queue
from tempfile import TemporaryDirectory
from typing import Any

TOKEN = "0" * 48
BASE = "/user/alice/"
DOOR = "ab" * 16
START_TIMEOUT_S = 60

#: All other extensions of the test's environment, which only take time.
_OTHERS = (
    "jupyterlab",
    "jupyter_lsp",
    "jupyter_server_proxy",
    "jupyter_server_terminals",
    "nbclassic",
    "notebook",
    "notebook_shim",
    "voila.server_extension",
)


class JupyterServer:
    """One running server. ``folder`` is where kernels have their connection files."""

    def __init__(self, port: int, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port, self.folder, self.process, self.log = port, folder, process, log

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        headers: dict[str, str] | None = None,
        body: Any = None,
        token: str | None = TOKEN,
        door: str = DOOR,
    ) -> tuple[int, dict[str, str], bytes]:
        login = {} if token is None else {"Authorization": f"token {token}"}
        with closing(self.connect()) as connection:
            connection.request(method, f"{BASE}cellucid/{door}/{path}", body, {**login, **(headers or {})})
            answer = connection.getresponse()
            said = {name.lower(): answer.headers.get_all(name, []) for name in answer.headers}
            return answer.status, {name: "\n".join(values) for name, values in said.items()}, answer.read()


@contextmanager
def jupyter_server(*switched_off: str) -> Iterator[JupyterServer]:
    # Not in pytest's folder, whose name is too long for a socket.
    with TemporaryDirectory(prefix="door-") as name:
        yield from _run(Path(name), switched_off)


def _run(folder: Path, switched_off: tuple[str, ...]) -> Iterator[JupyterServer]:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(runtime),
        "JUPYTER_TOKEN": TOKEN,
    }
    off = ", ".join(f"'{name}': False" for name in (*_OTHERS, *switched_off))
    command = [
        *(sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.base_url={BASE}"),
        *(f"--ServerApp.root_dir={folder}", f"--ServerApp.jpserver_extensions={{{off}}}"),
    ]
    log = folder / "jupyter.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            server = JupyterServer(port, runtime, process, log)
            _wait_for(server)
            yield server
        finally:
            process.kill()


def _wait_for(server: JupyterServer) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with closing(server.connect()) as connection:
                connection.request("GET", f"{BASE}api", headers={"Authorization": f"token {TOKEN}"})
                if connection.getresponse().status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"The Jupyter server did not start:\n{server.log.read_text()}")


class StandIn(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Says what it was asked; see `_Answers`."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.asked: list[str] = []
        #: How many bytes were taken when nobody took more for a second.
        self.taken: Queue[int] = Queue()
        file = folder / "s"
        super().__init__(str(file), _Answers)
        file.chmod(0o600)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """Whoever asked may go at any time."""

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, _ = super().get_request()
        return connection, ("socket file", 0)


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StandIn

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.headers.get("Upgrade") == "websocket":
            self._echo()
        elif self.path.startswith("/bytes/"):
            self._many(int(self.path.rpartition("/")[2]))
        elif self.path == "/half":
            self._say(200, {"Content-Length": "1000"})
            self.wfile.write(b"half of it")
            self.close_connection = True
        elif self.path == "/half-in-pieces":
            self._say(200, {"Transfer-Encoding": "chunked"})
            self.wfile.write(b"a\r\nhalf of it\r\n")
            self.close_connection = True
        elif self.path == "/unchanged":
            self._say(304, {"ETag": '"7"'})
        elif self.path == "/wait":
            self.rfile.read(1)  # Until nobody waits any more.
            self.server.asked.append("let go")
            self.close_connection = True
        else:
            self._tell(b"")

    do_HEAD = do_GET

    def do_PUT(self) -> None:
        self.server.asked.append(self.path)
        size = 0
        while size < int(self.headers["Content-Length"]):
            size += len(self.rfile.read1(1 << 20))
        self._tell(str(size).encode())

    do_POST = do_PUT

    def _tell(self, body: bytes) -> None:
        said = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode()}
        answer = json.dumps(said).encode()
        self._say(
            206 if "Range" in self.headers else 200,
            {
                "Content-Length": str(len(answer)),
                "Content-Security-Policy": "default-src 'self'",
                "Set-Cookie": "taken=over",
                "X-Of-Ours": "1",
            },
        )
        if self.command != "HEAD":
            self.wfile.write(answer)

    def _many(self, size: int) -> None:
        self._say(200, {"Content-Length": str(size)})
        piece, sent = bytes(1 << 20), 0
        self.connection.settimeout(1)
        while sent < size:
            try:
                sent += self.connection.send(piece[: size - sent])
            except TimeoutError:
                self.server.taken.put(sent)
                self.connection.settimeout(None)
        self.server.taken.put(sent)

    def _echo(self) -> None:
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        self.wfile.flush()
        while piece := self.rfile.read1(1 << 16):
            self.wfile.write(piece)
            self.wfile.flush()
            if piece.endswith(b"end"):
                self.wfile.write(b"\x88\x02\x11\x31")
                break
        self.close_connection = True

    def _say(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
