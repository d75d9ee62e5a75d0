"""The extension of the notebook server: who gets in, what passes, and what never does."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from cellucid_notebook._server.door import new_door_folder
from jupyter_door import BASE, DOOR, TOKEN, JupyterServer, StandIn, jupyter_server

if sys.platform == "win32":
    pytest.skip("no socket files that a user alone may open", allow_module_level=True)

NOBODY = 65_534


@pytest.fixture(scope="module")
def jupyter() -> Iterator[JupyterServer]:
    with jupyter_server() as running:
        yield running


@pytest.fixture
def folder(jupyter: JupyterServer) -> Iterator[Path]:
    place = jupyter.folder / f"cellucid-{DOOR}"
    yield place
    if place.is_symlink():
        place.unlink()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture
def viewer(folder: Path) -> Iterator[StandIn]:
    with StandIn(folder) as running:
        yield running
        running.shutdown()


def told(answer: tuple[int, dict[str, str], bytes]) -> dict[str, Any]:
    """What the stand-in was asked, as it says."""
    status, _, body = answer
    assert status in {200, 206}, (status, body)
    return json.loads(body)


def test_the_extension_loads_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "anndata", "anywidget", "ipywidgets", "cellucid_notebook", "jupyter_server"]
    code = f"import sys, cellucid_notebook_door; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.usefixtures("viewer")
def test_a_request_passes_without_the_users_credentials(jupyter: JupyterServer) -> None:
    headers = {
        "Cookie": "username-alice=secret; _xsrf=secret",
        "X-XSRFToken": "secret",
        "X-Forwarded-Access-Token": "secret",
        "Referer": "http://127.0.0.1/?token=secret",
        "X-Cellucid-Key": "kept",
        "Range": "bytes=0-9",
        "If-None-Match": '"7"',
        "Sec-Fetch-Site": "same-origin",
        "Accept-Encoding": "gzip",
    }
    path = f"_cellucid/x?key=%2Fa%20b&token=2&viewerToken=1&token={TOKEN}"
    answer = jupyter.ask(path, headers=headers)
    assert answer[0] == 206
    said = told(answer)
    assert (said["method"], said["path"]) == ("GET", "/_cellucid/x?key=%2Fa%20b&viewerToken=1")
    assert {name.lower(): value for name, value in said["headers"]} == {
        "host": f"127.0.0.1:{jupyter.port}",
        "connection": "close",
        "x-cellucid-key": "kept",
        "range": "bytes=0-9",
        "if-none-match": '"7"',
        "sec-fetch-site": "same-origin",
        "accept-encoding": "gzip",
    }


@pytest.mark.usefixtures("viewer")
def test_an_answer_has_the_viewers_headers_and_none_of_jupyters(jupyter: JupyterServer) -> None:
    _, headers, _ = jupyter.ask("")
    cookies = headers.pop("set-cookie")
    assert cookies.startswith("username-"), "Jupyter's own, for whoever logs in by a token"
    assert "taken" not in cookies
    del headers["content-length"], headers["date"], headers["server"]  # The stand-in's own.
    assert headers == {"content-security-policy": "default-src 'self'", "x-of-ours": "1"}
    status, headers, body = jupyter.ask("", "HEAD")
    assert (status, "etag" in headers, body) == (200, False, b"")
    assert int(headers["content-length"]) > 0
    status, headers, body = jupyter.ask("unchanged")
    assert (status, headers["etag"], body) == (304, '"7"', b"")


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_passes_as_it_comes(jupyter: JupyterServer, method: str) -> None:
    assert told(jupyter.ask("x", method, body=b"12345"))["body"] == "5"
    assert told(jupyter.ask("x", method, body=bytes(20 << 20)))["body"] == str(20 << 20)


def test_512_mib_pass_no_faster_than_they_are_taken(jupyter: JupyterServer, viewer: StandIn) -> None:
    size = 512 << 20
    process = psutil.Process(jupyter.process.pid)
    before, most = process.memory_info().rss, 0
    with closing(jupyter.connect()) as connection:
        connection.request("GET", f"{BASE}cellucid/{DOOR}/bytes/{size}", headers={"Authorization": f"token {TOKEN}"})
        assert viewer.taken.get(timeout=60) < 64 << 20, "while nobody reads"
        answer = connection.getresponse()
        came = 0
        while piece := answer.read(1 << 20):
            came += len(piece)
            if came % (64 << 20) == 0:
                most = max(most, process.memory_info().rss)
    assert came == size
    assert most - before < 64 << 20


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize("path", ["half", "half-in-pieces"])
def test_half_an_answer_does_not_pass_for_a_whole_one(jupyter: JupyterServer, path: str) -> None:
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        jupyter.ask(path)


def test_who_waits_no_longer_is_not_answered_for(jupyter: JupyterServer, viewer: StandIn) -> None:
    connection = jupyter.connect()
    connection.request("GET", f"{BASE}cellucid/{DOOR}/wait", headers={"Authorization": f"token {TOKEN}"})
    while "/wait" not in viewer.asked:
        jupyter.ask("x")
    connection.close()
    while "let go" not in viewer.asked:
        jupyter.ask("x")


def upgrade(jupyter: JupyterServer, *headers: str) -> socket.socket:
    """Ask for a WebSocket; what was answered is still to be read."""
    connection = socket.create_connection(("127.0.0.1", jupyter.port), timeout=60)
    lines = [
        f"GET {BASE}cellucid/{DOOR}/channel?by=7 HTTP/1.1",
        f"Host: 127.0.0.1:{jupyter.port}",
        "Connection: keep-alive, Upgrade",
        "Upgrade: websocket",
        *headers,
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def test_a_websocket_passes_byte_for_byte_with_the_code_that_ends_it(jupyter: JupyterServer, viewer: StandIn) -> None:
    with closing(upgrade(jupyter, f"Authorization: token {TOKEN}")) as connection, connection.makefile("rb") as heard:
        assert heard.readline() == b"HTTP/1.1 101 Switching Protocols\r\n"
        while heard.readline() != b"\r\n":
            pass
        message = os.urandom(20 << 20) + b"end"
        threading.Thread(target=connection.sendall, args=(message,), daemon=True).start()
        assert heard.read(len(message)) == message
        assert heard.read() == b"\x88\x02\x11\x31"  # Close, 4401.
    assert viewer.asked == ["/channel?by=7"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], b"403"),
        (["Origin: https://evil.example"], b"403"),
        (["Cookie: username-127-0-0-1=forged"], b"403"),
    ],
)
def test_a_websocket_of_a_stranger_is_refused(
    jupyter: JupyterServer, viewer: StandIn, headers: list[str], status: bytes
) -> None:
    with closing(upgrade(jupyter, *headers)) as connection, connection.makefile("rb") as heard:
        assert heard.readline().split()[1] == status
    assert viewer.asked == []


@pytest.fixture
def login(jupyter: JupyterServer) -> str:
    """The cookie of a browser that is logged in."""
    with closing(jupyter.connect()) as connection:
        connection.request("GET", f"{BASE}login?token={TOKEN}")
        cookies = [value for name, value in connection.getresponse().getheaders() if name.lower() == "set-cookie"]
    return "; ".join(cookie.partition(";")[0] for cookie in cookies)


def test_a_foreign_page_gets_nothing_by_the_users_cookie(jupyter: JupyterServer, viewer: StandIn, login: str) -> None:
    foreign = {"Cookie": login, "Origin": "https://evil.example"}
    for method in ("GET", "POST", "PUT"):
        assert jupyter.ask("x", method, headers=foreign, token=None)[0] in {403, 404}
    with closing(upgrade(jupyter, f"Cookie: {login}", "Origin: https://evil.example")) as connection:
        assert connection.recv(12) == b"HTTP/1.1 403"
    assert viewer.asked == []
    own = {"Cookie": login, "Origin": f"http://127.0.0.1:{jupyter.port}"}
    assert told(jupyter.ask("x", "POST", headers=own, token=None, body=b"1"))["body"] == "1"


def test_without_a_login_nothing_is_asked(jupyter: JupyterServer, viewer: StandIn) -> None:
    status, headers, _ = jupyter.ask("x", token=None)
    assert status == 302
    assert headers["location"].startswith(f"{BASE}login?next=")
    assert jupyter.ask("x", "PUT", body=b"1", token=None)[0] == 403
    assert jupyter.ask("x", token="wrong")[0] == 302
    assert viewer.asked == []


def test_only_the_methods_of_the_viewer_pass(jupyter: JupyterServer, viewer: StandIn) -> None:
    assert {jupyter.ask("x", method)[0] for method in ("DELETE", "PATCH", "OPTIONS")} <= {204, 405}
    assert "/x" not in viewer.asked


def refused(jupyter: JupyterServer, door: str = DOOR) -> bool:
    status, headers, body = jupyter.ask("x", door=door)
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"
    return (status, body) == (404, b"")


def test_another_kernels_id_leads_nowhere(jupyter: JupyterServer, viewer: StandIn) -> None:
    assert refused(jupyter, "cd" * 16)
    assert viewer.asked == []


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_a_folder_or_socket_of_another_user_is_refused(jupyter: JupyterServer, viewer: StandIn, folder: Path) -> None:
    os.chown(folder, NOBODY, -1)
    assert refused(jupyter)
    os.chown(folder, 0, -1)
    os.chown(folder / "s", NOBODY, -1)
    assert refused(jupyter)
    assert viewer.asked == []


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_what_others_may_enter_is_refused(jupyter: JupyterServer, viewer: StandIn, folder: Path, mode: int) -> None:
    folder.chmod(mode)
    assert refused(jupyter)
    folder.chmod(0o700)
    (folder / "s").chmod(mode)
    assert refused(jupyter)
    assert viewer.asked == []


def test_links_are_refused(jupyter: JupyterServer, viewer: StandIn, folder: Path, tmp_path: Path) -> None:
    (folder / "s").rename(folder / "real")
    (folder / "s").symlink_to(folder / "real")
    assert refused(jupyter)
    (folder / "s").unlink()
    (folder / "real").rename(folder / "s")
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    assert refused(jupyter)
    assert viewer.asked == []


def test_what_is_no_socket_is_refused_at_once(jupyter: JupyterServer, folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.mkfifo(folder / "s", 0o600)
    assert refused(jupyter)
    (folder / "s").unlink()
    (folder / "s").touch(0o600)
    assert refused(jupyter)


def test_a_leftover_socket_is_refused(jupyter: JupyterServer, folder: Path) -> None:
    with StandIn(folder) as ended:
        ended.shutdown()
    assert refused(jupyter)


@pytest.mark.usefixtures("viewer")
def test_use_keeps_a_hub_from_ending_the_server(jupyter: JupyterServer) -> None:
    def last_activity() -> str:
        with closing(jupyter.connect()) as connection:
            # Its own question is noted only after the answer.
            connection.request("GET", f"{BASE}api/status", headers={"Authorization": f"token {TOKEN}"})
            return str(json.loads(connection.getresponse().read())["last_activity"])

    with closing(upgrade(jupyter, f"Authorization: token {TOKEN}")) as connection:
        connection.recv(1 << 16)
        idle = last_activity()
        connection.sendall(b"\x8a\x80\x00\x00\x00\x00")
        connection.recv(1 << 16)
        assert last_activity() == idle, "the browser's answer to a ping is no sign of its user"
        connection.sendall(b"\x82\xff a message of the page")
        connection.recv(1 << 16)
        assert last_activity() > idle


def test_switched_off_nothing_answers() -> None:
    with jupyter_server("cellucid_notebook_door") as running, StandIn(running.folder / f"cellucid-{DOOR}") as viewer:
        assert running.ask("x")[0] == 404
        assert viewer.asked == []
        viewer.shutdown()


def test_outside_a_notebook_kernel_there_is_no_socket_file() -> None:
    assert new_door_folder() is None
