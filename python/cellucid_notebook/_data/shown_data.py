"""What the notebook itself knows of the data a viewer shows: how many cells, their names, its embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._arrays.tables import column_names
from .._wire.labels import by_text
from ..errors import ArgumentError, ArgumentTypeError, UnknownCellError, ViewerNotReady
from .cells import CellIndices, cell_indices
from .checks import embedding_key, is_anndata, is_mudata
from .origin import Origin, origin_of
from .stored_names import stored_names

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


class ShownData:
    """An AnnData or MuData in memory, or a file; neither for a store behind a URL.

    ``ask_cell_count`` asks the server for the number of cells of a file; ``None`` while it does not know.
    """

    def __init__(
        self,
        *,
        adata: AnnData | MuData | None = None,
        path: Path | None = None,
        ask_cell_count: Callable[[], int | None] | None = None,
    ) -> None:
        self._adata = adata
        self._path = path
        self._ask_cell_count = ask_cell_count
        self._cell_count = None if adata is None else int(adata.n_obs)

    @property
    def anndata(self) -> AnnData | None:
        """The AnnData in memory, if it is one."""
        return None if self._adata is None or is_mudata(self._adata) else self._adata

    def cell_count(self) -> int:
        """The number of cells. Raises ``ViewerNotReady`` while a file is being opened."""
        if self._cell_count is None and self._ask_cell_count is not None:
            self._cell_count = self._ask_cell_count()
        if self._cell_count is None:
            raise ViewerNotReady(
                "How many cells the file has is not known yet. Wait with viewer.wait_for_ready(), then try again."
            )
        return self._cell_count

    def learn_cell_count(self, cell_count: int) -> None:
        """A page said how many cells there are."""
        if self._cell_count is None:
            self._cell_count = cell_count

    def cell_names(self) -> Any:
        """Names of the cells in order, a pandas Index. Raises ``TypeError`` where they cannot be read in Python."""
        if self._adata is not None:
            return self._adata.obs_names
        names = None if self._path is None else stored_names(self._path)
        if names is not None:
            return names
        raise ArgumentTypeError(
            "Cells of this dataset cannot be named here; give positions (0 is the first cell) or a mask."
        )

    def column_labels(self) -> Any:
        """Labels of the columns of obs, ``None`` where they are not read in Python."""
        return None if self._adata is None else column_names(self._adata.obs)

    def color_label(self, text: str | None) -> Any:
        """The label of a column of obs, or the gene, that pages call ``text``."""
        labels = self.column_labels()
        same = [] if labels is None or text is None else by_text(labels).get(text, [])
        return text if text in same or not same else same[0]

    def indices(self, cells: Any) -> CellIndices:
        """Turn whatever names cells into ascending, unique positions: also an AnnData that holds some of those shown.

        Of a view of the AnnData that is shown its rows are meant, of any other its names. Errors as in `cell_indices`.
        """
        if not is_anndata(cells):
            return cell_indices(cells, self.cell_count(), self.cell_names)
        if self._adata is not None:
            shown, given = origin_of(self._adata), origin_of(cells)
            if shown.adata is given.adata:
                return _rows_in(given, shown)
        names = self.cell_names()
        if cells.obs_names.equals(names):
            return np.arange(len(names), dtype=np.uint32)
        if not (names.is_unique and cells.obs_names.is_unique):
            raise ArgumentError(
                "The cells of this AnnData cannot be told by their names, which are not unique. Give positions, or a "
                "view of the AnnData that is shown."
            )
        return cell_indices(cells.obs_names, self.cell_count(), lambda: names)

    def embedding_key(self, name: str) -> str:
        """The key of an embedding. For a file the page checks it, so that it is returned as it is."""
        return name if self._adata is None or is_mudata(self._adata) else embedding_key(self._adata, name)

    def let_go(self) -> None:
        """Hold on to the data no longer."""
        self._adata = None
        self._ask_cell_count = None


def _rows_in(given: Origin, shown: Origin) -> CellIndices:
    """The rows of ``given`` by their places in ``shown``; both are of one AnnData."""
    count = int(shown.adata.n_obs)
    all_rows = np.arange(count)
    wanted = np.unique(all_rows if given.rows is None else given.rows)
    rows = all_rows if shown.rows is None else shown.rows
    found = np.flatnonzero(np.isin(rows, wanted))
    if len(np.unique(rows[found])) < len(wanted):
        missing = int(np.setdiff1d(wanted, rows)[0])
        name = str(shown.adata.obs_names[missing])
        raise UnknownCellError(f"The viewer shows {len(rows):,} cells, not {name!r} among them. Give cells it shows.")
    return found.astype(np.uint32)
