"""One daemon thread that does short things now or later: all messages to widgets leave from here.

Sends from a kernel thread reach the browser while a cell runs; replies from a message handler may not.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

Task = Callable[[], None]


class Entry:
    """One task that waits for its time."""

    __slots__ = ("order", "task", "time")

    def __init__(self, moment: float, order: int, task: Task) -> None:
        self.time = moment
        self.order = order
        self.task: Task | None = task

    def __lt__(self, other: Entry) -> bool:
        return (self.time, self.order) < (other.time, other.order)

    def cancel(self) -> None:
        """Do not do it; what the task refers to is let go at once."""
        self.task = None


class Timetable:
    """Tasks by time, done one after the other; the thread lives while there is something to do or to wait for."""

    def __init__(self) -> None:
        self._order = itertools.count()
        self.start_afresh()

    def start_afresh(self) -> None:
        """Forget everything. In a forked child the thread, and whoever held the lock, are the parent's."""
        self._changed = threading.Condition()
        self._entries: list[Entry] = []
        self._thread: threading.Thread | None = None

    def soon(self, task: Task) -> Entry:
        """Do ``task`` after those already due."""
        return self.later(0, task)

    def later(self, seconds: float, task: Task) -> Entry:
        """Do ``task`` once ``seconds`` have passed."""
        entry = Entry(time.monotonic() + seconds, next(self._order), task)
        with self._changed:
            heapq.heappush(self._entries, entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cellucid-comm", daemon=True)
                self._thread.start()
            self._changed.notify()
        return entry

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            task = entry.task
            if task is None:
                continue
            try:
                task()
            except Exception:
                logger.exception("A message to or from a widget failed")
            del task, entry

    def _next(self) -> Entry | None:
        with self._changed:
            while self._entries:
                if self._entries[0].task is None:
                    heapq.heappop(self._entries)
                    continue
                wait = self._entries[0].time - time.monotonic()
                if wait <= 0:
                    return heapq.heappop(self._entries)
                self._changed.wait(wait)
            self._thread = None
            return None


timetable = Timetable()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=timetable.start_afresh)
