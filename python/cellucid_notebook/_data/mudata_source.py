"""A MuData in memory as sources: what all its cells have in common, and each modality as the AnnData that it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._arrays.source_error import SourceReadError
from .._arrays.turn import Turn
from .._wire.frame import Buffer
from .._wire.protocol import JsonObject
from .anndata_source import AnnDataSource
from .obs_columns import as_bytes

if TYPE_CHECKING:
    from mudata import MuData


class MuDataTop:
    """What stands in a MuData itself, shaped as an AnnData without genes, so that it is read by the same code."""

    is_view = False
    isbacked = False
    X = None
    raw = None
    layers: Mapping[str, Any] = {}
    var = pd.DataFrame(index=pd.Index([], dtype=str))

    def __init__(self, mdata: MuData) -> None:
        self._mdata = mdata
        self._of_view: dict[str, Any] = {}

    def begin_anew(self) -> None:
        """Take what a view holds now."""
        self._of_view.clear()

    @property
    def obs(self) -> Any:
        """Columns of all cells."""
        return self._mdata.obs

    @property
    def obs_names(self) -> Any:
        """Names of all cells."""
        return self._mdata.obs_names

    @property
    def n_obs(self) -> int:
        """Number of all cells."""
        return int(self._mdata.n_obs)

    @property
    def n_vars(self) -> int:
        """Number of genes, each counted once where modalities share them."""
        return int(self._mdata.n_vars)

    @property
    def var_names(self) -> Any:
        """None: genes are the modalities'."""
        return self.var.index

    @property
    def obsm(self) -> dict[str, Any]:
        """Joint embeddings. Under the name of a modality mudata keeps which cells it has, which is none."""
        joint = [key for key in self._mdata.obsm if key not in self._mdata.mod]
        if not self._mdata.is_view:
            return {key: self._mdata.obsm[key] for key in joint}
        # A view makes new arrays each time, which would look as if they had been replaced.
        for key in joint:
            if key not in self._of_view:
                self._of_view[key] = self._mdata.obsm[key]
        return {key: self._of_view[key] for key in joint}

    @property
    def uns(self) -> Any:
        """Colours of categories, and more."""
        return self._mdata.uns


class MuDataSource(AnnDataSource):
    """Reads what stands in a MuData itself, and says which cells each modality has."""

    def __init__(self, mdata: MuData) -> None:
        self._top = MuDataTop(mdata)
        super().__init__(self._top, called="mdata")
        self._mdata = mdata
        self._modalities = dict(mdata.mod)

    def begin_anew(self) -> None:
        """Take nothing for known, nor what a view made."""
        self._top.begin_anew()
        super().begin_anew()

    def _check_cells(self) -> None:
        """Also that its modalities are those that were shown."""
        super()._check_cells()
        now = self._mdata.mod
        if list(now) != list(self._modalities) or any(now[name] is not each for name, each in self._modalities.items()):
            raise SourceReadError(
                "changed", "The MuData has other modalities than when it was shown. Run show_anndata again."
            )

    def _answer(self, question: JsonObject, turn: Turn) -> tuple[JsonObject, Buffer]:
        if question["what"] == "cellMap":
            return {}, as_bytes(self._cell_map(question["modality"]))
        return super()._answer(question, turn)

    def _cell_map(self, name: str) -> Any:
        """For each cell its row in the modality plus one, or 0 where the modality lacks it, shape ``(n_obs,)`` u32."""
        names, own = self._mdata.obs_names, self._modalities[name].obs_names
        known = np.asarray(self._mdata.obsmap.get(name, ()), dtype=np.int64).reshape(-1)
        has = known > 0
        if len(known) == len(names) and has.sum() == len(own) and np.array_equal(own[known[has] - 1], names[has]):
            return np.ascontiguousarray(known, dtype="<u4")
        # It was changed since mudata looked last.
        if not own.is_unique:
            raise SourceReadError(
                "unsupported",
                f"mdata.obsmap[{name!r}] does not fit mdata[{name!r}], whose names of cells are not unique. Run "
                "mdata.update(), or make them unique with obs_names_make_unique().",
            )
        return np.ascontiguousarray(own.get_indexer(names) + 1, dtype="<u4")
