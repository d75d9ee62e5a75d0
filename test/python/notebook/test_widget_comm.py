"""The kernel's end of the widget: welcome until it is seen, requests once each, handlers that only queue."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from cellucid_notebook import _scheduler
from cellucid_notebook._notebook import widget_comm
from cellucid_notebook._notebook.presentation import Presentation
from cellucid_notebook._notebook.running_cell import running_cell
from cellucid_notebook._notebook.widget_comm import WidgetComm, drop_subshell_pin
from cellucid_notebook._scheduler import Timetable, timetable
from cellucid_notebook._server.viewer_record import ViewerLink
from cellucid_notebook._wire.pipe import Answer
from cellucid_notebook.errors import ServerError

VIEW = "00112233aabbccdd"


@dataclass
class FakeServer:
    """Answers when the test says so."""

    port: int = 9000
    instance_id: str = "feedfacefeedface"
    door: str | None = None
    asked: list[tuple[dict[str, Any], bytes, Future[Answer]]] = field(default_factory=list)
    console: list[Any] = field(default_factory=list)

    def request(self, method: str, params: dict[str, Any], body: bytes) -> Future[Answer]:
        assert method == "tunnel.fetch"
        self.asked.append((params, body, Future()))
        return self.asked[-1][2]

    def send_console(self, link: ViewerLink, lines: list[Any]) -> None:
        self.console.append((link.viewer_id, lines))


@dataclass
class FakeWidget:
    """Writes down what is sent."""

    sent: list[tuple[dict[str, Any], list[bytes]]] = field(default_factory=list)
    appeared: int = 0
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def send(self, content: dict[str, Any], buffers: Any = None) -> None:
        with self.arrived:
            self.sent.append((content, [bytes(buffer) for buffer in buffers or []]))
            self.arrived.notify_all()

    def widget_appeared(self) -> None:
        self.appeared += 1

    def wait(self, number: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.sent) >= number, 10), self.sent


@dataclass
class Stage:
    comm: WidgetComm
    server: FakeServer
    widget: FakeWidget
    link: ViewerLink

    def receive(self, content: dict[str, Any], *buffers: bytes) -> None:
        self.comm.receive(content, buffers)
        settle()

    def fetch(self, number: int, method: str = "GET", body: bytes = b"", *, as_text: bool = False) -> None:
        request = {
            "kind": "fetch",
            "view": VIEW,
            "id": number,
            "method": method,
            "path": "_cellucid/x",
            "headers": {},
            "asText": as_text,
            "bytes": len(body),
        }
        if as_text and body:
            self.receive({**request, "text": b64encode(body).decode()})
        else:
            self.receive(request, *([body] if body else []))


def settle() -> None:
    """Wait until everything that is due has been done."""
    done = threading.Event()
    timetable.soon(done.set)
    assert done.wait(10)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(widget_comm, "_WELCOME_AFTER_S", (0.001, 0.002, 0.004))
    server, widget, link = FakeServer(), FakeWidget(), ViewerLink({}, {})
    comm: Any = WidgetComm(link, server, Presentation("https://a.example", 450, True), widget)  # type: ignore[arg-type]
    yield Stage(comm, server, widget, link)
    comm.close("over")


def test_welcome_says_what_the_browser_needs(stage: Stage) -> None:
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    (welcome, _), *_ = stage.widget.sent
    assert welcome["kind"] == "welcome"
    assert (welcome["viewerId"], welcome["viewerToken"]) == (stage.link.viewer_id, stage.link.token)
    assert (welcome["port"], welcome["instanceId"]) == (9000, "feedfacefeedface")
    assert (welcome["override"], welcome["height"]) == ("https://a.example", 450)
    assert "hostName" in welcome["hints"]


def test_welcome_is_repeated_until_somebody_is_there_and_not_for_ever(stage: Stage) -> None:
    stage.comm.push_welcome()
    stage.widget.wait(3)
    stage.comm.push_welcome()
    stage.widget.wait(4)
    stage.comm.was_seen()
    settle()
    seen = len(stage.widget.sent)
    stage.receive({"kind": "alive", "view": VIEW})
    assert len(stage.widget.sent) == seen
    assert stage.widget.appeared == 1


def test_a_restart_of_the_server_starts_the_welcomes_anew(stage: Stage) -> None:
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    stage.server.instance_id = "0000000000000001"
    stage.comm.push_welcome()
    stage.widget.wait(2)
    assert stage.widget.sent[1][0]["instanceId"] == "0000000000000001"


def test_a_request_is_answered_with_its_view_number_and_body(stage: Stage) -> None:
    stage.fetch(7, "POST", b"question")
    ((params, body, future),) = stage.server.asked
    assert (params["view"], params["httpMethod"], params["path"], body) == (VIEW, "POST", "_cellucid/x", b"question")
    future.set_result(Answer({"status": 201, "headers": {"etag": "1"}}, b"answer"))
    stage.widget.wait(1)
    assert stage.widget.sent == [
        (
            {"kind": "response", "view": VIEW, "id": 7, "status": 201, "headers": {"etag": "1"}, "bytes": 6},
            [b"answer"],
        )
    ]


def test_behind_a_gateway_no_buffer_leaves(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNEL_GATEWAY", "1")
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    ((welcome, _),) = stage.widget.sent
    assert welcome["buffers"] is False
    stage.fetch(1, "POST", b"question", as_text=True)
    stage.fetch(2)
    assert [body for _, body, _ in stage.server.asked] == [b"question", b""]
    for _, _, future in stage.server.asked:
        future.set_result(Answer({"status": 200, "headers": {}}, b"\x00\xff answer"))
    stage.widget.wait(3)
    stage.fetch(1, "POST", b"question", as_text=True)
    stage.widget.wait(4)
    assert [buffers for _, buffers in stage.widget.sent] == [[], [], [], []]
    assert [content["text"] for content, _ in stage.widget.sent[1:]] == [b64encode(b"\x00\xff answer").decode()] * 3


def test_a_body_that_was_lost_on_the_way_is_asked_for_again_and_not_taken_for_an_empty_one(stage: Stage) -> None:
    request = {"kind": "fetch", "view": VIEW, "id": 3, "method": "POST", "path": "x", "headers": {}, "asText": False}
    stage.receive({**request, "bytes": 8})
    assert stage.server.asked == []
    assert stage.widget.sent == [({"kind": "bodyLost", "view": VIEW, "id": 3}, [])]
    stage.fetch(3, "POST", b"question", as_text=True)
    assert [body for _, body, _ in stage.server.asked] == [b"question"]


def test_a_question_whose_answer_was_lost_with_a_buffer_is_answered_anew_as_text(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(widget_comm, "_LARGE_ANSWER_BYTES", 1)
    stage.fetch(1)
    stage.server.asked[0][2].set_result(Answer({"status": 200, "headers": {}}, b"answer"))
    stage.widget.wait(1)
    stage.fetch(1, as_text=True)
    stage.server.asked[1][2].set_result(Answer({"status": 200, "headers": {}}, b"answer"))
    stage.widget.wait(2)
    (_, buffers), (content, none) = stage.widget.sent
    assert (buffers, none, content["text"]) == ([b"answer"], [], b64encode(b"answer").decode())


def test_a_running_cell_is_told_to_who_waits_for_the_kernel_and_to_nobody_else(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.comm.cell_runs(True)
    assert stage.widget.sent == [], "over HTTP nothing waits for a cell"
    stage.fetch(1)
    for runs in (True, True, False, False):
        stage.comm.cell_runs(runs)
    assert [content for content, _ in stage.widget.sent] == [
        {"kind": "cell", "runs": True},
        {"kind": "cell", "runs": False},
    ]
    monkeypatch.setattr(widget_comm.running_cell, "runs", True)
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    assert stage.widget.sent[-1][0]["cellRuns"] is True
    stage.comm.cell_runs(False)
    assert stage.widget.sent[-1][0] == {"kind": "cell", "runs": False}, "what `welcome` said is taken back"


def test_a_post_asked_again_is_carried_out_once_and_answered_again(stage: Stage) -> None:
    for _ in range(3):
        stage.fetch(1, "POST", b"x")
    assert len(stage.server.asked) == 1, "while it is under way"
    stage.server.asked[0][2].set_result(Answer({"status": 200, "headers": {}}, b"done"))
    stage.widget.wait(1)
    stage.fetch(1, "POST", b"x")
    stage.widget.wait(2)
    assert len(stage.server.asked) == 1, "and after it was answered"
    assert stage.widget.sent[0] == stage.widget.sent[1]


def test_a_get_that_lost_its_answer_is_asked_again(stage: Stage) -> None:
    stage.fetch(1)
    stage.server.asked[0][2].set_result(Answer({"status": 200, "headers": {}}, b"large"))
    stage.widget.wait(1)
    stage.fetch(1)
    assert len(stage.server.asked) == 2


def test_a_large_answer_is_not_sent_twice_while_it_may_be_on_its_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[Any] = []
    later = timetable.later

    def later_by_hand(seconds: float, task: Any) -> Any:
        return lost.append(task) if seconds == widget_comm._ANSWER_TRAVELS_S else later(seconds, task)

    monkeypatch.setattr(timetable, "later", later_by_hand)
    stage.fetch(1)
    stage.server.asked[0][2].set_result(Answer({"status": 206, "headers": {}}, bytes(1 << 20)))
    stage.widget.wait(1)
    stage.fetch(1)
    assert len(stage.server.asked) == 1, "on its way"
    (give_up,) = lost
    give_up()
    stage.fetch(1)
    assert len(stage.server.asked) == 2, "lost"


def test_a_request_under_way_is_remembered_however_many_are_answered_meanwhile(stage: Stage) -> None:
    stage.fetch(1, "POST", b"slow")
    for number in range(2, 200):
        stage.fetch(number, "POST", b"quick")
        stage.server.asked[-1][2].set_result(Answer({"status": 200, "headers": {}}, b""))
        settle()
    asked = len(stage.server.asked)
    stage.fetch(1, "POST", b"slow")
    assert len(stage.server.asked) == asked, "carried out once"
    stage.fetch(2, "POST", b"quick")
    assert len(stage.server.asked) == asked + 1, "what was answered long ago is not kept for ever"


def test_a_request_lost_with_the_server_can_be_asked_of_the_next(stage: Stage) -> None:
    stage.fetch(1, "POST", b"x")
    stage.server.asked[0][2].set_exception(ServerError("gone"))
    settle()
    assert stage.widget.sent == []
    stage.fetch(1, "POST", b"x")
    assert len(stage.server.asked) == 2


def test_a_view_that_left_gets_no_answers_and_is_forgotten(stage: Stage) -> None:
    resolved = {
        "kind": "resolved",
        "view": VIEW,
        "id": 1,
        "transport": "tunnel",
        "base": None,
        "candidates": [],
        "pageOrigin": "x",
    }
    stage.receive(resolved)
    assert [view["transport"] for view in stage.comm.views()] == ["tunnel"]
    stage.fetch(1)
    stage.receive({"kind": "bye", "view": VIEW})
    stage.server.asked[0][2].set_result(Answer({"status": 200, "headers": {}}, b""))
    settle()
    assert [content["kind"] for content, _ in stage.widget.sent] == ["noted"]
    assert stage.comm.views() == []


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the clock by which views are silent, and looks at them."""
    clock = SimpleNamespace(monotonic=lambda: clock.now, now=0.0)
    monkeypatch.setattr(widget_comm, "time", clock)

    def look(stage: Stage, seconds: float) -> None:
        clock.now = seconds
        timetable.soon(stage.comm._look)
        settle()

    return look


def _open_view(stage: Stage) -> None:
    stage.receive({"kind": "resolved", "view": VIEW, "id": 1, "transport": "tunnel", "candidates": []})
    stage.fetch(1, "POST", b"body")
    stage.server.asked[0][2].set_result(Answer({"status": 200, "headers": {}}, b"answer"))
    settle()


def test_a_view_that_vanished_without_a_word_is_gone_after_a_minute(stage: Stage, at: Any) -> None:
    _open_view(stage)
    at(stage, 59)
    assert len(stage.comm.views()) == 1
    assert stage.comm._tunnel.is_used
    at(stage, 60)
    assert stage.comm.views() == []
    assert not stage.comm._tunnel.is_used, "what was answered is kept for nobody"


def test_a_view_that_says_that_it_is_alive_stays(stage: Stage, at: Any) -> None:
    _open_view(stage)
    at(stage, 50)
    stage.receive({"kind": "alive", "view": VIEW})
    at(stage, 109)
    assert len(stage.comm.views()) == 1
    at(stage, 110)
    assert stage.comm.views() == []


def test_no_view_is_given_up_while_a_cell_keeps_its_messages_waiting(
    stage: Stage, at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _open_view(stage)
    monkeypatch.setattr(running_cell, "runs", True)
    at(stage, 500)
    assert len(stage.comm.views()) == 1
    monkeypatch.setattr(running_cell, "runs", False)
    monkeypatch.setattr(running_cell, "ended_at", 510.0)
    at(stage, 569)
    assert len(stage.comm.views()) == 1
    at(stage, 570)
    assert stage.comm.views() == []


def test_silent_views_are_looked_at_by_themselves(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    monkeypatch.setattr(widget_comm, "_VIEW_SILENT_S", 0.05)
    monkeypatch.setattr(stage.comm._tunnel, "forget", lambda _view: gone.set())
    stage.receive({"kind": "alive", "view": VIEW})
    assert gone.wait(10)


def test_what_a_view_found_is_noted_each_time_it_is_told_and_stays_behind_what_came_later(stage: Stage) -> None:
    def tell(view: str, number: int, transport: str) -> None:
        stage.receive({"kind": "resolved", "view": view, "id": number, "transport": transport, "candidates": []})

    tell("first", 1, "direct")
    tell("second", 1, "tunnel")
    tell("first", 1, "direct")
    assert [content for content, _ in stage.widget.sent] == [
        {"kind": "noted", "view": view, "id": 1} for view in ("first", "second", "first")
    ]
    assert [view["transport"] for view in stage.comm.views()] == ["direct", "tunnel"]
    assert stage.comm.counts["views so far"] == 2
    tell("first", 2, "same-origin-proxy")
    assert [view["transport"] for view in stage.comm.views()] == ["tunnel", "same-origin-proxy"]


def test_console_lines_go_to_the_servers_ring(stage: Stage) -> None:
    stage.receive({"kind": "console", "view": VIEW, "lines": [{"message": "lost"}]})
    assert stage.server.console == [(stage.link.viewer_id, [{"message": "lost"}])]


def test_unknown_and_broken_messages_do_no_harm(stage: Stage) -> None:
    stage.receive({"kind": "future", "view": VIEW})
    stage.receive({"kind": "fetch", "view": VIEW})
    stage.receive({})
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    assert [content["kind"] for content, _ in stage.widget.sent] == ["welcome"]


def test_a_handler_returns_at_once_while_an_earlier_message_is_handled(stage: Stage) -> None:
    go = threading.Event()
    timetable.soon(lambda: go.wait(10))
    stage.comm.receive({"kind": "hello", "view": VIEW, "protocol": 1}, [])
    assert stage.widget.sent == []
    go.set()
    stage.widget.wait(1)


def test_after_the_end_one_last_message_and_silence(stage: Stage) -> None:
    stage.comm.push_welcome()
    stage.comm.close("The viewer was stopped.")
    stage.comm.close("again")
    stage.receive({"kind": "hello", "view": VIEW, "protocol": 1})
    last = [content for content, _ in stage.widget.sent if content["kind"] != "welcome"]
    assert last == [{"kind": "stopped", "reason": "The viewer was stopped."}]


def test_the_pin_to_the_main_shell_is_dropped_where_there_is_one() -> None:
    class Comm:
        pass

    comm = Comm()
    drop_subshell_pin(comm)
    comm._reply_subshell_id = None  # type: ignore[attr-defined]
    drop_subshell_pin(comm)
    assert not hasattr(comm, "_reply_subshell_id")


def test_a_timetable_keeps_the_order_of_time_and_lets_its_thread_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.monotonic()]  # it stands still until all is written down
    monkeypatch.setattr(_scheduler, "time", SimpleNamespace(monotonic=lambda: now[0]))
    table = Timetable()
    done: list[str] = []
    finished = threading.Event()
    table.later(0.05, lambda: (done.append("late"), finished.set()))
    table.later(0.01, lambda: done.append("middle"))
    cancelled = table.later(0.02, lambda: done.append("never"))
    table.soon(lambda: 1 / 0)
    table.soon(lambda: done.append("first"))
    cancelled.cancel()
    now[0] += 1
    assert finished.wait(10)
    assert done == ["first", "middle", "late"]
    while table._thread is not None:
        finished.wait(0.001)
