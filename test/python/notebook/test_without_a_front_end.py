"""Where nobody looks: a notebook that is executed without a browser, and a plain script."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from conftest import SERVER_FILE

SET_UP = f"""import warnings; warnings.simplefilter("ignore")
from pathlib import Path
from cellucid_notebook import ViewerNotReady, show_anndata
from cellucid_notebook._server import process as _child
_child.SERVER_FILE = Path({str(SERVER_FILE)!r})
import anndata, numpy as np
adata = anndata.AnnData(np.eye(50, 8, dtype="f4"))
adata.obsm["X_umap"] = np.zeros((50, 2))
"""
USE = """viewer = show_anndata(adata)
viewer.highlight_cells([1, 2]); viewer.set_color_by("1"); viewer.reset_view()
_ = viewer.on_selection(print)
"""
WAIT = """try:
    viewer.wait_for_ready(timeout=0.5)
except ViewerNotReady as error:
    print(error)
print(viewer._link.waiting, "commands wait for a page;", "server", viewer._server.pid)"""
WAITED = (
    "The viewer was not ready within 0.5 seconds. No notebook page has opened this viewer. Is the notebook open in a "
    "browser, with this cell on screen?\n3 commands wait for a page; server "
)


def wait_until_gone(pid: int) -> None:
    """A server ends with its kernel; where that had to be killed, it notices by itself."""
    deadline = time.monotonic() + 20
    while psutil.pid_exists(pid):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


#: Each runs `book.ipynb` in a kernel and writes `done.ipynb`.
EXECUTORS = {
    "nbconvert": ["nbconvert", "--to", "notebook", "--execute", "--output", "done.ipynb", "book.ipynb"],
    "papermill": ["papermill", "book.ipynb", "done.ipynb", "--kernel", "python3", "--no-progress-bar"],
}


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_notebook_is_executed_without_a_browser_and_nothing_is_printed_for_a_command(
    executor: str, tmp_path: Path
) -> None:
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (SET_UP, USE, WAIT)])
    nbformat.write(book, tmp_path / "book.ipynb")
    command = [sys.executable, "-m", *EXECUTORS[executor]]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=110)
    executed: Any = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    shown, waited = executed.cells[1].outputs, executed.cells[2].outputs
    assert [output.output_type for output in shown] == ["display_data", "display_data"], "the widget, and its picture"
    assert "application/vnd.jupyter.widget-view+json" in shown[0].data
    assert {output.get("name") for output in waited} == {"stdout"}
    said, _, pid = "".join(output.text for output in waited).strip().rpartition(" ")
    assert f"{said} " == WAITED
    wait_until_gone(int(pid))


def test_a_script_says_how_to_open_the_viewer_and_ends_by_itself_with_its_server(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SET_UP + USE + WAIT)
    ended = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=110, check=True)
    way, _, rest = ended.stdout.partition("\n")
    assert way.startswith("Open the viewer ")
    assert "at viewer.viewer_url" in way
    assert "http" not in ended.stdout, "what goes into a log holds no secret"
    said, _, pid = rest.strip().rpartition(" ")
    assert f"{said} " == WAITED
    assert ended.stderr == ""
    wait_until_gone(int(pid))


def test_at_a_terminal_the_address_is_printed(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SET_UP + USE)
    parent, child = pty.openpty()
    with subprocess.Popen([sys.executable, script], stdout=child, stderr=child, close_fds=True) as program:
        os.close(child)
        said = b""
        with suppress(OSError):  # the terminal's other end is closed when the program ends
            while part := os.read(parent, 1 << 16):
                said += part
        assert program.wait(110) == 0
    os.close(parent)
    assert b"Open the viewer in a browser on this machine: http://127.0.0.1:" in said
    assert b"viewerToken=" in said
