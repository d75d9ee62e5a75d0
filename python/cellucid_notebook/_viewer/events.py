"""What the page tells the notebook: state to read, hooks to register, events to wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .._arguments import an_anndata, function, one_of, seconds_or_none
from .._border import bordered
from ..errors import DataChangedError, ViewerNotReady
from ..hooks import HOOKS, Callback, CallbackT, Hooks
from .state import Event, StateBoard, ViewerState

if TYPE_CHECKING:
    from anndata import AnnData

    from .._data.shown_data import ShownData

#: Names for `wait_for_event`; ``message`` stands for what `send_message`'s other side says.
EVENTS = tuple(hook for hook in HOOKS if hook != "command_error")


#: After this many seconds somebody who waits is told if the page cannot come before the cell ends.
_PATIENCE_S = 2.0


@bordered
class ViewerEvents:
    """Callbacks run in order on a thread of the viewer, also while a cell runs.

    What they print and draw appears in the ``ipywidgets.Output`` in which they were registered, or which they enter
    themselves, else in the cell that showed the viewer; the traceback of one that fails in the cell that registered it.
    Every event is a dict; ``event["event"]`` names it.
    """

    _board: StateBoard
    _hooks: Hooks
    _data: ShownData
    selection: Any

    def _check_usable(self) -> None:
        raise NotImplementedError

    def _why_silent(self) -> str:
        raise NotImplementedError

    def _warn_when_waiting_is_in_vain(self) -> None:
        raise NotImplementedError

    @property
    def state(self) -> ViewerState:
        """What the page last said: ready, selection, hover, click, colour, embedding, last event."""
        return self._board.state

    def selected(self, adata: AnnData) -> AnnData:
        """The selected cells of ``adata``, as a view of it.

        Raises ``DataChangedError`` when ``adata`` has another number of cells than the viewer shows.
        """
        an_anndata("selected", adata)
        cell_count = self._data.cell_count()
        if adata.n_obs != cell_count:
            raise DataChangedError(
                f"The viewer shows {cell_count:,} cells, this AnnData has {adata.n_obs:,}. Give the AnnData that was "
                "shown."
            )
        return adata[self.selection]

    def on_selection(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for every selection; a decorator.

        ``event["cells"]`` are positions in ``adata.obs``, ascending, a uint32 array of shape ``(count,)``;
        ``event["source"]`` says how they were selected.
        """
        return self.register_hook("selection", callback)

    def on_hover(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` when the pointer is over another cell: ``event["cell"]``, or ``None`` for none."""
        return self.register_hook("hover", callback)

    def on_click(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for a click: ``cell`` (or ``None``), ``button``, ``shift``, ``ctrl``."""
        return self.register_hook("click", callback)

    def on_ready(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` each time a page has drawn, at once if one has: ``n_cells``, ``dimensions``."""
        self._check_usable()
        return self._hooks.add_late(function("on_ready", callback))

    def on_message(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for every event of the page, whatever it is: ``event["event"]`` names it."""
        return self.register_hook("message", callback)

    def on_command_error(self, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` when the page could not do a command: ``event["call"]``, ``event["reason"]``."""
        return self.register_hook("command_error", callback)

    def register_hook(self, event: str, callback: CallbackT) -> CallbackT:
        """Call ``callback(event)`` for every event of this name: ``"selection"``, ``"hover"``, ``"click"`` and so on.

        Returns ``callback``. Raises ``ValueError`` with all names for a name that is none.
        """
        self._check_usable()
        return self._hooks.add(event, function("register_hook", callback))

    def unregister_hook(self, event: str, callback: Callback) -> None:
        """Do not call ``callback`` any more; one that is not registered is no error."""
        self._hooks.remove(event, callback)

    def clear_hooks(self, event: str | None = None) -> None:
        """Unregister all callbacks of one event, or of all. Who observes a value (``viewer.observe``) goes on so."""
        self._hooks.clear(event)

    def wait_for_event(
        self, event: str, timeout: float | None = None, *, predicate: Callable[[Event], bool] | None = None
    ) -> Event:
        """Wait for the next event ``"selection"``, ``"click"`` … for which ``predicate(event)`` holds, and return it.

        Works inside a running cell. ``timeout`` in seconds, ``None`` waits until it comes. Raises ``ViewerNotReady``
        when it did not come in time, ``ViewerStoppedError`` when the viewer ends meanwhile.
        """
        self._check_usable()
        event = one_of("wait_for_event", event, EVENTS, "event")
        timeout = seconds_or_none("timeout", timeout)
        if predicate is not None:
            function("predicate", predicate)
        found = self._board.wait_for(event, timeout, predicate)
        if found is None:
            raise ViewerNotReady(f"No {event!r} event came within {timeout:g} seconds. {self._why_silent()}")
        return found

    def wait_for_ready(self, timeout: float | None = 30) -> None:
        """Wait until a page has drawn the cells. ``timeout`` in seconds, ``None`` waits until it does.

        Raises ``ViewerNotReady`` when it did not happen in time, ``ViewerStoppedError`` when the viewer ends meanwhile.
        """
        self._check_usable()
        timeout = seconds_or_none("timeout", timeout)
        patience = _PATIENCE_S if timeout is None else min(timeout, _PATIENCE_S)
        if self._board.wait_ready(patience):
            return
        self._warn_when_waiting_is_in_vain()
        if not self._board.wait_ready(None if timeout is None else timeout - patience):
            raise ViewerNotReady(f"The viewer was not ready within {timeout:g} seconds. {self._why_silent()}")
