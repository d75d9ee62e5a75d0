"""Whether a cell runs: then a kernel that does not answer will, and the widget can say what it waits for."""

from __future__ import annotations

import sys
import time
from types import FrameType
from typing import Protocol
from weakref import WeakSet

from .._scheduler import Entry, timetable
from .display import shell

#: Of a cell that ends before that nobody need be told. Later may be too late: a cell can hold the interpreter.
_TELL_AFTER_S = 0.2


class CellListener(Protocol):
    """Whoever wants to know; called on the timetable's thread."""

    def cell_runs(self, runs: bool) -> None:
        """A cell has run for a while, or no cell runs."""


class RunningCell:
    """Knows from IPython's own events whether a cell runs; outside IPython none is known to."""

    def __init__(self) -> None:
        self.runs = False
        #: When the last cell ended, by the monotonic clock.
        self.ended_at = 0.0
        self._events: object = None
        self._listeners: WeakSet[CellListener] = WeakSet()
        self._entry: Entry | None = None

    def watch(self) -> None:
        """Begin to look, once for each shell."""
        events = getattr(shell(), "events", None)
        if events is None or events is self._events:
            return
        self._events = events
        self.runs = _is_called_from_a_cell()
        events.register("pre_run_cell", self._starts)
        events.register("post_run_cell", self._ended)

    def listen(self, listener: CellListener) -> None:
        """Tell ``listener``, as long as it lives."""
        self._listeners.add(listener)

    def _starts(self, *_: object) -> None:
        self.runs = True
        if self._listeners:
            self._entry = timetable.later(_TELL_AFTER_S, self._tell)

    def _ended(self, *_: object) -> None:
        self.runs = False
        self.ended_at = time.monotonic()
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
        if self._listeners:
            timetable.soon(self._tell)

    def _tell(self) -> None:
        for listener in list(self._listeners):
            listener.cell_runs(self.runs)


def _is_called_from_a_cell() -> bool:
    """Whether it is the code of a cell that calls, not a thread or a handler that outlived one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "run_code" and frame.f_globals.get("__name__") == "IPython.core.interactiveshell":
            return True
        frame = frame.f_back
    return False


running_cell = RunningCell()
