"""The viewer's second output in its cell: the last picture, for a notebook that is opened without a kernel.

The widget's own output holds nothing that such a notebook could show. So a second one stands behind it, with a
display id of its own: empty at first, later the page's PNG, or a sentence when the widget cannot appear. Once
the widget has drawn, the picture is hidden, also while the widget looks for its server anew: it keeps its own. That
holds wherever both stand in one document, as in JupyterLab, VS Code and Colab. By the class names of JupyterLab 4 and
Notebook 7 the whole output goes, with its margins, and so does the notebook's error in the widget's place. Outputs
stand inside outputs, so every rule names this viewer's picture as the direct content of what it hides.

A notebook that is not trusted (another person's, in a shared document too) shows no widget, and its front end takes the
style away. What tells the way to the live viewer is therefore always there, and it is the style that hides it: beside
a widget, and where there is no picture that it would explain.
"""

from __future__ import annotations

import html
import threading
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Literal

from .._scheduler import Entry, timetable
from .._wire.frame import Buffer
from .._wire.protocol import JsonObject
from .display import Cell, output_to

#: A notebook that redraws its output more often than this flickers, and saves for nothing.
_UPDATE_INTERVAL_S = 2.0
#: A shared document keeps every picture that it ever held.
_SHARED_INTERVAL_S = 30.0
#: There a picture waits until no newer one has come for so long.
_SHARED_QUIET_S = 10.0
#: A picture of what was changed right before the notebook was saved may come so long after.
_SAVED_LATE_S = 5.0

#: For whoever sees the picture alone. The names are those of the front ends' menus.
_WAY_TO_THE_VIEWER = (
    "To see the live viewer here: if this notebook is not trusted, choose \u201cTrust Notebook\u201d (in Jupyter "
    "Notebook in the menu File, in JupyterLab in the command palette, Ctrl+Shift+C); if it does not appear then, run "
    "this cell."
)

_STYLE = """<style>
:root:has(.cellucid-notebook[data-cellucid-viewer="VIEWER"][data-cellucid-ready-at])
  .cellucid-picture[data-viewer="VIEWER"],
:root:has(.cellucid-notebook[data-cellucid-viewer="VIEWER"][data-cellucid-ready-at])
  .jp-OutputArea-child:has(> .jp-OutputArea-output > .cellucid-picture[data-viewer="VIEWER"]),
.jp-OutputArea-child:has(> .jp-OutputArea-output > .cellucid-picture[data-viewer="VIEWER"][data-holds="nothing"]),
:root:has(.cellucid-notebook) .cellucid-picture[data-viewer="VIEWER"] > .cellucid-way,
.cellucid-picture[data-viewer="VIEWER"]:not([data-holds="picture"]) > .cellucid-way,
.jp-OutputArea-child:has(> .jp-OutputArea-output.jupyter-widgets):not(:has(.cellucid-notebook)):has(
  + .jp-OutputArea-child > .jp-OutputArea-output > .cellucid-picture[data-viewer="VIEWER"] img),
.jp-OutputArea-child:has(> .jp-OutputArea-output > .jupyter-widgets > .jupyter-widgets-error-widget):has(
  + .jp-OutputArea-child > .jp-OutputArea-output > .cellucid-picture[data-viewer="VIEWER"] img) { display: none }
.cellucid-picture[data-viewer="VIEWER"] img { max-width: 100% }
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
        self._saved_at = -_SAVED_LATE_S
        self._is_shared = False
        self._next: Entry | None = None
        #: Pictures that came, and were put into the notebook.
        self.pictures = 0

    def show(self, cell: Cell) -> None:
        """Make the output, right behind the widget's, in the cell that runs now."""
        self._cell = cell
        self._publish(update=False)

    def picture(self, png: Buffer) -> None:
        """Take the newest picture; it appears within two seconds, in a shared document once no newer one comes."""
        if self.saves_pictures:
            self._png = bytes(png)
            self._wait_longer()
            self._later()

    def share(self) -> None:
        """The notebook is edited by several people at once, and keeps its whole history: show far fewer pictures."""
        self._is_shared = True

    def save(self) -> None:
        """The notebook is being saved: show what waits now, and what comes in the next seconds as it comes."""
        self._saved_at = time.monotonic()
        if self._take_waiting():
            self._later()

    def note(self, note: Note | None) -> None:
        """Say something (in place of a picture, while there is none), or take it back with ``None``."""
        if note != self._note:
            self._note = note
            self._later()

    def close(self) -> None:
        """Show what is newest, and nothing after it."""
        if self._take_waiting():
            self._publish(update=True)
        self._cell = None

    def _take_waiting(self) -> bool:
        """Whether something was to be shown later; it no longer is."""
        with self._lock:
            waiting, self._next = self._next, None
        if waiting is None or waiting.task is None:
            return False
        waiting.cancel()
        return True

    def _wait_longer(self) -> None:
        if self._is_shared and self.pictures:
            self._take_waiting()

    def _wait_s(self) -> float:
        now = time.monotonic()
        since = now - self._shown_at
        if not self._is_shared or self._note is not None:
            return _UPDATE_INTERVAL_S - since
        if now - self._saved_at < _SAVED_LATE_S or not self.pictures:
            return 0.0
        return max(_SHARED_QUIET_S, _SHARED_INTERVAL_S - since)

    def _later(self) -> None:
        with self._lock:
            if self._cell is None or self._next is not None:
                return
            self._next = timetable.later(max(0.0, self._wait_s()), self._update)

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
            return {
                "text/html": self._html("picture", image),
                "image/png": picture,
                "text/plain": "The viewer's last picture",
            }
        if self._note is not None:
            return {"text/html": self._html("note", self._note.html), "text/plain": self._note.text}
        return {"text/html": self._html("nothing", ""), "text/plain": ""}

    def _html(self, holds: Literal["picture", "note", "nothing"], content: str) -> str:
        style = _STYLE.replace("VIEWER", self._viewer_id)
        way = f'<p class="cellucid-way">{_WAY_TO_THE_VIEWER}</p>'
        name = f'class="cellucid-picture" data-viewer="{self._viewer_id}" data-holds="{holds}"'
        return f"{style}<div {name}>{way}{content}</div>"


def _display(bundle: JsonObject, display_id: str, update: bool) -> None:
    from IPython.display import display

    show: Any = display
    show(bundle, raw=True, display_id=display_id, update=update)
