"""The stage of the kernel half's tests: a real server process, a real data set, a page that speaks the real channel."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata
import cellucid_notebook
import pytest
from cellucid_notebook import viewer
from cellucid_notebook._report import report
from cellucid_notebook._server import process as _child
from cellucid_notebook._server import supervisor
from hypothesis import HealthCheck, settings

from page import Page

ROOT = Path(__file__).resolve().parents[2]
#: Unbundled: a test of the kernel half needs no build, and never runs yesterday's.
SERVER_FILE = ROOT / "server" / "main.ts"

# The same examples in every run, however slow the machine is at the moment.
settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def unbundled_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the server from its source, and leave no viewer behind; the server itself stays for the next test."""
    monkeypatch.setattr(_child, "SERVER_FILE", SERVER_FILE)
    yield
    running = supervisor.current()
    for link in [] if running is None else running.links():
        if isinstance(link.listener, cellucid_notebook.Viewer):
            link.listener.stop()


@pytest.fixture
def own_server() -> Iterator[None]:
    """A server that the test may kill, and that begins and ends with it."""
    cellucid_notebook.cleanup_all()
    yield
    cellucid_notebook.cleanup_all()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report asks who is there until there is an answer, however busy the machine is."""
    monkeypatch.setattr(viewer, "_REPORT_TIMEOUT_S", 60)
    monkeypatch.setattr(viewer, "_PING_TIMEOUT_S", 60)
    monkeypatch.setattr(report, "_PROBE_TIMEOUT_S", 60)


@pytest.fixture(scope="session")
def pbmc_once() -> anndata.AnnData:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import scanpy

        return scanpy.datasets.pbmc68k_reduced()


@pytest.fixture
def pbmc(pbmc_once: anndata.AnnData) -> anndata.AnnData:
    """700 cells with UMAP, PCA, louvain clusters and raw; a copy to change at will."""
    return pbmc_once.copy()


@pytest.fixture
def open_page() -> Iterator[Any]:
    """Open pages of viewers, as a browser does; they are closed at the end."""
    pages: list[Page] = []

    def opened(viewer: cellucid_notebook.Viewer) -> Page:
        pages.append(Page(viewer.viewer_url))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()
