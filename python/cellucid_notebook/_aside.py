"""Work that Ctrl-C or Jupyter's interrupt cannot cut in half: it is done on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


def run_aside(work: Callable[[], Result]) -> Result:
    """Do ``work`` on another thread and wait for what it returns or raises.

    Python interrupts the main thread alone, between any two of its steps. When that happens here, ``work`` goes on to
    its end, so that nothing it starts is left half made and no lock is held for ever (Python may be interrupted between
    the last line of a ``with`` block and the lock's release), and the interrupt is raised after it.
    """
    task = _Task(work)
    try:
        task.start()
        task.done.wait()
    except BaseException:
        task.finish()
        raise
    return task.result()


class _Task(threading.Thread, Generic[Result]):
    def __init__(self, work: Callable[[], Result]) -> None:
        super().__init__(name="cellucid-aside", daemon=True)
        self._work = work
        self._result: list[Result] = []
        self._error: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is awaited
            self._error = error
        finally:
            self.done.set()

    def finish(self) -> None:
        """Wait, also when one more interrupt comes meanwhile; not at all for what was never started."""
        while self.ident is not None and not self.done.is_set():
            try:
                self.done.wait()
            except KeyboardInterrupt:
                continue

    def result(self) -> Result:
        if self._error is not None:
            raise self._error
        return self._result[0]
