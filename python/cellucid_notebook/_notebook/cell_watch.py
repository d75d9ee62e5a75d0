"""After each cell, a look at whether the data that is shown is still what it was."""

from __future__ import annotations

import logging

from .._server import supervisor
from .display import shell

logger = logging.getLogger(__name__)

_watched: object = None


def watch_cells() -> None:
    """Begin to look, once for each shell; nothing outside IPython."""
    global _watched  # noqa: PLW0603 - a shell has one list of who is called
    events = getattr(shell(), "events", None)
    if events is None or events is _watched:
        return
    _watched = events
    events.register("post_run_cell", _cell_ended)


def _cell_ended(*_: object) -> None:
    running = supervisor.current()
    if running is None:
        return
    try:
        running.look_at_data()
    except Exception:
        # Whatever a user's array does, the cell is not to end with a traceback of ours.
        logger.exception("Looking for changes failed")
