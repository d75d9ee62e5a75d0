"""The console script: the bundled command line on the Node that comes with the package."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MAIN = [sys.executable, "-c", "from cellucid_notebook._cli import main; main()"]


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the console script to its end."""
    return subprocess.run(
        [*MAIN, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False
    )


def test_doctor_adds_what_only_python_knows() -> None:
    """The versions are those of `debug_connection()`."""
    ended = run("doctor")
    assert ended.returncode == 0, ended.stderr
    assert re.search(rf"^ok +python +{re.escape(sys.version.split()[0])}$", ended.stdout, re.MULTILINE)
    assert re.search(r"^ok +anywidget +\d", ended.stdout, re.MULTILINE)
    assert "not looked at" not in ended.stdout


def test_status_and_words_are_the_programs_own() -> None:
    """Arguments arrive as they were typed."""
    ended = run("serve", "no such file; echo.h5ad")
    assert ended.returncode == 66
    assert '"no such file; echo.h5ad" cannot be opened' in ended.stderr


def test_without_a_usable_node_it_says_what_to_do() -> None:
    """No traceback."""
    ended = run("--version", CELLUCID_NODE="/no/such/node")
    assert ended.returncode == 69
    assert ended.stderr.startswith("error: CELLUCID_NODE is '/no/such/node'")
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_reach_the_server_itself(tmp_path: Path) -> None:
    """The process that the shell started is the server: what ends the one ends the other."""
    anndata = pytest.importorskip("anndata")
    numpy = pytest.importorskip("numpy")
    file = tmp_path / "cells.h5ad"
    anndata.AnnData(numpy.ones((3, 2), "f4"), obsm={"X_umap": numpy.ones((3, 2))}).write_h5ad(file)
    served = subprocess.Popen([*MAIN, "serve", str(file)], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    said = ""
    while "Ctrl+C ends it." not in said:
        line = served.stdout.readline()
        assert line, said
        said += line
    assert "cells.h5ad: 3 cells" in said
    served.send_signal(signal.SIGINT)
    rest, _ = served.communicate(timeout=30)
    assert (served.returncode, rest) == (0, "Ended.\n")
