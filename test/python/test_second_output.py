"""The output behind the widget's: empty, a picture, or a sentence; never too often, never in another cell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cellucid_notebook import _second_output
from cellucid_notebook._display import Cell
from cellucid_notebook._second_output import Note, SecondOutput
from cellucid_notebook._timetable import Timetable

CELL = Cell("request", "cell", {"header": {"msg_id": "request"}})


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], str, bool]]:
    """What was displayed, and no waiting for the clock."""
    displayed: list[tuple[dict[str, Any], str, bool]] = []
    monkeypatch.setattr(_second_output, "_display", lambda *call: displayed.append(call))
    return displayed


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, Any]]:
    """Tasks for later, with their delay, instead of the timetable's thread; the clock stands still."""
    tasks: list[tuple[float, Any]] = []
    monkeypatch.setattr(_second_output, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    table = Timetable()
    make = table.later

    def later(seconds: float, task: Any) -> Any:
        tasks.append((seconds, task))
        entry = make(3600, lambda: None)
        entry.task = task
        return entry

    monkeypatch.setattr(_second_output.timetable, "later", later)
    yield tasks  # type: ignore[misc]
    for entry in table._entries:
        entry.cancel()
    table.soon(lambda: None)


def test_it_stands_empty_behind_the_widget_until_there_is_something(shown: Any) -> None:
    SecondOutput("v", saves_pictures=True).show(CELL)
    ((bundle, display_id, update),) = shown
    assert (display_id, update) == ("cellucid-v", False)
    assert '<div class="cellucid-picture" data-viewer="v"></div>' in bundle["text/html"]
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
