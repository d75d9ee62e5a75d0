"""One call of `show_anndata` that is interrupted before its end leaves nothing of what it began."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from comm import get_comm_manager
from ipywidgets.widgets import widget as ipywidgets_widget

from .._aside import run_aside
from .._server import supervisor

if TYPE_CHECKING:
    from .._server.viewer_record import ViewerLink
    from ..viewer import Viewer

_REASON = "Showing the data was interrupted. Run the cell again."


class Attempt:
    """What a call has begun. Leaving the ``with`` block by an interrupt ends all of it; errors are handled inside."""

    def __init__(self) -> None:
        #: Which viewer is being made.
        self.viewer: Viewer
        self.link: ViewerLink | None = None
        self.source_ids: list[str] = []
        self._found_server = False
        self._found_comms: frozenset[str] = frozenset()

    def __enter__(self) -> Attempt:  # noqa: PYI034 - Self is in typing since Python 3.11
        self._found_server = supervisor.current() is not None
        self._found_comms = frozenset(_comms())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, Exception):
            run_aside(self._undo)

    def acquire(self, server: supervisor.Server, adata: Any, called: str = "adata") -> str:
        """Have the kernel read ``adata`` for the server; the id of the source."""

        def acquire() -> str:
            self.source_ids.append(server.acquire(adata, called))
            return self.source_ids[-1]

        return run_aside(acquire)

    def _undo(self) -> None:
        running = supervisor.current()
        if running is None:
            return
        if self.link is not None and self.link.listener is not None:
            self.link.listener.stop()
        elif self.link is not None and self.link in running.links():
            running.close(self.link, _REASON)
        else:
            for source_id in self.source_ids:
                running.sources.release(source_id)
        self._close_unowned_comms()
        if not self._found_server and not running.links():
            supervisor.shut_down()

    def _close_unowned_comms(self) -> None:
        """A widget that was cut short while it opened has a comm that it does not know."""
        for comm_id, comm in list(_comms().items()):
            is_new = comm_id not in self._found_comms and getattr(comm, "target_name", "") == "jupyter.widget"
            if is_new and comm_id not in ipywidgets_widget._instances:
                comm.close()


def _comms() -> dict[str, Any]:
    return getattr(get_comm_manager(), "comms", {})
