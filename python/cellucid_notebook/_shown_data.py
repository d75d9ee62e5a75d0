"""What the notebook itself knows of the data a viewer shows: how many cells, their names, its embeddings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._checks import embedding_key
from .errors import ViewerNotReady

if TYPE_CHECKING:
    from anndata import AnnData


class ShownData:
    """An AnnData in memory, or a file; neither for a store behind a URL.

    ``ask_cell_count`` asks the server for the number of cells of a file; ``None`` while it does not know.
    """

    def __init__(
        self,
        *,
        adata: AnnData | None = None,
        path: Path | None = None,
        ask_cell_count: Callable[[], int | None] | None = None,
    ) -> None:
        self._adata = adata
        self._path = path
        self._ask_cell_count = ask_cell_count
        self._cell_count = None if adata is None else int(adata.n_obs)

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
        if self._path is not None and self._path.suffix == ".h5ad":
            return _names_in_file(self._path)
        raise TypeError("Cells of this dataset cannot be named here; give positions (0 is the first cell) or a mask.")

    def embedding_key(self, name: str) -> str:
        """The key of an embedding. For a file the page checks it, so that it is returned as it is."""
        return name if self._adata is None else embedding_key(self._adata, name)

    def let_go(self) -> None:
        """Hold on to the data no longer."""
        self._adata = None
        self._ask_cell_count = None


def _names_in_file(path: Path) -> Any:
    import h5py
    import pandas as pd

    with h5py.File(path, "r") as file:
        obs = file["obs"]
        names = obs[obs.attrs["_index"]]
        # Texts that may be missing, as anndata 0.13 writes them, are a group of values and of which are missing.
        return pd.Index((names if isinstance(names, h5py.Dataset) else names["values"]).asstr()[:])
