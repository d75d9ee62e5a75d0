"""`show_anndata` reads zarr stores where they are: a folder, one zip file, or behind a URL."""

from __future__ import annotations

import functools
import http.server
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zarr
from cellucid_notebook import show_anndata
from cellucid_notebook.errors import DataFileNotFoundError


@pytest.fixture
def store(pbmc: Any, tmp_path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pbmc.write_zarr(tmp_path / "pbmc.zarr")
        zarr.consolidate_metadata(tmp_path / "pbmc.zarr")
    return tmp_path / "pbmc.zarr"


@pytest.fixture
def web(store: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(store.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_folder_is_shown_and_its_cells_counted(store: Path, open_page: Any) -> None:
    identity = open_page(show_anndata(store, color="louvain")).json("_cellucid/identity")
    assert (identity["kind"], identity["name"], identity["nObs"]) == ("zarr", "pbmc.zarr", 700)


def test_a_url_is_shown_by_its_last_part(web: str, open_page: Any) -> None:
    identity = open_page(show_anndata(f"{web}/pbmc.zarr", color="CD3D")).json("_cellucid/identity")
    assert (identity["kind"], identity["name"], identity["nObs"]) == ("zarr", "pbmc.zarr", 700)
    assert identity["defaultColor"] == {"axis": "var", "key": "CD3D", "matrix": {"in": "raw"}}


def test_a_url_with_nothing_behind_it_is_refused_in_words(web: str) -> None:
    with pytest.raises(DataFileNotFoundError, match="no zarr store"):
        show_anndata(f"{web}/other.zarr")
