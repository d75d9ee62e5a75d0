"""`debug_connection()`: the sentence for every situation, the sections behind it, and no secret anywhere."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace
from typing import Any

import pytest
from cellucid_notebook import show_anndata
from cellucid_notebook._report.report import ConnectionReport, Facts, report, verdict
from cellucid_notebook._report.secrets_mask import masked
from cellucid_notebook._server import supervisor
from golden import read_json

OPEN_PAGE = {"viewer": {"pages": [{"carrier": "socket", "isOpen": True, "unknownMessages": 0}]}}
NO_PAGE: dict[str, Any] = {"viewer": {"pages": []}}
FACTS = Facts(
    port=8765,
    ended=None,
    was_shown=True,
    was_seen=True,
    views=[],
    server=NO_PAGE,
    health={"status": "ok"},
    info={"version": "0"},
    round_trip_ms=None,
    page=None,
    log=[],
    books={},
)


def view(transport: str | None, *candidates: dict[str, Any]) -> dict[str, Any]:
    return {
        "transport": transport,
        "base": None,
        "page_origin": "http://localhost:8888",
        "candidates": list(candidates),
    }


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            replace(FACTS, server=OPEN_PAGE, views=[view("same-origin-proxy")], round_trip_ms=12.3),
            "Connected through jupyter-server-proxy; WebSocket; 12 ms.",
        ),
        (
            replace(FACTS, server=OPEN_PAGE, views=[view("server-extension")], round_trip_ms=4),
            "Connected through cellucid-notebook in the notebook server; WebSocket; 4 ms.",
        ),
        (
            replace(FACTS, server={"viewer": {"pages": [{"carrier": "poll", "isOpen": True}]}}, views=[view("tunnel")]),
            "Connected through the notebook; long-polling; the page did not answer.",
        ),
        (replace(FACTS, server=OPEN_PAGE, round_trip_ms=3), "Connected from a browser tab; WebSocket; 3 ms."),
        (
            replace(
                FACTS,
                views=[
                    view(
                        None,
                        {
                            "kind": "same-origin-proxy",
                            "base": "https://hub/proxy/8765/",
                            "verdict": "status",
                            "reason": "404",
                        },
                        {"kind": "direct", "base": None, "verdict": "skipped"},
                    )
                ],
            ),
            "Not connected: the page never loaded, because no address led to the server (https://hub/proxy/8765/: 404; "
            "direct: skipped). The viewer's cell says what to do.",
        ),
        (
            replace(FACTS, views=[view("direct")]),
            "Not connected: the browser reached the server directly, but its page is closed. Run the cell again.",
        ),
        (
            replace(FACTS, was_shown=False, was_seen=False),
            "Not connected: the viewer has not been shown. Call viewer.display().",
        ),
        (
            replace(FACTS, ended="The viewer was stopped. Run its cell again to show the data."),
            "Not connected: the viewer was stopped. Run its cell again to show the data.",
        ),
    ],
)
def test_the_first_sentence_says_where_it_stands(facts: Facts, sentence: str) -> None:
    assert verdict(facts) == sentence


def test_a_page_that_never_answered_names_the_environment_that_lacks_something() -> None:
    assert "in the environment that runs JupyterLab" in verdict(replace(FACTS, was_seen=False))


def test_a_server_that_is_gone_is_the_reason() -> None:
    sentence = verdict(
        replace(
            FACTS, server=None, info="no answer", health="no answer at http://127.0.0.1:8765/_cellucid/health: refused"
        )
    )
    assert sentence.startswith("Not connected: the viewer server does not answer the kernel (no answer at")


def test_secrets_are_taken_out_as_in_the_browser_and_the_server() -> None:
    cases = read_json("secrets")
    assert len(cases) > 10
    for case in cases:
        assert masked({"a": [case["text"]]}) == {"a": [case["shown"]]}


@pytest.mark.usefixtures("patient")
def test_the_report_of_a_connected_viewer(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.answers_pings = True
    page.event("console", lines=[{"level": "error", "message": f"lost {page.key}", "ts": 1.0}])
    page.ready(700)
    viewer.wait_for_ready(10)
    found = viewer.debug_connection()
    assert found["verdict"].startswith("Connected from a browser tab; long-polling; ")
    assert found["verdict"].endswith(" ms.")
    assert found["server"]["health"]["status"] == "ok"
    facts = {"kind": "kernel", "name": "AnnData", "cells": 700, "genes": 765, "sorting": None, "notes": []}
    assert found["data"] == facts
    assert found["server"]["info"]["version"] == found["versions"]["cellucid-notebook"]
    assert found["pages"][0]["received"] >= 2
    assert found["pages"][0]["connections"] == 1
    assert found["page"] == {"embedding": "X_umap"}
    assert found["commands_waiting"] == 0
    assert found["versions"]["anywidget"] != "not installed"
    assert [line["message"].startswith("lost") for line in found["console"]] == [True]
    for shown in (repr(found), found._repr_html_()):
        assert page.key not in shown
        assert viewer._link.token not in shown
        assert found["verdict"] in shown


@pytest.mark.usefixtures("own_server")
def test_a_server_that_is_stopped_and_not_dead_costs_less_than_five_seconds(pbmc: Any, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    page = open_page(viewer)
    page.ready(700)
    viewer.wait_for_ready(10)
    pid = supervisor.current().pid  # type: ignore[union-attr]
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        found = viewer.debug_connection()
        assert time.monotonic() - started < 5
    finally:
        os.kill(pid, signal.SIGCONT)
    assert "the viewer server does not answer the kernel (no answer at http" in found["verdict"]
    assert found["server"]["info"] == found["server"]["health"], "not asked twice"


@pytest.mark.usefixtures("patient")
def test_what_was_never_shown_says_so(pbmc: Any) -> None:
    found = show_anndata(pbmc).debug_connection()  # outside a notebook nothing is displayed
    assert found["verdict"] == "Not connected: the viewer has not been shown. Call viewer.display()."
    assert found["browser"] == "No notebook page has reported."


def test_the_saved_picture_is_off_or_says_when_it_is_not_kept_any_more(pbmc: Any) -> None:
    def seen_by(viewer: Any, *views: str) -> dict[str, Any]:
        for name in views:
            resolved = {
                "kind": "resolved",
                "view": name,
                "id": 1,
                "transport": "direct",
                "base": None,
                "candidates": [],
            }
            viewer._messages.receive(resolved, [])
        deadline = time.monotonic() + 10
        while len(viewer._messages.views()) < len(views):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return dict(viewer.debug_connection()["picture"])

    assert seen_by(show_anndata(pbmc, snapshot=False)) == {"saved in the notebook": "no: snapshot=False"}
    viewer = show_anndata(pbmc)
    assert seen_by(viewer, "0" * 16) == {"saved in the notebook": 0}
    assert "only when the cell is run again" in seen_by(viewer, "0" * 16, "1" * 16)["note"]


def test_what_the_sections_hold_can_be_read() -> None:
    def clock(seconds: float) -> str:
        return time.strftime("%H:%M:%S", time.localtime(seconds))

    candidates = [
        {
            "kind": "same-origin-proxy",
            "base": "https://hub/proxy/8765/",
            "verdict": "status",
            "reason": "404",
            "ms": 31.4,
        },
        {"kind": "direct", "base": None, "verdict": "skipped"},
    ]
    line = {"level": "error", "message": "lost", "ts": 1_000, "count": 17, "from": "page", "filename": "a.js"}
    viewer = {
        "pages": [{"carrier": "socket", "isOpen": True, "received": 1200, "sent": 3, "connections": 2}],
        "console": [{**line, "lineno": 3, "colno": 7}],
        "consoleDropped": 5,
        "learnt": [{"host": "hub", "base": "https://hub/", "origin": "https://hub", "ancestors": ["https://top"]}],
    }
    server = {
        "viewer": viewer,
        "memory": 96_000_000,
        "refusedHosts": {"evil.example": 2},
        "requests": [{"method": "GET", "route": "/", "status": 421, "count": 2}],
        "log": [{"time": "1970-01-01T00:00:09.000Z", "level": "info", "message": "Listening", "port": 8765}, "Killed"],
    }
    shown = repr(report(replace(FACTS, server=server, views=[view("tunnel", *candidates)])))
    for expected in (
        "  the notebook page at http://localhost:8888 took: tunnel",
        "    same-origin-proxy, https://hub/proxy/8765/: status after 31 ms: 404",
        "    direct, no address: skipped",
        "  memory: 96 MB",
        "  WebSocket, open: 1,200 received, 3 sent, 2 connections",
        f"  {clock(1)} error \u00d717, page: lost (a.js:3:7)",
        "  5 more lines were dropped",
        "  evil.example: 2",
        "  https://hub/, asked as hub, in a page of https://hub inside https://top",
        "  GET / 421: 2",
        f"  {clock(9)} info: Listening port 8765",
        "  Killed",
    ):
        assert expected in shown.splitlines(), shown


@pytest.mark.usefixtures("own_server")
def test_the_report_works_when_the_server_is_dead(pbmc: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = show_anndata(pbmc)
    monkeypatch.setattr(supervisor.Server, "_revive", lambda _: None)
    os.kill(supervisor.current().pid, signal.SIGKILL)  # type: ignore[union-attr]
    started = time.monotonic()
    found = viewer.debug_connection()
    assert time.monotonic() - started < 5
    assert found["verdict"].startswith("Not connected: the viewer server does not answer the kernel (no answer at http")
    assert found["server_log"], "what the kernel read of the log before"


@pytest.mark.usefixtures("own_server")
def test_a_server_that_had_to_be_restarted_leaves_its_last_words(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    server = supervisor.current()
    assert server is not None
    assert viewer.debug_connection()["server_last_words"] == []
    first = server.pid
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while not (words := viewer.debug_connection()["server_last_words"]):
        assert time.monotonic() < deadline, "not restarted in time"
    assert any("Listening" in line for line in words), words


def test_the_report_works_after_the_end(pbmc: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer.stop()
    assert "was stopped" in viewer.debug_connection()["verdict"]


def test_names_in_the_data_are_text_not_markup() -> None:
    found = report(replace(FACTS, views=[view(None, {"kind": "direct", "reason": "<img onerror=alert(1)>"})]))
    assert isinstance(found, ConnectionReport)
    assert "<img" not in found._repr_html_()
    assert "&lt;img" in found._repr_html_()
