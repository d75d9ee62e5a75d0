"""Callbacks: in order, on their own thread, apart from each other."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from cellucid_notebook import hooks as hooks_module
from cellucid_notebook._notebook.display import Cell, output_to
from cellucid_notebook.hooks import Hooks


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    made = Hooks("test")
    yield made
    made.stop()


def drain(hooks: Hooks) -> None:
    """Wait until everything fired before has been called."""
    done = threading.Event()
    hooks.add("ready", lambda _: done.set())
    hooks.fire("ready", {})
    assert done.wait(10)


def test_callbacks_run_in_order_on_a_thread_that_starts_when_needed(hooks: Hooks) -> None:
    seen: list[tuple[str, int, str]] = []
    for name in "ab":
        hooks.add("click", lambda event, name=name: seen.append((name, event["n"], threading.current_thread().name)))
    hooks.fire("hover", {"n": 0})
    assert hooks._thread is None
    for number in range(3):
        hooks.fire("click", {"n": number})
    drain(hooks)
    assert [(name, number) for name, number, _ in seen] == [(name, n) for n in range(3) for name in "ab"]
    assert {thread for _, _, thread in seen} == {"cellucid-hooks-test"}


def test_registering_works_as_a_decorator_and_can_be_undone(hooks: Hooks) -> None:
    calls: list[int] = []

    def callback(_: object) -> None:
        calls.append(1)

    assert hooks.add("click", callback) is callback
    hooks.remove("click", callback)
    hooks.remove("click", callback)
    hooks.fire("click", {})
    drain(hooks)
    assert calls == []
    hooks.clear()
    assert not hooks.wants("click")


def test_an_unknown_hook_lists_the_known_ones(hooks: Hooks) -> None:
    with pytest.raises(ValueError, match="no hook 'selections'; there are selection, hover"):
        hooks.add("selections", lambda _: None)


def test_one_that_fails_is_shown_and_does_not_stop_the_others(hooks: Hooks, capfd: pytest.CaptureFixture[str]) -> None:
    calls: list[int] = []

    def broken(_: object) -> None:
        raise LookupError("mine")

    hooks.add("click", broken)
    hooks.add("click", lambda _: calls.append(1))
    hooks.fire("click", {})
    hooks.fire("click", {})
    drain(hooks)
    assert calls == [1, 1]
    shown = capfd.readouterr().err
    assert shown.count("LookupError: mine") == 2
    assert "in broken" in shown
    assert "cellucid_notebook" not in shown


def test_a_slow_callback_sees_only_the_last_hover_and_every_selection(
    hooks: Hooks,
) -> None:
    running, go = threading.Event(), threading.Event()
    seen: list[tuple[str, int]] = []

    def slow(_: object) -> None:
        running.set()
        assert go.wait(10)

    hooks.add("click", slow)
    hooks.add("hover", lambda event: seen.append(("hover", event["n"])))
    hooks.add("selection", lambda event: seen.append(("selection", event["n"])))
    hooks.fire("click", {})
    assert running.wait(10)
    for number in range(20):
        hooks.fire("hover", {"n": number})
        hooks.fire("selection", {"n": number})
    go.set()
    drain(hooks)
    assert [n for kind, n in seen if kind == "selection"] == list(range(20))
    assert [n for kind, n in seen if kind == "hover"] == [19]


def test_what_a_slow_callback_leaves_waiting_is_bounded(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks_module, "_MAX_WAITING", 10)
    with hooks._changed:  # nothing is taken meanwhile
        hooks.add("click", lambda _: None)
        for number in range(15):
            hooks.fire("click", {"n": number})
        assert [event["n"] for _, event, _ in hooks._waiting] == list(range(5, 15))


def test_viewers_do_not_wait_for_each_other() -> None:
    slow, quick = Hooks("slow"), Hooks("quick")
    go = threading.Event()
    slow.add("click", lambda _: go.wait(10))
    slow.fire("click", {})
    drain(quick)
    go.set()
    slow.stop()
    quick.stop()


def test_after_the_end_nothing_is_called_and_no_thread_is_left(hooks: Hooks) -> None:
    calls: list[int] = []
    hooks.add("click", lambda _: calls.append(1))
    drain(hooks)
    thread = hooks._thread
    hooks.stop()
    hooks.fire("click", {})
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
    assert calls == []


def test_output_stays_where_it_is_outside_a_notebook(hooks: Hooks, capfd: pytest.CaptureFixture[str]) -> None:
    hooks.add("click", lambda _: print("hello", file=sys.stdout))  # noqa: T201
    hooks.fire("click", {})
    drain(hooks)
    assert capfd.readouterr().out == "hello\n"


class StreamOfOlderKernels(io.StringIO):
    """`OutStream` of ipykernel before 7.4, as far as it matters: which request what is written belongs to."""

    def __init__(self) -> None:
        super().__init__()
        self._parent_header: ContextVar[dict[str, Any]] = ContextVar("parent_header")
        self.written: list[tuple[Any, str]] = []

    def write(self, text: str) -> int:
        if text:  # a flush writes nothing
            self.written.append((self._parent_header.get(None), text))
        return len(text)


def test_output_lands_in_its_cell_with_older_kernels_too(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = StreamOfOlderKernels()
    monkeypatch.setattr(sys, "stdout", stream)
    hooks.cell = Cell("one", None, {"header": {"msg_id": "one"}})
    hooks.add("click", lambda _: print("hello", end=""))  # noqa: T201
    hooks.fire("click", {})
    drain(hooks)
    with output_to(hooks.cell):
        pass
    print("after", end="")  # noqa: T201
    assert stream.written == [({"msg_id": "one"}, "hello"), (None, "after")]
