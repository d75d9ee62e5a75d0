"""The viewer's second output in its cell: the last picture, for a notebook that is opened without a kernel.

The widget's own output holds nothing that such a notebook could show. So a second one stands behind it, with a
display id of its own: empty at first, later the page's PNG, or a sentence when the widget cannot appear. Once
the widget has drawn, the picture is hidden, also while the widget looks for its server anew: it keeps its own. That
holds wherever both stand in one document, as in JupyterLab, VS Code and Colab; by the class names of JupyterLab 4 and
Notebook 7 the whole output goes, with its margins. There the notebook's error in the widget's place is hidden, too.
"""

from __future__ import annotations

import html
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from ._display import Cell, output_to
from ._frame import Buffer
from ._protocol import JsonObject
from ._timetable import Entry, timetable

#: A notebook that redraws its output more often than this flickers, and saves for nothing.
_UPDATE_INTERVAL_S = 2.0

_STYLE = """<style>
:root:has(.cellucid-notebook[data-cellucid-viewer="VIEWER"][data-cellucid-ready-at])
  .cellucid-picture[data-viewer="VIEWER"],
.jp-OutputArea-child:has(> .jp-OutputArea-output .cellucid-picture:empty),
.jp-OutputArea-child:has(.cellucid-notebook[data-cellucid-ready-at])
  + .jp-OutputArea-child:has(.cellucid-picture),
.jp-OutputArea-child:not(:has(.cellucid-notebook)):has(+ .jp-OutputArea-child .cellucid-picture img) { display: none }
.cellucid-picture img { max-width: 100% }
</style>"""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the user, and a link to follow."""

    text: str
    #: ``None``: none would lead anywhere. It is only in the HTML, which no terminal prints.
    link: str | None = None

    @property
    def html(self) -> str:
        """The note as markup."""
        sentence = f"<p>{html.escape(self.text)}</p>"
        if self.link is None:
            return sentence
        address = html.escape(self.link, quote=True)
        return (
            f'{sentence}<p><a href="{address}" target="_blank" rel="noopener noreferrer">Open the viewer in a tab</a> '
            "(works once, in the next 15 minutes)</p>"
        )


class SecondOutput:
    """The output behind one viewer's widget. Thread-safe; what it shows never holds a secret."""

    def __init__(self, viewer_id: str, *, saves_pictures: bool) -> None:
        self._viewer_id = viewer_id
        self._display_id = f"cellucid-{viewer_id}"
        #: Whether pictures are put into the notebook at all.
        self.saves_pictures = saves_pictures
        self._lock = threading.Lock()
        self._cell: Cell | None = None
        self._png: bytes | None = None
        self._note: Note | None = None
        self._shown_at = 0.0
        self._next: Entry | None = None
        #: Pictures that came, and were put into the notebook.
        self.pictures = 0

    def show(self, cell: Cell) -> None:
        """Make the output, right behind the widget's, in the cell that runs now."""
        self._cell = cell
        self._publish(update=False)

    def picture(self, png: Buffer) -> None:
        """Take the newest picture; it appears within two seconds."""
        if self.saves_pictures:
            self._png = bytes(png)
            self._later()

    def note(self, note: Note | None) -> None:
        """Say something (in place of a picture, while there is none), or take it back with ``None``."""
        if note != self._note:
            self._note = note
            self._later()

    def close(self) -> None:
        """Show what is newest, and nothing after it."""
        with self._lock:
            waiting, self._next = self._next, None
        if waiting is not None and waiting.task is not None:
            waiting.cancel()
            self._publish(update=True)
        self._cell = None

    def _later(self) -> None:
        with self._lock:
            if self._cell is None or self._next is not None:
                return
            wait = max(0.0, self._shown_at + _UPDATE_INTERVAL_S - time.monotonic())
            self._next = timetable.later(wait, self._update)

    def _update(self) -> None:
        with self._lock:
            self._next = None
        self._publish(update=True)

    def _publish(self, *, update: bool) -> None:
        cell = self._cell
        if cell is None:
            return
        self._shown_at = time.monotonic()
        self.pictures += self._png is not None
        with output_to(cell):
            _display(self._bundle(), self._display_id, update)

    def _bundle(self) -> JsonObject:
        if self._png is not None:
            picture = b64encode(self._png).decode("ascii")
            image = f'<img alt="The viewer\'s last picture" src="data:image/png;base64,{picture}">'
            return {"text/html": self._html(image), "image/png": picture, "text/plain": "The viewer's last picture"}
        if self._note is not None:
            return {"text/html": self._html(self._note.html), "text/plain": self._note.text}
        return {"text/html": self._html(""), "text/plain": ""}

    def _html(self, content: str) -> str:
        style = _STYLE.replace("VIEWER", self._viewer_id)
        return f'{style}<div class="cellucid-picture" data-viewer="{self._viewer_id}">{content}</div>'


def _display(bundle: JsonObject, display_id: str, update: bool) -> None:
    from IPython.display import display

    show: Any = display
    show(bundle, raw=True, display_id=display_id, update=update)
