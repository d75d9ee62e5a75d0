"""The hosted viewer's files, fetched from a site that takes its time, with a bar in a real kernel's cell."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from conftest import SERVER_FILE
from notebook import Notebook, notebook

FILES = {
    "/index.html": (
        "text/html",
        '<!doctype html><html><head><meta name="cellucid-web-build-id" content="b1">'
        '<script type="module" src="./assets/a.js"></script>'
        '<script type="module" src="./assets/b.js"></script></head></html>',
    ),
    "/assets/a.js": ("text/javascript", "export const a = 1"),
    "/assets/b.js": ("text/javascript", "export const b = 2"),
}
#: Longer than what needs no bar.
SLOWLY_S = 1.5


class Site(ThreadingHTTPServer):
    """Slow by itself, or as slow as the test wants it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.held: dict[str, threading.Event] = {}

    def hold(self, *paths: str) -> threading.Event:
        """Answer these when the event that is returned is set."""
        goes_on = threading.Event()
        self.held.update(dict.fromkeys(paths, goes_on))
        return goes_on


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        path = "/index.html" if self.path == "/" else self.path
        kind, text = FILES[path]
        if path in self.server.held:
            self.server.held[path].wait(60)
        else:
            time.sleep(SLOWLY_S)
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(SERVER_FILE) as opened:
        cache = tmp_path / "cache"
        opened.run(f"import os; os.environ['CELLUCID_WEB_PROXY_CACHE_DIR'] = {str(cache)!r}")
        yield opened
        opened.run("cleanup_all()")


def test_a_shown_viewer_has_a_bar_in_its_cell_while_its_files_are_fetched(kernel: Notebook, site: Site) -> None:
    first_page, files = site.hold("/index.html"), site.hold("/assets/a.js", "/assets/b.js")
    shown = kernel.start(f"viewer = show_anndata(adata, ui='hosted', web_source_url={site.url!r})")

    def line(kind: str, begins: str) -> dict[str, object]:
        return kernel.wait(
            lambda m: (
                m["msg_type"] == kind
                and m["parent_header"].get("msg_id") == shown
                and m["content"]["data"].get("text/plain", "-").startswith(begins)
            )
        )

    line("display_data", f"Fetching the viewer from {site.url}: asking for its first page")
    first_page.set()
    assert "/3 files" in str(line("update_display_data", f"Fetching the viewer from {site.url} ["))
    files.set()
    kernel.wait(lambda m: m["msg_type"] == "update_display_data" and m["content"]["data"].get("text/plain") == "")


@pytest.mark.long
def test_a_terminal_has_one_bar_on_one_line_whoever_waits(site: Site, tmp_path: Path) -> None:
    program = f"""
import anndata, numpy as np
from cellucid_notebook import show_anndata
adata = anndata.AnnData(np.eye(50, 8, dtype="f4"), obsm={{"X_umap": np.random.default_rng(0).normal(size=(50, 2))}})
viewer = show_anndata(adata, ui="hosted", web_source_url={site.url!r})
print(viewer.ensure_web_ui_cached().build)
viewer.stop()
"""
    here, there = pty.openpty()
    environment = {**os.environ, "CELLUCID_WEB_PROXY_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, stdin=there, stdout=there, stderr=there, env=environment)
    os.close(there)
    said = b"".join(iter(lambda: read_terminal(here), b"")).decode()
    os.close(here)
    assert process.wait() == 0
    drawn = [text.strip() for text in said.split("\n") if "Fetching" in text]
    assert len(drawn) == 1, said
    states = [text.strip() for text in drawn[0].split("\r") if text.strip()]
    assert states[0] == f"Fetching the viewer from {site.url}: asking for its first page"
    assert states[-1].endswith("3/3 files, 0.0 MB")
    assert len(set(states)) == len(states), "a state is drawn once"


def read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # its other end was closed
        return b""


@pytest.mark.long
def test_an_interrupt_stops_fetching_and_the_next_attempt_goes_on_from_there(kernel: Notebook, site: Site) -> None:
    kernel.run(f"viewer = show_anndata(adata, ui='hosted', web_source_url={site.url!r})")
    waiting = kernel.start("viewer.ensure_web_ui_cached()")
    kernel.wait(
        lambda m: (
            m["msg_type"] in ("display_data", "update_display_data")
            and m["parent_header"].get("msg_id") == waiting
            and "/3 files" in m["content"]["data"].get("text/plain", "")
        )
    )
    kernel.manager.interrupt_kernel()
    failed = kernel.wait(lambda m: m["msg_type"] == "error" and m["parent_header"].get("msg_id") == waiting)
    assert failed["content"]["ename"] == "KeyboardInterrupt"
    state = "viewer.debug_connection()['hosted_ui']"
    assert kernel.evaluate(f"({state}['status'], {state}['fetching'])") == "('unavailable', None)"
    kernel.run("viewer.ensure_web_ui_cached()")
    assert kernel.evaluate(f"{state}['status']") == "ready"


def test_files_are_fetched_ahead_listed_and_removed(kernel: Notebook, site: Site, tmp_path: Path) -> None:
    kernel.run(f"viewer = show_anndata(adata, ui='hosted', web_source_url={site.url!r})")
    ahead = kernel.run("print(viewer.ensure_web_ui_cached())")
    assert "build='b1', files=3" in kernel.text(ahead)
    kernel.run("from cellucid_notebook import clear_web_cache, get_web_cache_dir")
    assert kernel.evaluate("get_web_cache_dir()") == str(tmp_path / "cache")
    kernel.run("clear_web_cache()")
    assert kernel.evaluate("[path.name for path in get_web_cache_dir().glob('gen-*')]") == "[]"
