"""The notebook that new users run first."""

from __future__ import annotations

import json
from typing import Any

import nbformat
import pytest
from conftest import ROOT, SERVER_FILE
from nbclient import NotebookClient

PATH = ROOT / "examples" / "quickstart.ipynb"


def test_it_is_stored_without_outputs() -> None:
    book = nbformat.read(PATH, as_version=4)
    nbformat.validate(book)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert len(code) > 5
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.timeout(180)
def test_it_runs_without_a_browser_and_leaves_no_secret_behind() -> None:
    book = nbformat.read(PATH, as_version=4)
    unbundled = (
        "from cellucid_notebook._server import process\n"
        f"process.SERVER_FILE = __import__('pathlib').Path({str(SERVER_FILE)!r})"
    )
    book.cells.insert(0, nbformat.v4.new_code_cell(unbundled))
    tokens = "viewer_url = viewer.viewer_url; viewer_url.partition('viewerToken=')[2]"
    book.cells.append(nbformat.v4.new_code_cell(tokens))
    executed: Any = NotebookClient(book, timeout=120, kernel_name="python3").execute()
    (output,) = executed.cells.pop().outputs
    token = output["data"]["text/plain"].strip("'")
    assert len(token) == 64
    saved = json.dumps(executed)
    assert token not in saved
    views = [
        output
        for cell in executed.cells
        for output in cell.get("outputs", [])
        if "vnd.jupyter.widget-view" in str(output)
    ]
    assert len(views) == 1
