"""An interrupt while a viewer is made leaves nothing behind, wherever it comes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

#: As a notebook's kernel: interrupts come as SIGINT, and the cell ends with KeyboardInterrupt.
_PROGRAM = """
import json, os, signal, sys, threading, time
import anndata, numpy as np, psutil
from ipywidgets.widgets import widget
import cellucid_notebook
from cellucid_notebook import show_anndata
from cellucid_notebook._server import supervisor
adata = anndata.AnnData(np.eye(5, dtype="f4"))
adata.obsm["X_umap"] = np.zeros((5, 2))
me = psutil.Process()
servers = lambda: [child.pid for child in me.children() if "server" in " ".join(child.cmdline())]
seen = []
for milliseconds in json.loads(sys.argv[1]):
    timer = threading.Timer(milliseconds / 1000, os.kill, (os.getpid(), signal.SIGINT))
    viewer = None
    try:
        timer.start()
        viewer = show_anndata(adata)
        time.sleep(1)
    except KeyboardInterrupt:
        pass
    timer.join()
    outcome = "interrupted" if viewer is None else "shown"
    if viewer is not None:
        viewer.stop()
    running = supervisor.current()
    seen.append([outcome, len(servers()), 0 if running is None else len(running.links()), len(widget._instances)])
cellucid_notebook.cleanup_all()
ours = lambda: sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("cellucid"))
for _ in range(500):
    threads = ours()
    if not threads:
        break
    time.sleep(0.01)
descriptors = [me.num_fds()]
viewer = show_anndata(adata)
works = viewer.port > 0
cellucid_notebook.cleanup_all()
descriptors.append(me.num_fds())
print("RESULT", json.dumps({"seen": seen, "servers": len(servers()), "threads": threads, "works": works,
                            "descriptors": descriptors}))
"""

#: An interrupt at each line of ours that one call runs: at every line where a server runs, at some where none does.
_EVERY_LINE = """
import json, os, sys, threading
import anndata, numpy as np, psutil
from comm import get_comm_manager
from ipywidgets.widgets import widget
import cellucid_notebook
from cellucid_notebook import show_anndata
from cellucid_notebook._server import supervisor
adata = anndata.AnnData(np.eye(5, dtype="f4"))
adata.obsm["X_umap"] = np.zeros((5, 2))
PACKAGE = os.path.dirname(cellucid_notebook.__file__)
me = psutil.Process()
def interrupted_at(line):
    count = 0
    def trace(frame, event, argument):
        nonlocal count
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            count += 1
            if count == line:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace
    viewer = None
    sys.settrace(trace)
    try:
        viewer = show_anndata(adata)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(None)
    if viewer is not None:
        viewer.stop()
    return viewer is not None
def left():
    running = supervisor.current()
    comms = getattr(get_comm_manager(), "comms", {})
    sources = 0 if running is None else len(running.sources._sources)
    return [0 if running is None else len(running.links()), len(widget._instances), len(comms), sources]
wrong, lines = [], 0
def try_at(line):
    global lines
    is_through = interrupted_at(line)
    if any(left()):
        wrong.append([line, left()])
    lines += 1
    return is_through
def try_lines(step, is_cold):
    # At the last few lines a whole viewer stands already, of which only the return is missing: not counted.
    global wrong
    found, wrong = wrong, []
    line = 1
    while not try_at(line):
        if is_cold and supervisor.current() is not None:
            wrong.append([line, "a server"])
        if is_cold:
            cellucid_notebook.cleanup_all()
        line += step
    wrong = found + [entry for entry in wrong if entry[0] < line - 40]
    for link in supervisor.current().links():
        link.listener.stop()
step, warm_step = json.loads(sys.argv[1])
try_lines(step, True)
try_lines(warm_step, False)
children = len(me.children())
cellucid_notebook.cleanup_all()
print("RESULT", json.dumps({"wrong": wrong, "lines": lines, "children": children}))
"""


def run(program: str, argument: str) -> dict[str, object]:
    ended = subprocess.run(
        [sys.executable, "-c", program, argument],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    for line in ended.stdout.splitlines():
        if line.startswith("RESULT "):
            result: dict[str, object] = json.loads(line.removeprefix("RESULT "))
            return result
    raise AssertionError(ended.stderr)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_show_interrupted_at_any_time_leaves_no_process_thread_descriptor_or_widget() -> None:
    result = run(_PROGRAM, json.dumps([1, 5, 20, 60, 120, 250, 400, 600]))
    for outcome, servers, links, widgets in result["seen"]:  # type: ignore[attr-defined]
        assert servers <= 1
        assert links == 0, outcome
        assert widgets == 0, outcome
    assert result["servers"] == 0
    assert result["works"]
    assert result["threads"] == []
    first, last = result["descriptors"]  # type: ignore[misc]
    assert last <= first


def expect_nothing_left(cold_step: int, warm_step: int) -> None:
    result = run(_EVERY_LINE, json.dumps([cold_step, warm_step]))
    assert result["wrong"] == []
    assert result["children"] == 1
    assert int(str(result["lines"])) > 200 / warm_step


def test_show_interrupted_at_any_line_leaves_no_viewer_widget_comm_or_source() -> None:
    expect_nothing_left(60, 5)


@pytest.mark.long
def test_show_interrupted_at_every_line_leaves_no_viewer_widget_comm_or_source() -> None:
    expect_nothing_left(5, 1)
