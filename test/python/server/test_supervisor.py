"""The server process: ports, failures at the start, crashes, and what is left when it is over."""

from __future__ import annotations

import gc
import os
import signal
import socket
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import psutil
import pytest
import scipy.sparse
from cellucid_notebook import CellucidError, PortError, ServerError, Viewer, cleanup_all, show_anndata
from cellucid_notebook._server import process as _child
from cellucid_notebook._server import supervisor
from ipywidgets.widgets import widget

pytestmark = pytest.mark.usefixtures("own_server")


def running() -> supervisor.Server:
    server = supervisor.current()
    assert server is not None
    return server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def servers() -> list[psutil.Process]:
    """Children of this process that are Node; packages of others start helpers of their own."""
    return [child for child in psutil.Process().children() if child.name().startswith(("node", "MainThread"))]


def tiny() -> anndata.AnnData:
    adata = anndata.AnnData(np.eye(5, dtype="f4"))
    adata.obsm["X_umap"] = np.zeros((5, 2))
    return adata


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_of_job_schedulers_open_no_inspector_from_the_first_moment_on() -> None:
    process = _child.ServerProcess(None, is_fixed=False, receive=lambda _: None)
    # Before a listener of ours can stand; what the shell sends ends a program that has not begun to run.
    until(lambda: Path(psutil.Process(process.pid).exe()).name.startswith("node"))
    until(lambda: psutil.Process(process.pid).num_threads() > 4)
    os.kill(process.pid, signal.SIGUSR1)
    ready = process.wait_ready()
    listening = {
        entry.laddr.port for entry in psutil.Process(process.pid).net_connections() if entry.status == "LISTEN"
    }
    process.stop()
    assert listening == {ready.port}


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_signals_meant_for_others_leave_the_server_as_it_is(open_page: Any) -> None:
    viewer = show_anndata(tiny())
    server, pid = running(), running().pid
    for stray in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE, signal.SIGINT):
        os.kill(pid, stray)
    assert open_page(viewer).json("_cellucid/identity")["nObs"] == 5
    assert (server.pid, server.restarts) == (pid, 0)
    listening = {entry.laddr.port for entry in psutil.Process(pid).net_connections() if entry.status == "LISTEN"}
    assert listening == {server.port}
    # What a scheduler or a terminal sends to the kernel's whole group is none of the server's.
    assert os.getpgid(pid) == os.getsid(pid) == pid


def test_all_viewers_share_one_server_and_its_port(pbmc: Any) -> None:
    first, second = show_anndata(pbmc), show_anndata(tiny())
    assert first.port == second.port
    assert first.viewer_id != second.viewer_id
    assert first.server_url == f"http://127.0.0.1:{first.port}"


def test_a_fixed_port_is_kept_and_another_is_refused_until_all_is_cleaned_up() -> None:
    port = free_port()
    assert show_anndata(tiny(), port=port).port == port
    show_anndata(tiny(), port=port)
    with pytest.raises(ValueError, match=rf"already runs on port {port}.*cleanup_all"):
        show_anndata(tiny(), port=port + 1)
    cleanup_all()
    other = free_port()
    assert show_anndata(tiny(), port=other).port == other


def test_a_taken_fixed_port_is_an_error_that_leaves_no_process() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortError, match=f"Port {port} was asked for"):
            show_anndata(tiny(), port=port)
    assert supervisor.current() is None
    assert servers() == []
    assert show_anndata(tiny(), port=port).port == port


@pytest.mark.usefixtures("patient")
def test_a_taken_default_port_is_no_problem() -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a server that just ended leaves traces
        with suppress(OSError):  # somebody else holds it: as good
            taken.bind(("127.0.0.1", 8765))
            taken.listen()
        viewer = show_anndata(tiny())
        assert viewer.port != 8765
        assert viewer.debug_connection()["server"]["health"]["status"] == "ok"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("process.exit(3)", r"ended while it started \(status 3\)"),
        ("console.error('no memory left'); process.exit(1)", "no memory left"),
        ("process.stdout.write('hello world'); setTimeout(() => {}, 100000)", "ended while it started|did not start"),
        ("throw new Error('broken bundle')", "broken bundle"),
    ],
)
def test_a_server_that_dies_at_start_says_its_last_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, message: str
) -> None:
    broken = tmp_path / "server.mjs"
    broken.write_text(source)
    monkeypatch.setattr(_child, "SERVER_FILE", broken)
    with pytest.raises(ServerError, match=message):
        show_anndata(tiny())
    assert servers() == []


def test_a_server_that_hangs_at_start_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    silent = tmp_path / "server.mjs"
    silent.write_text("setInterval(() => {}, 1000)")
    monkeypatch.setattr(_child, "SERVER_FILE", silent)
    monkeypatch.setattr(_child, "_START_TIMEOUT_S", 0.5)
    monkeypatch.setattr(_child, "_STOP_TIMEOUT_S", 0.2)
    with pytest.raises(ServerError, match="did not start within"):
        show_anndata(tiny())
    assert servers() == []


def test_a_missing_bundle_names_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_child, "SERVER_FILE", tmp_path / "server.mjs")
    with pytest.raises(ServerError, match="npm run build"):
        show_anndata(tiny())


def test_a_crash_brings_another_process_on_the_same_port() -> None:
    viewer = show_anndata(tiny(), port=free_port())  # others may take the default one at the same time
    server, old, port = running(), running().pid, running().port
    os.kill(old, signal.SIGSEGV)
    until(lambda: server.pid != old)
    assert (server.port, viewer.port) == (port, port)
    assert server.restarts == 1


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGXCPU", "SIGABRT"])
def test_a_server_that_a_signal_ended_is_started_again_on_the_same_port(name: str, open_page: Any) -> None:
    viewer = show_anndata(tiny(), port=free_port())  # others may take the default one at the same time
    server, old, port = running(), running().pid, running().port
    os.kill(old, getattr(signal, name))
    until(lambda: server.pid != old and knows(server, viewer))
    assert viewer.port == port
    assert open_page(viewer).json("_cellucid/identity")["nObs"] == 5


def test_after_five_crashes_in_a_minute_it_stays_down_and_says_why(capfd: pytest.CaptureFixture[str]) -> None:
    viewer = show_anndata(tiny())
    server = running()
    for _ in range(5):
        old = server.pid
        os.kill(old, signal.SIGKILL)
        until(lambda old=old: server.pid != old)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: server.is_stopped and "ended" in repr(viewer))
    assert "crashed 5 times within a minute" in capfd.readouterr().err
    assert supervisor.current() is None
    show_anndata(tiny())


@pytest.mark.parametrize("is_asked", [False, True])
def test_a_viewer_shown_at_the_moment_of_a_crash_is_opened_by_the_next_server(is_asked: bool, open_page: Any) -> None:
    show_anndata(tiny())
    crashing = running().pid
    if is_asked:  # it gets the request, and is gone before it answers
        os.kill(crashing, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (crashing, signal.SIGKILL)).start()
    else:
        os.kill(crashing, signal.SIGKILL)
    viewer = show_anndata(tiny())
    until(lambda: running().pid != crashing and knows(running(), viewer))
    assert open_page(viewer).json("_cellucid/identity")["nObs"] == 5


def test_a_server_that_ends_as_soon_as_it_is_ready_is_replaced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_ready = _child.ServerProcess.wait_ready

    def wait_too_long(process: _child.ServerProcess) -> _child.Ready:
        ready = wait_ready(process)
        monkeypatch.setattr(_child.ServerProcess, "wait_ready", wait_ready)
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: not process.pipe.is_open)
        return ready

    monkeypatch.setattr(_child.ServerProcess, "wait_ready", wait_too_long)
    server = supervisor.ensure(free_port())
    until(lambda: server.restarts == 1)
    viewer = show_anndata(tiny())
    until(lambda: knows(server, viewer))


def knows(server: supervisor.Server, viewer: Viewer) -> bool:
    try:
        return bool(server.request("report", {"viewerId": viewer.viewer_id}).result(10).result["viewer"])
    except CellucidError:
        return False


def test_the_end_leaves_no_process_thread_or_descriptor() -> None:
    show_anndata(tiny()).stop()  # what stays for good, such as a module's own threads, is there now
    cleanup_all()
    until(lambda: not our_threads())
    gc.collect()  # what earlier tests left holds descriptors too
    before = psutil.Process().num_fds()
    viewer = show_anndata(tiny())
    viewer.on_ready(print)
    child = psutil.Process(running().pid)
    cleanup_all()
    assert not child.is_running()
    until(lambda: not our_threads())
    assert psutil.Process().num_fds() == before


def test_two_thousand_viewers_made_and_stopped_leave_nothing_behind() -> None:
    adata = tiny()
    first = show_anndata(adata)
    until(lambda: len(our_threads()) >= 5)
    gc.collect()
    gone = []
    before = (psutil.Process().num_fds(), len(our_threads()), len(widget._instances))
    for _ in range(2000):
        with show_anndata(adata) as viewer:
            gone.append(weakref.ref(viewer))
    del viewer
    gc.collect()
    alive = sum(reference() is not None for reference in gone)
    assert alive <= 1, f"{alive} of 2000 are still held"
    assert [link.viewer_id for link in running().links()] == [first.viewer_id]
    report = running().request("report", {"viewerId": None}).result(10).result
    assert report["viewers"] == 1
    assert (psutil.Process().num_fds(), len(our_threads()), len(widget._instances)) == before


def test_stopping_lets_the_data_go() -> None:
    adata = tiny()
    kept = weakref.ref(adata)
    viewer = show_anndata(adata)
    other = show_anndata(adata)
    viewer.stop()
    other.stop()
    del adata

    def is_gone() -> bool:
        gc.collect()
        return kept() is None

    until(is_gone)  # the server may be reading ahead what a page would show first


def our_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("cellucid-")]


@pytest.mark.parametrize("form", ["in memory", "a view", "backed"])
def test_showing_a_million_cells_takes_milliseconds_once_the_server_runs(million: Path, form: str) -> None:
    show_anndata(tiny())
    # The quickest of several, each of data that was never shown: a busy machine may stop any of them for a moment.
    assert any(seconds_to_show(never_shown(million, form)) < 0.1 for _ in range(5))


def test_showing_a_file_of_a_million_cells_takes_milliseconds_once_its_reader_runs(million: Path) -> None:
    show_anndata(million)
    assert any(seconds_to_show(million) < 0.1 for _ in range(20))


def never_shown(path: Path, form: str) -> anndata.AnnData:
    data = anndata.read_h5ad(path, backed="r" if form == "backed" else None)
    return data[np.random.default_rng(0).permutation(data.n_obs)[: data.n_obs - 1]] if form == "a view" else data


def seconds_to_show(data: Any) -> float:
    started = time.monotonic()
    show_anndata(data, color="cluster")
    return time.monotonic() - started


@pytest.fixture(scope="module")
def million(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .h5ad of a million cells."""
    count = 1_000_000
    clusters = pd.Categorical.from_codes(np.arange(count) % 30, [f"cluster {number}" for number in range(30)])
    names = pd.Index(np.char.add("cell-", np.arange(count).astype(str)))
    cells = anndata.AnnData(
        scipy.sparse.csr_matrix((count, 2_000), dtype="f4"), obs=pd.DataFrame({"cluster": clusters}, index=names)
    )
    cells.obsm["X_umap"] = np.zeros((count, 2), "f4")
    path = tmp_path_factory.mktemp("million") / "million.h5ad"
    cells.write_h5ad(path)
    return path


def test_data_that_fails_after_a_restart_ends_the_viewer_with_the_reason(
    pbmc: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pbmc.h5ad"
    pbmc.write_h5ad(path)
    viewer = show_anndata(path)
    path.unlink()
    os.kill(running().pid, signal.SIGKILL)
    until(lambda: "ended" in repr(viewer))
    assert "pbmc.h5ad" in capfd.readouterr().err


def descriptors_left_in_a_child(process: _child.subprocess.Popen[bytes]) -> int:
    """Fork, and count which of the streams to this process the child still has."""
    numbers = [stream.fileno() for stream in (process.stdin, process.stdout, process.stderr) if stream is not None]
    pid = os.fork()
    if pid == 0:
        left = 0
        for number in numbers:
            with suppress(OSError):
                os.fstat(number)
                left += 1
        os._exit(left)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_child_that_is_forked_while_a_server_starts_has_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, forked = threading.Event(), threading.Event()
    started: list[_child.subprocess.Popen[bytes]] = []
    popen = _child.subprocess.Popen

    def start_slowly(*command: Any, **options: Any) -> _child.subprocess.Popen[bytes]:
        process = popen(*command, **options)
        if "--disable-sigusr1" in command[0]:
            started.append(process)
            begun.set()
            forked.wait(0.5)  # a fork comes meanwhile, or waits for this
        return process

    monkeypatch.setattr(_child.subprocess, "Popen", start_slowly)
    shown = threading.Thread(target=lambda: show_anndata(tiny()))
    shown.start()
    assert begun.wait(20)
    left = descriptors_left_in_a_child(started[0])
    forked.set()
    shown.join(20)
    assert left == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system does not fork")
def test_a_forked_child_closes_its_copies_whatever_locks_the_parent_holds() -> None:
    viewer = show_anndata(tiny())
    process = running()._process
    with process.pipe._ready, running()._lock, running().sources._lock, supervisor._lock:
        assert descriptors_left_in_a_child(process._process) == 0
    assert knows(running(), viewer), "the parent's are as they were"
