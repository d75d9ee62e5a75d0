"""What the kernel keeps of a viewer, so that a restarted server can be told everything again."""

from __future__ import annotations

from typing import Any

import pytest
from cellucid_notebook._server import viewer_record
from cellucid_notebook._server.viewer_record import ViewerLink


class Owner:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def on_event(self, event: dict[str, Any], body: bytes) -> None:
        self.told.append(("event", event["kind"], bytes(body)))

    def on_cells_kept(self, name: str, head: dict[str, Any], body: bytes) -> None:
        self.told.append(("kept", name, head["count"], bytes(body)))

    def on_command_failed(self, call: str, reason: str, request_id: str | None) -> None:
        self.told.append(("failed", call, reason, request_id))

    def on_command_done(self, request_id: str) -> None:
        self.told.append(("done", request_id))

    def on_seen(self, base: str) -> None:
        self.told.append(("seen", base))

    def on_snapshot(self, request_id: str | None, png: bytes) -> None:
        self.told.append(("snapshot", request_id, bytes(png)))

    def on_state(self, state: dict[str, Any]) -> None: ...

    def on_settled(self, kind: str, *, is_done: bool) -> None: ...

    def on_refused(self, call: str, reason: str) -> None: ...

    def on_gone(self, instance_id: str) -> None: ...

    def on_server(self) -> None: ...

    def on_lost(self, reason: str) -> None: ...


@pytest.fixture
def link() -> ViewerLink:
    return ViewerLink({"kind": "kernel", "sourceId": "kernel-1"}, {"name": None}, listener=Owner())


def told(link: ViewerLink) -> list[tuple[Any, ...]]:
    assert isinstance(link.listener, Owner)
    return link.listener.told


def test_ids_and_secrets_have_their_form_and_are_new_each_time(link: ViewerLink) -> None:
    other = ViewerLink({}, {})
    assert (len(link.viewer_id), len(link.token)) == (16, 64)
    assert int(link.viewer_id + link.token, 16)
    assert (link.viewer_id, link.token) != (other.viewer_id, other.token)
    assert link.token not in repr(link)


def test_commands_are_kept_until_acknowledged_and_sent_again_with_their_number(link: ViewerLink) -> None:
    link.record({"kind": "highlight", "color": "#ff0000"}, b"cells", "highlight_cells(1 cell)")
    link.record({"kind": "setColorBy", "field": "a"}, b"", "set_color_by('a')")
    link.record({"kind": "setColorBy", "field": "b"}, b"", "set_color_by('b')")
    assert [(n.params["seq"], n.params["command"]["kind"], n.body) for n in link.replay()] == [
        (1, "highlight", b"cells"),
        (3, "setColorBy", b""),
    ]
    link.take("viewer.ack", {"seq": 1, "ok": True}, b"")
    link.take("viewer.ack", {"seq": 1, "ok": True}, b"")
    assert [n.params["seq"] for n in link.replay()] == [3]


def test_a_refused_command_is_told_once(link: ViewerLink) -> None:
    link.record({"kind": "screenshot", "requestId": "r1"}, b"", "screenshot()")
    for _ in range(2):
        link.take("viewer.ack", {"seq": 1, "ok": False, "reason": "no picture"}, b"")
    assert told(link) == [("failed", "screenshot()", "no picture", "r1")]


def test_what_waits_is_bounded_and_the_oldest_is_reported(link: ViewerLink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer_record, "_MAX_WAITING", 3)
    for number in range(5):
        link.record({"kind": "custom", "type": str(number)}, b"", f"call {number}")
    assert link.waiting == 3
    link.take("viewer.pages", {"pages": 0}, b"")
    assert [entry[1] for entry in told(link)] == ["call 0", "call 1"]
    monkeypatch.setattr(viewer_record, "_MAX_WAITING_BYTES", 100)
    link.record({"kind": "highlight"}, bytes(200), "large")
    assert link.waiting == 1, "one that is too large alone is still sent"


def test_state_and_sets_of_cells_are_brought_back(link: ViewerLink) -> None:
    head = {"encoding": "u32", "count": 1, "cellCount": 9}
    link.take("viewer.state", {"state": {"color": None}}, b"")
    link.take("viewer.cellSet", {"name": "selection", "cells": head}, b"\1\0\0\0")
    link.take("viewer.cellSet", {"name": "hidden", "cells": head}, b"\2\0\0\0")
    link.take("viewer.cellSet", {"name": "hidden", "cells": {**head, "count": 0}}, b"")
    assert link.open_params()["state"] == {"color": None}
    assert [(n.method, n.params["name"], n.body) for n in link.replay()] == [
        ("viewer.cellSet", "selection", b"\1\0\0\0")
    ]


def test_a_selection_of_the_users_is_brought_back_from_its_event(link: ViewerLink) -> None:
    selected = {"kind": "selection", "cells": {"encoding": "u32", "count": 1, "cellCount": 9}, "source": "lasso"}
    link.take("viewer.event", {"id": "p-1", "event": selected}, b"\1\0\0\0")
    assert [(n.method, n.params["name"], n.body) for n in link.replay()] == [
        ("viewer.cellSet", "selection", b"\1\0\0\0")
    ]
    link.take("viewer.event", {"id": "p-2", "event": {**selected, "cells": {**selected["cells"], "count": 0}}}, b"")
    assert list(link.replay()) == []


def test_an_event_that_comes_twice_counts_once(link: ViewerLink) -> None:
    event = {"id": "p-1", "event": {"kind": "click"}}
    link.take("viewer.event", event, b"")
    link.take("viewer.event", event, b"")
    link.take("viewer.event", {**event, "id": "p-2"}, b"")
    assert told(link) == [("event", "click", b"")] * 2


def test_pictures_and_signs_of_life_are_passed_on(link: ViewerLink) -> None:
    link.take("viewer.snapshot", {"requestId": None}, b"png")
    link.take("viewer.seen", {"base": "http://127.0.0.1:1/"}, b"")
    link.take("viewer.pages", {"pages": 2}, b"")
    link.take("viewer.future", {}, b"")
    assert told(link) == [("snapshot", None, b"png"), ("seen", "http://127.0.0.1:1/")]
    assert link.pages == 2


def test_console_lines_wait_for_the_next_server_the_newest_hundred(link: ViewerLink) -> None:
    link.hold_console([{"message": str(number)} for number in range(150)])
    (message,) = link.replay()
    assert message.method == "viewer.console"
    assert [line["message"] for line in message.params["lines"]] == [str(number) for number in range(50, 150)]
    assert list(link.replay()) == []
