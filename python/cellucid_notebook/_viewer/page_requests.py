"""Questions to a page that are under way: a screenshot, a session, a report about itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from ..errors import CommandError


class PageRequests:
    """Answers by request id. Thread-safe; bounded by who waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[Any]] = {}

    @contextmanager
    def expect(self, request_id: str) -> Iterator[Future[Any]]:
        """Whoever waits for the answer to ``request_id`` does it inside."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting[request_id] = future
        try:
            yield future
        finally:
            with self._lock:
                self._waiting.pop(request_id, None)

    def answer(self, request_id: str, value: Any) -> None:
        """An answer came; one that nobody waits for any more is dropped."""
        future = self._take(request_id)
        if future is not None:
            future.set_result(value)

    def refuse(self, request_id: str, call: str, reason: str) -> bool:
        """The page cannot; whether somebody waited to hear it."""
        future = self._take(request_id)
        if future is not None:
            future.set_exception(CommandError(f"viewer.{call} was not done: {reason}"))
        return future is not None

    def end(self, error: Exception) -> None:
        """Nothing will be answered any more."""
        with self._lock:
            futures = list(self._waiting.values())
            self._waiting.clear()
        for future in futures:
            future.set_exception(error)

    def _take(self, request_id: str) -> Future[Any] | None:
        with self._lock:
            return self._waiting.pop(request_id, None)
