"""What a viewer's page last said, for the notebook to read and to wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._data.cells import CellIndices
from ..errors import ViewerStoppedError

Event = dict[str, Any]

#: Which field of the state an event sets, and from which of its own.
_FIELDS = {
    "selection": ("selection", "cells"),
    "hover": ("hover", "cell"),
    "embedding": ("embedding", "name"),
}


@dataclass(frozen=True)
class ViewerState:
    """A snapshot of what the page last said. Cells are positions in ``adata.obs``."""

    #: Whether a page has drawn.
    ready: bool = False
    #: Selected cells, ascending, shape ``(count,)``.
    selection: CellIndices = field(default_factory=lambda: np.empty(0, dtype=np.uint32))
    #: The cell under the pointer, or ``None``.
    hover: int | None = None
    #: The last click: ``cell``, ``button``, ``shift``, ``ctrl``; or ``None``.
    click: Event | None = None
    #: The obs field or gene that colours the cells, or ``None``.
    color_by: str | None = None
    #: Of a gene, what it is read from, as `set_color_by` takes it: the layer, or ``None``.
    layer: str | None = None
    #: Of a gene, whether it is read from ``adata.raw``; ``None`` where no gene colours the cells.
    use_raw: bool | None = None
    #: The embedding that is drawn, or ``None`` before the page said.
    embedding: str | None = None
    #: The last event of any kind, or ``None``.
    last_event: Event | None = None


class StateBoard:
    """The newest state, and a place to wait for events. Thread-safe."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._state = ViewerState()
        self._ended: str | None = None
        self._waiters: list[_Waiter] = []

    @property
    def state(self) -> ViewerState:
        """The newest state."""
        return self._state

    def apply(self, event: Event) -> None:
        """Take one event in."""
        with self._changed:
            self._state = replace(self._state, last_event=event, **_changes(event))
            for waiter in self._waiters:
                waiter.offer(event)
            self._changed.notify_all()

    def select(self, cells: CellIndices) -> None:
        """Note what is selected now, apart from any event."""
        with self._changed:
            self._state = replace(self._state, selection=cells)

    def learn(self, *, color_by: str | None, embedding: str | None) -> None:
        """Note what pages show, apart from any event."""
        with self._changed:
            self._state = replace(self._state, color_by=color_by, embedding=embedding)

    def end(self, reason: str) -> None:
        """Wake everybody who waits: nothing will come any more."""
        with self._changed:
            self._ended = reason
            self._changed.notify_all()

    def wait_for(
        self, name: str, timeout: float | None, predicate: Callable[[Event], bool] | None = None
    ) -> Event | None:
        """The next event of this name for which ``predicate`` holds; ``None`` when it did not come in time.

        Raises ``ViewerStoppedError`` when the viewer ends meanwhile, and whatever ``predicate`` raises.
        """
        waiter = _Waiter(name)
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            self._waiters.append(waiter)
        try:
            while (event := self._next_for(waiter, deadline)) is not None:
                if predicate is None or predicate(event):
                    return event
            return None
        finally:
            with self._changed:
                self._waiters.remove(waiter)

    def wait_ready(self, timeout: float | None) -> bool:
        """Wait until a page has drawn; whether one has."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.ready or self._ended is not None, timeout)
            self._check_ended()
            return self._state.ready

    def _next_for(self, waiter: _Waiter, deadline: float | None) -> Event | None:
        with self._changed:
            rest = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._changed.wait_for(lambda: waiter.events or self._ended is not None, rest)
            if waiter.events:
                return waiter.events.pop(0)
            self._check_ended()
            return None

    def _check_ended(self) -> None:
        if self._ended is not None:
            raise ViewerStoppedError(self._ended)


class _Waiter:
    def __init__(self, name: str) -> None:
        self._name = name
        self.events: list[Event] = []

    def offer(self, event: Event) -> None:
        if event["event"] == self._name:
            self.events.append(event)


def _changes(event: Event) -> dict[str, Any]:
    if event["event"] == "ready":
        return {"ready": True}
    if event["event"] == "click":
        return {"click": event}
    if event["event"] == "color_by":
        return {"color_by": event["field"], "layer": event["layer"], "use_raw": event["use_raw"]}
    field_name, key = _FIELDS.get(event["event"], (None, ""))
    return {} if field_name is None else {field_name: event[key]}
