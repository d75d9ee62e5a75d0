"""Callbacks on what happens in the page: registered by name, run in order on one thread per viewer."""

from __future__ import annotations

import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, TypeVar

from ._arguments import one_of
from ._notebook.display import Cell, Place, current_place, output_to
from ._notebook.figures import new_figures_shown

Event = dict[str, Any]
Callback = Callable[[Event], object]
CallbackT = TypeVar("CallbackT", bound=Callback)

#: Events that can be hooked. ``message`` gets every event, ``command_error`` a command that a page could not carry out.
HOOKS = ("selection", "hover", "click", "ready", "color_by", "embedding", "visibility", "message", "command_error")

#: What stands in a hook's place for `Hooks.call`.
_TOLD = "told"

#: A hook, its event, and the callbacks that were registered when it came.
_Waiting = tuple[str, Event, "tuple[Callback, ...]"]

#: Events, selections apart, that wait for a slow callback; beyond it the oldest goes. No selection is ever dropped.
_MAX_WAITING = 1000


class Hooks:
    """The callbacks of one viewer, and the thread that runs them.

    The thread starts with the first event that somebody wants and ends with the viewer. What a callback prints and
    draws goes to the ``ipywidgets.Output`` in which it was registered, else to the cell that showed the viewer; the
    traceback of one that raises to the cell that registered it. One that fails does not stop the others.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: dict[str, list[Callback]] = {hook: [] for hook in HOOKS}
        #: Where each was registered, by hook and identity.
        self._places: dict[tuple[str, int], Place] = {}
        self._changed = threading.Condition()
        self._waiting: deque[_Waiting] = deque()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._last_ready: Event | None = None
        #: Where output goes; set when the viewer is shown.
        self.cell: Cell | None = None

    def add(self, hook: str, callback: CallbackT) -> CallbackT:
        """Register ``callback`` and return it, so that it works as a decorator."""
        self._register(hook, callback)
        return callback

    def add_late(self, callback: CallbackT) -> CallbackT:
        """Register for ``ready``; ``callback`` is called at once when that has been, and once for each event."""
        with self._changed:
            self._register("ready", callback)
            if self._last_ready is not None:
                self._queue("ready", self._last_ready, (callback,))
        return callback

    def remove(self, hook: str, callback: Callback) -> None:
        """Unregister; one that is not registered is no error."""
        callbacks = self._list(hook)
        if callback in callbacks:
            callbacks.remove(callback)
            self._places.pop((hook, id(callback)), None)

    def clear(self, hook: str | None = None) -> None:
        """Unregister all callbacks of one hook, or of all."""
        for name in HOOKS if hook is None else (hook,):
            for callback in self._list(name):
                self._places.pop((name, id(callback)), None)
            self._list(name).clear()

    def wants(self, hook: str) -> bool:
        """Whether anybody listens."""
        return bool(self._callbacks[hook])

    def fire(self, hook: str, event: Event) -> None:
        """Have the callbacks of ``hook`` called with ``event``; returns at once."""
        with self._changed:
            if hook == "ready":
                self._last_ready = event
            callbacks = self._callbacks[hook]
            if callbacks:
                self._queue(hook, event, tuple(callbacks))

    def call(self, told: Callable[[], object]) -> None:
        """Have something called in its turn among the callbacks, with their output; it is no hook of the user's."""
        with self._changed:
            self._queue(_TOLD, {}, (lambda _: told(),))

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

    def _register(self, hook: str, callback: Callback) -> None:
        self._list(hook).append(callback)
        self._places[hook, id(callback)] = current_place()

    def _list(self, hook: str) -> list[Callback]:
        try:
            return self._callbacks[hook]
        except KeyError:
            one_of("register_hook", hook, HOOKS, "hook")
            raise

    def _shorten(self) -> None:
        droppable = [index for index, entry in enumerate(self._waiting) if entry[0] not in {"selection", _TOLD}]
        if len(droppable) > _MAX_WAITING:
            del self._waiting[droppable[0]]

    def _run(self) -> None:
        while (entry := self._next()) is not None:
            hook, event, callbacks = entry
            for callback in callbacks:
                if hook == _TOLD or callback in self._callbacks[hook]:
                    self._call(callback, event, self._places.get((hook, id(callback)), Place(None)))

    def _call(self, callback: Callback, event: Event, place: Place) -> None:
        in_output = place.output is not None
        with output_to(place.cell if in_output else self.cell), place.output if in_output else nullcontext():
            error = _failure_of(callback, event)
            if in_output:
                _show(error)
        if error is not None and not in_output:
            with output_to(place.cell or self.cell):
                _show(error)

    def _next(self) -> _Waiting | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._waiting)
            return None if self._stopped else self._waiting.popleft()


def _failure_of(callback: Callback, event: Event) -> Exception | None:
    try:
        with new_figures_shown():
            callback(event)
    except Exception as error:  # noqa: BLE001 - a user's code may raise anything; it is shown, the others go on
        return error
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return None


def _show(error: Exception | None) -> None:
    """Print the traceback of a callback, from its own lines on: those above are ours."""
    if error is None:
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") == __name__:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace, file=sys.stderr)
    sys.stderr.flush()
