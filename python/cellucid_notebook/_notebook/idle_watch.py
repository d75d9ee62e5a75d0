"""Notice that the kernel has had nothing to do for a while: then a widget had every chance to appear."""

from __future__ import annotations

from .._scheduler import Entry, Task, timetable
from .display import shell

_IDLE_S = 3.0


class IdleWatch:
    """Tasks to be done once no cell has run for three seconds. Used from running cells: one at a time."""

    def __init__(self) -> None:
        self._events: object = None
        self._tasks: dict[str, Task] = {}
        self._entry: Entry | None = None

    def expect(self, name: str, task: Task) -> None:
        """Do ``task`` when the kernel is idle, unless it is forgotten before; nothing outside IPython."""
        events = getattr(shell(), "events", None)
        if events is None:
            return
        self._tasks[name] = task
        if events is not self._events:
            self._events = events
            events.register("pre_run_cell", self._cell_starts)
            events.register("post_run_cell", self._cell_ended)

    def forget(self, name: str) -> None:
        """Do not do it any more."""
        self._tasks.pop(name, None)

    def _cell_starts(self, *_: object) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _cell_ended(self, *_: object) -> None:
        if self._tasks:
            self._entry = timetable.later(_IDLE_S, self._fire)

    def _fire(self) -> None:
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task()


idle_watch = IdleWatch()
