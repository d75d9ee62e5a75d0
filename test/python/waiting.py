"""For tests in which something must happen while somebody waits for an event, and not before."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


def when_waiting(viewer: Any, act: Callable[[], object]) -> None:
    """Call ``act()`` on a thread each time somebody has begun to wait for an event of this viewer."""
    viewer._board._waiters = _Waiters(act)


class _Waiters(list[Any]):
    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act

    def append(self, waiter: Any) -> None:
        super().append(waiter)
        threading.Thread(target=self._act, name="when-waiting", daemon=True).start()
