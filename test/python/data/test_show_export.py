"""`show` puts a folder that cellucid exported into a cell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cellucid_notebook import show

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    library = Path(sys.prefix) / "exporters" / "cellucid-0.0.9"
    script = ROOT / "test/server/sources/make_export.py"
    environment = {**os.environ, "PYTHONPATH": str(library)}
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True, env=environment)
    return folder / "gzip"


def test_an_exported_folder_is_shown_in_the_colour_asked_for(exported: Path, open_page: Any) -> None:
    page = open_page(show(exported, color="CD3D"))
    identity = page.json("_cellucid/identity")
    assert (identity["kind"], identity["nObs"]) == ("export", 70)
    assert identity["defaultColor"] == {"axis": "var", "key": "CD3D", "matrix": {"in": "X"}}


def test_show_refuses_what_is_no_path_and_says_what_shows_it() -> None:
    with pytest.raises(TypeError, match="show_anndata"):
        show(object())  # type: ignore[arg-type]
