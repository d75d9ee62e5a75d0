"""What is passed to `show_anndata` and is no AnnData: said in the words of the server, with the line to type."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cellucid_notebook import show_anndata
from cellucid_notebook.errors import CellucidError

SCRIPT = Path(__file__).resolve().parents[2] / "server" / "sources" / "make_foreign.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files and folders of every foreign kind, and the table of what is said of them."""
    made = tmp_path_factory.mktemp("foreign")
    subprocess.run([sys.executable, str(SCRIPT), str(made)], check=True, timeout=300)
    return made


def said(path: Path) -> str | None:
    """What is raised when it is shown; ``None`` when it is."""
    try:
        show_anndata(path).stop()
    except CellucidError as error:
        return str(error)
    return None


def test_the_kernel_says_what_the_server_says_of_whatever_is_passed(folder: Path) -> None:
    table = json.loads((folder / "table.json").read_text())
    wrong = []
    for name, words in table.items():
        path = (folder / name).resolve()
        message = said(path)
        missing = [word for word in words or [] if word.replace("PATH", str(path)) not in (message or "")]
        if missing or (words is None) != (message is None):
            wrong.append(f"{name}: {message} lacks {missing}")
    assert wrong == []
