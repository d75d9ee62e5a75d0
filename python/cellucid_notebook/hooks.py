"""Callbacks on what happens in the page: registered by name, run in order on one thread per viewer."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from ._display import Cell, output_to

Event = dict[str, Any]
Callback = Callable[[Event], object]
CallbackT = TypeVar("CallbackT", bound=Callback)

#: Events that can be hooked. ``message`` gets every event, ``command_error`` a command that a page could not carry out.
HOOKS = ("selection", "hover", "click", "ready", "color_by", "embedding", "visibility", "message", "command_error")

#: A hook, its event, and the callbacks that were registered when it came.
_Waiting = tuple[str, Event, "tuple[Callback, ...]"]

#: Events, selections apart, that wait for a slow callback; beyond it the oldest goes. No selection is ever dropped.
_MAX_WAITING = 1000


class Hooks:
    """The callbacks of one viewer, and the thread that runs them.

    The thread starts with the first event that somebody wants and ends with the viewer. What a callback prints, and the
    traceback of one that raises, goes to the cell that showed the viewer; one that fails does not stop the others.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: dict[str, list[Callback]] = {hook: [] for hook in HOOKS}
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._last_ready: Event | None = None
        #: Where output goes; set when the viewer is shown.
        self.cell: Cell | None = None

    def add(self, hook: str, callback: CallbackT) -> CallbackT:
        """Register ``callback`` and return it, so that it works as a decorator."""
        self._list(hook).append(callback)
        return callback

    def add_late(self, callback: CallbackT) -> CallbackT:
        """Register for ``ready``; ``callback`` is called at once when that has been, and once for each event."""
        with self._changed:
            self._list("ready").append(callback)
            if self._last_ready is not None:
                self._queue("ready", self._last_ready, (callback,))
        return callback

    def remove(self, hook: str, callback: Callback) -> None:
        """Unregister; one that is not registered is no error."""
        callbacks = self._list(hook)
        if callback in callbacks:
            callbacks.remove(callback)

    def clear(self, hook: str | None = None, *, but: Callback | None = None) -> None:
        """Unregister all callbacks of one hook, or of all, ``but`` one that is not the user's."""
        for name in HOOKS if hook is None else (hook,):
            callbacks = self._list(name)
            callbacks[:] = [callback for callback in callbacks if callback == but]

    def wants(self, hook: str) -> bool:
        """Whether anybody listens."""
        return bool(self._callbacks[hook])

    def fire(self, hook: str, event: Event, only: Callback | None = None) -> None:
        """Have the callbacks of ``hook``, or one of them, called with ``event``; returns at once."""
        with self._changed:
            if hook == "ready":
                self._last_ready = event
            callbacks = self._callbacks[hook]
            if callbacks:
                self._queue(hook, event, tuple(callbacks) if only is None else (only,))

    def stop(self) -> None:
        """End the thread after the callback that runs now; what waits is not called any more."""
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify()

    def _queue(self, hook: str, event: Event, callbacks: tuple[Callback, ...]) -> None:
        if self._stopped:
            return
        if hook == "hover":
            # Where the pointer was is of no use to anyone.
            self._waiting = deque(entry for entry in self._waiting if entry[0] != "hover")
        self._waiting.append((hook, event, callbacks))
        self._shorten()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"cellucid-hooks-{self._name}", daemon=True)
            self._thread.start()
        self._changed.notify()

    def _list(self, hook: str) -> list[Callback]:
        try:
            return self._callbacks[hook]
        except KeyError:
            raise ValueError(f"There is no hook {hook!r}; there are {', '.join(HOOKS)}.") from None

    def _shorten(self) -> None:
        droppable = [index for index, entry in enumerate(self._waiting) if entry[0] != "selection"]
        if len(droppable) > _MAX_WAITING:
            del self._waiting[droppable[0]]

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            hook, event, callbacks = entry
            for callback in callbacks:
                if callback in self._callbacks[hook]:
                    with output_to(self.cell):
                        _call(callback, event)

    def _next(self) -> _Waiting | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting)
            return None if self._stopped else self._waiting.popleft()


def _call(callback: Callback, event: Event) -> None:
    try:
        callback(event)
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything; it is shown, the others go on
        # Without this frame: the user sees the callback's own lines.
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        traceback.print_exception(type(error), error, trace, file=sys.stderr)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
