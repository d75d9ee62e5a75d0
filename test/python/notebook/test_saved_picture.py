"""The output behind the widget's: empty, a picture, or a sentence; never too often, never in another cell."""

from __future__ import annotations

from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import pytest
from cellucid_notebook._notebook import saved_picture
from cellucid_notebook._notebook.display import Cell
from cellucid_notebook._notebook.saved_picture import Note, SecondOutput
from cellucid_notebook._scheduler import Timetable


def html_of(bundle: dict[str, Any]) -> str:
    return str(bundle["text/html"])


CELL = Cell("request", "cell", {"header": {"msg_id": "request"}})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], str, bool]]:
    """What was displayed, and no waiting for the clock."""
    displayed: list[tuple[dict[str, Any], str, bool]] = []
    monkeypatch.setattr(saved_picture, "_display", lambda *call: displayed.append(call))
    return displayed


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Any]]:
    """Tasks for later, with their delay, instead of the timetable's thread; the clock stands still."""
    tasks: list[tuple[float, Any]] = []
    monkeypatch.setattr(saved_picture, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    table = Timetable()
    make = table.later

    def later(seconds: float, task: Any) -> Any:
        tasks.append((seconds, task))
        entry = make(3600, lambda: None)
        entry.task = task
        return entry

    monkeypatch.setattr(saved_picture.timetable, "later", later)
    yield tasks  # type: ignore[misc]
    for entry in table._entries:
        entry.cancel()
    table.soon(lambda: None)


def test_it_stands_empty_behind_the_widget_until_there_is_something(shown: Any) -> None:
    SecondOutput("v", saves_pictures=True).show(CELL)
    ((bundle, display_id, update),) = shown
    assert (display_id, update) == ("cellucid-v", False)
    assert '<div class="cellucid-picture" data-viewer="v" data-holds="nothing"><p class="cellucid-way">' in html_of(
        bundle
    )
    assert "image/png" not in bundle


def test_pictures_that_come_fast_become_one_update(shown: Any, due: Any) -> None:
    output = SecondOutput("v", saves_pictures=True)
    output.show(CELL)
    for number in range(5):
        output.picture(f"png{number}".encode())
    ((wait, update),) = due
    assert wait == 2
    update()
    assert len(shown) == 2
    bundle, _, is_update = shown[1]
    assert is_update
    assert bundle["image/png"] == "cG5nNA==", "the last one"
    assert "data:image/png;base64,cG5nNA==" in bundle["text/html"]
    assert output.pictures == 1
    output.picture(b"later")
    assert len(due) == 2


def test_a_front_end_that_takes_the_style_away_says_how_to_get_the_live_viewer(shown: Any, due: Any) -> None:
    output = SecondOutput("v", saves_pictures=True)
    output.show(CELL)
    output.picture(b"png")
    due[0][1]()
    for bundle, _, _ in shown:
        _, _, unstyled = html_of(bundle).partition("</style>")
        assert unstyled.count("<p") == 1
        assert "choose \u201cTrust Notebook\u201d" in unstyled


def test_in_a_shared_document_a_picture_waits_until_none_has_come_for_ten_seconds_and_half_a_minute_is_over(
    shown: Any, due: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(saved_picture, "time", SimpleNamespace(monotonic=lambda: clock.now))
    output = SecondOutput("v", saves_pictures=True)
    output.show(CELL)
    output.share()
    output.picture(b"first")
    assert due[-1][0] == 0, "one is there as soon as it can be"
    due.pop()[1]()
    for clock.now in (1004.0, 1012.0, 1020.0, 1028.0):
        output.picture(f"at {clock.now}".encode())
    assert [wait for wait, _ in due] == [26, 18, 10, 10]
    due[-1][1]()
    assert len(shown) == 3
    assert b64decode(shown[-1][0]["image/png"]) == b"at 1028.0"


def test_saving_a_shared_document_shows_what_waits_and_what_follows_at_once(
    shown: Any, due: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(saved_picture, "time", SimpleNamespace(monotonic=lambda: clock.now))
    output = SecondOutput("v", saves_pictures=True)
    output.show(CELL)
    output.share()
    output.picture(b"first")
    due[-1][1]()
    output.save()
    assert len(due) == 1, "nothing waits"
    clock.now = 1010
    output.picture(b"second")
    assert due[-1][0] == 20
    output.save()
    assert due[-1][0] == 0
    due[-1][1]()
    clock.now = 1012
    output.picture(b"of what was changed right before")
    assert due[-1][0] == 0
    due[-1][1]()
    clock.now = 1016
    output.picture(b"of later")
    assert due[-1][0] == 26


def test_the_last_picture_is_not_lost_at_the_end(shown: Any, due: Any) -> None:
    output = SecondOutput("v", saves_pictures=True)
    output.show(CELL)
    output.picture(b"png")
    output.close()
    assert shown[-1][0]["text/plain"] == "The viewer's last picture"
    output.picture(b"late")
    assert len(shown) == 2
    assert len(due) == 1


def test_without_pictures_only_sentences_are_shown(shown: Any, due: Any) -> None:
    output = SecondOutput("v", saves_pictures=False)
    output.show(CELL)
    output.picture(b"png")
    assert due == []
    output.note(Note("Install <anywidget>.", 'http://127.0.0.1:1/?a=1&b="'))
    due[0][1]()
    assert shown[-1][0]["text/plain"] == "Install <anywidget>."
    assert "Install &lt;anywidget&gt;." in shown[-1][0]["text/html"]
    assert 'href="http://127.0.0.1:1/?a=1&amp;b=&quot;"' in shown[-1][0]["text/html"]
    output.note(None)
    due[1][1]()
    assert shown[-1][0]["text/plain"] == ""


def test_before_it_is_shown_nothing_happens(shown: Any, due: Any) -> None:
    output = SecondOutput("v", saves_pictures=True)
    output.picture(b"png")
    output.note(Note("x"))
    output.close()
    assert (shown, due) == ([], [])
