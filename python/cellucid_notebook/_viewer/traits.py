"""What can be read of a viewer can be set and observed; what is none of it is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import traitlets

from .._arguments import height_px
from .._data.colors import hex_color
from .._wire.labels import label_text
from ..errors import ArgumentTypeError, CellucidError, near_names, or_nothing
from .absent_viewer import AbsentViewer, is_sent_with_a_function
from .shown_values import ShownCells, ShownTrait, ShownValues

if TYPE_CHECKING:
    from .._data.cells import CellIndices
    from .._data.shown_data import ShownData
    from .._notebook.widget_comm import WidgetComm
    from .._server.viewer_record import ViewerLink
    from ..hooks import Hooks
    from .highlights import Highlights

_COLOR = "#ff0000"
_SHOWN = frozenset({"selection", "color", "embedding", "height", "highlighted"})
_CELLS = frozenset({"selection", "highlighted"})


def _cells_to_json(cells: ShownCells, _: object) -> str:
    # A name for the cells: the cells themselves are too many, and no front end draws them.
    return cells.token


def _color_to_json(label: Any, _: object) -> str | int | float | None:
    return label if isinstance(label, (str, int, float)) or label is None else label_text(label)


class ViewerTraits(traitlets.HasTraits):
    """Values to read, to set (at once, and in every page), to observe and to link.

    ``viewer.observe(callback, "selection")`` hears of the user's own clicks too, on the thread of the hooks.
    """

    selection = ShownTrait(
        "select_cells", help="The selected cells: positions in adata.obs, ascending uint32, shape (count,)."
    ).tag(sync=True, to_json=_cells_to_json)
    color = ShownTrait(
        "set_color_by", help="The column of obs or gene that colours the cells; None for one colour."
    ).tag(sync=True, to_json=_color_to_json)
    embedding = ShownTrait(
        "_set_embedding", help="The key of the embedding in adata.obsm; None before a page said which it chose."
    ).tag(sync=True)
    height = ShownTrait("_set_height", help="The height in the cell, in CSS pixels.").tag(sync=True)
    highlighted = ShownTrait(
        "_set_highlighted",
        help="The highlighted cells, in whichever colour: positions in adata.obs. Set to cells, or to cells by colour: "
        "{'orange': [1, 2]}.",
    ).tag(sync=True, to_json=_cells_to_json)

    if TYPE_CHECKING:
        _data: ShownData
        _link: ViewerLink
        _messages: WidgetComm
        _shown: ShownValues
        _highlights: Highlights
        _command: Callable[..., None]
        _cells_command: Callable[..., None]
        _check_usable: Callable[[], None]
        _indices: Callable[[Any], CellIndices]
        set_embedding: Callable[[str], None]
        _hooks: Hooks
        _tell_failure: Callable[[str, str, str], None]
        send_state: Callable[[str], None]
        get_state: Callable[[str], dict[str, Any]]

    #: From here on a public name that does not exist is refused.
    _is_made = False

    @traitlets.default("selection")
    def _no_selection(self) -> ShownCells:
        return ShownCells.of(np.empty(0, dtype=np.uint32))

    @traitlets.default("highlighted")
    def _no_highlights(self) -> ShownCells:
        return ShownCells.of(np.empty(0, dtype=np.uint32))

    @traitlets.default("color")
    def _first_color(self) -> Any:
        return self._data.color_label(self._link.options.get("color"))

    @traitlets.default("embedding")
    def _first_embedding(self) -> str | None:
        name: str | None = self._link.options.get("embedding")
        return name

    @traitlets.default("height")
    def _first_height(self) -> int:
        return self._messages.height

    def set_state(self, sync_data: Mapping[str, Any]) -> None:
        """Take what a front end set, as `jslink` does there; ours on the thread of the hooks, since it may wait."""
        shown = {name: value for name, value in sync_data.items() if name in _SHOWN}
        rest = {name: value for name, value in sync_data.items() if name not in _SHOWN}
        if rest:
            super().set_state(rest)  # type: ignore[misc]
        for name, value in shown.items():
            self._hooks.call(partial(self._take_from_front_end, name, value))

    def _take_from_front_end(self, name: str, value: Any) -> None:
        if value == self._in_front_end(name):
            return
        asked = _cells_called(value) if name in _CELLS and isinstance(value, str) else value
        if name in _CELLS and asked is None:
            return  # Whoever had these cells has others by now, and says so.
        try:
            setattr(self, name, asked)
        except CellucidError as error:
            self._tell_failure(f"{name} = ...", str(error), f"viewer.{name} was not set: {error}")
            return
        # "umap" is X_umap from here on.
        if value != self._in_front_end(name):
            self.send_state(name)

    def _in_front_end(self, name: str) -> Any:
        return self.get_state(name)[name]

    def _set_embedding(self, name: str | None) -> None:
        if name is not None or self.embedding is not None:  # of another viewer it may be unknown yet
            self.set_embedding(name)  # type: ignore[arg-type]

    def _set_height(self, height: Any) -> None:
        self._check_usable()
        px = height_px(height)
        change = self._shown.ask("height", px)
        self._messages.set_height(px)
        if change is not None:
            self.notify_change(change)

    def _set_highlighted(self, cells: Any) -> None:
        self._check_usable()
        by_color = cells if isinstance(cells, Mapping) else {_COLOR: cells}
        sets = {hex_color(color): self._indices(chosen) for color, chosen in by_color.items()}
        shown = self._highlights.without_any()
        for color, indices in sets.items():
            shown = self._highlights.with_cells(color, indices)
        self._command({"kind": "clearHighlights"}, "clear_highlights()")
        for color, indices in sets.items():
            self._cells_command("highlight_cells", indices, {"kind": "highlight", "color": color})
        change = self._shown.ask("highlighted", shown)
        if change is not None:
            self.notify_change(change)

    def __getattr__(self, name: str) -> Any:
        __tracebackhide__ = True
        raise AttributeError(f"A viewer has no {name!r}{self._near(name)}")

    def __setattr__(self, name: str, value: Any) -> None:
        __tracebackhide__ = True
        if self._is_made and not name.startswith("_") and name not in vars(self) and not hasattr(type(self), name):
            raise AttributeError(f"A viewer has no {name!r} to set{self._near(name)}")
        try:
            super().__setattr__(name, value)
        except CellucidError as error:
            raise error.with_traceback(None) from None

    def _near(self, name: str) -> str:
        return "." if name.startswith("_") else f"; most like it: {or_nothing(near_names(name, dir(self)))}."

    def __copy__(self) -> NoReturn:
        raise ArgumentTypeError(f"A viewer cannot be copied: {_TIED}")

    def __deepcopy__(self, _: object) -> NoReturn:
        raise ArgumentTypeError(f"A viewer cannot be copied: {_TIED}")

    def __reduce_ex__(self, _: object) -> Any:
        if is_sent_with_a_function():
            return AbsentViewer, (self._link.viewer_id,)
        raise ArgumentTypeError(f"A viewer cannot be pickled: {_TIED}")


_TIED = (
    "it is tied to the picture in this notebook and to this process. Keep viewer.get_session_bundle() to come back to "
    "what it shows, viewer.selection for the cells, or call show_anndata(adata) again."
)


def _cells_called(token: str) -> ShownCells | None:
    """The cells of this name that a viewer of this kernel shows now."""
    from ipywidgets.widgets import widget as ipywidgets_widget

    viewers = [each for each in list(ipywidgets_widget._instances.values()) if isinstance(each, ViewerTraits)]
    shown = [cells for viewer in viewers for cells in (viewer.selection, viewer.highlighted)]
    return next((cells for cells in shown if cells.token == token), None)
