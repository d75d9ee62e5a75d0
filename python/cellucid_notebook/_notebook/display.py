"""Which cell is running, what it has shown, and how output reaches a cell from another thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, Literal, Protocol

from .._wire.protocol import JsonObject


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of one cell."""

    #: Names the execute request: another one at every run.
    request_id: str
    #: Names the cell, the same at every run; ``None`` where the front end does not say.
    cell_id: str | None
    #: The request itself, which later output must name to land in this cell.
    request: JsonObject


def shell() -> Any:
    """IPython's shell, or ``None`` outside IPython."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def current_cell() -> Cell | None:
    """The cell that runs now, or ``None`` where there are no cells (a script, IPython in a terminal)."""
    get_parent = getattr(shell(), "get_parent", None)
    request = get_parent() if get_parent is not None else None
    if not request or "header" not in request:
        return None
    cell_id = (request.get("metadata") or {}).get("cellId")
    return Cell(str(request["header"].get("msg_id")), cell_id if isinstance(cell_id, str) else None, request)


def publish(bundle: JsonObject) -> None:
    """Put a bundle of mime types into the output of the cell that runs now."""
    from IPython.display import display

    display(bundle, raw=True)  # type: ignore[no-untyped-call]


#: Where IPython's `display` is defined, of old and of today.
_DISPLAY_MODULES = frozenset({"IPython.core.display", "IPython.core.display_functions"})


def who_displays() -> Literal["last expression", "display"] | None:
    """Who has IPython show an object now: the end of a cell, or a call of ``display``.

    ``None`` is whoever wants the object's mime bundle: ``display`` under a display id, ``Output.append_display_data``,
    a library. IPython tells an object's methods nothing of this, so the stack is asked.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__")
        if module == "IPython.core.displayhook":
            return "last expression"
        if module in _DISPLAY_MODULES and frame.f_code.co_name == "display":
            has_id = frame.f_locals.get("display_id") is not None or "update" in frame.f_locals.get("kwargs", {})
            return None if has_id else "display"
        frame = frame.f_back
    return None


def show_in_marimo(widget: object) -> bool:
    """Put a widget into what marimo's running cell shows; false outside marimo, which has no IPython."""
    marimo: Any = sys.modules.get("marimo")
    if marimo is None or not marimo.running_in_notebook():
        return False
    marimo.output.append(widget)
    return True


def show_in_app(bundle: JsonObject) -> bool:
    """Put a bundle where an application shows what it displays; false where none runs.

    Solara has no cells, and stands in for IPython's shell; unlike a shell in a terminal it has a kernel.
    """
    if getattr(shell(), "kernel", None) is None:
        return False
    publish(bundle)
    return True


@contextmanager
def output_to(cell: Cell | None) -> Iterator[None]:
    """Send what this thread prints and displays to ``cell``, also when other cells have run since.

    An ``ipywidgets.Output`` that is entered inside takes from what the shell says that this thread works for.
    """
    with ExitStack() as undone:
        if cell is not None:
            running = shell()
            _aim(running, cell.request, undone, holds_request=True)
            for target in (sys.stdout, sys.stderr, getattr(running, "display_pub", None)):
                _aim(target, cell.request, undone)
        yield


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody works now: in a cell, and perhaps inside an ``ipywidgets.Output``."""

    cell: Cell | None
    output: Any = None


def current_place() -> Place:
    """The cell that runs, and the ``Output`` that was entered in it: the newest of several."""
    cell = current_cell()
    if cell is None:
        return Place(None)
    from ipywidgets import Output
    from ipywidgets.widgets import widget as ipywidgets_widget

    entered = [
        widget
        for widget in list(ipywidgets_widget._instances.values())
        if isinstance(widget, Output) and widget.msg_id == cell.request_id
    ]
    return Place(cell, entered[-1] if entered else None)


def _aim(target: Any, request: JsonObject, undone: ExitStack, *, holds_request: bool = False) -> None:
    """Let ``target`` name ``request`` in what this thread sends, until ``undone`` ends.

    ``holds_request``: it keeps the whole request, as the shell does, not its header.
    """
    header = getattr(target, "_parent_header", None)
    if hasattr(target, "set_thread_parent"):
        undone.callback(target.reset_thread_parent, target.set_thread_parent(request))
    elif isinstance(header, ContextVar):  # ipykernel before 7.4 has no method for it
        undone.callback(header.reset, header.set(request if holds_request else request["header"]))


class Stoppable(Protocol):
    """Something shown in a cell that a later run of the cell replaces."""

    def stop(self) -> None:
        """End it."""


class ShownInCells:
    """What each cell shows, so that running it again ends what it showed before, and nothing else."""

    def __init__(self) -> None:
        self._by_cell: dict[str, tuple[str, list[Stoppable]]] = {}

    def add(self, cell: Cell, shown: Stoppable) -> None:
        """Note that ``cell`` shows ``shown``; what an earlier run of the cell showed is stopped."""
        if cell.cell_id is None:
            return
        request_id, viewers = self._by_cell.get(cell.cell_id, (cell.request_id, []))
        if request_id != cell.request_id:
            self._by_cell[cell.cell_id] = (cell.request_id, [shown])
            for viewer in viewers:
                if viewer is not shown:
                    viewer.stop()
        elif shown not in viewers:
            self._by_cell[cell.cell_id] = (request_id, [*viewers, shown])

    def remove(self, shown: Stoppable) -> None:
        """Forget something that has ended."""
        for cell_id, (request_id, viewers) in list(self._by_cell.items()):
            rest = [viewer for viewer in viewers if viewer is not shown]
            if rest:
                self._by_cell[cell_id] = (request_id, rest)
            else:
                del self._by_cell[cell_id]


shown_in_cells = ShownInCells()
