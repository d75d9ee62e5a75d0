"""What stands for a viewer in another process: a function that mentions one can be sent there, and called."""

from __future__ import annotations

import sys
from types import FrameType

from ..errors import ForkedViewerError

#: Modules of what sends functions, with all that they mention, to workers.
_SENDERS = ("cloudpickle", "joblib.externals.cloudpickle", "ray.cloudpickle")


class AbsentViewer:
    """A viewer that was left behind; using it says so."""

    def __init__(self, viewer_id: str) -> None:
        self._viewer_id = viewer_id

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(name)
        raise ForkedViewerError(
            f"viewer.{name} is of no use here: viewer {self._viewer_id} belongs to the process that showed it. Return "
            "what you computed, and use the viewer there."
        )

    def __repr__(self) -> str:
        return f"<Viewer {self._viewer_id}, of another process>"


def is_sent_with_a_function() -> bool:
    """Whether whoever pickles now sends a function to a worker, with what it mentions, and not the viewer itself."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__")).startswith(_SENDERS):
            return True
        frame = frame.f_back
    return False
