"""Names of the cells of a file or store, as the server reads them and anndata does."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from .._wire.labels import name_text

#: Where a table does not say which column holds its names; as in `data/elements/dataframe.ts`.
_INDEX_NAMES = ("_index", "index", "_rownames", "features", "feature_names", "cells")


def stored_names(path: Path) -> Any | None:
    """Names in order, a pandas Index; ``None`` for a folder that holds no AnnData of anndata's own."""
    if path.is_file() and not zipfile.is_zipfile(path):
        import h5py

        with h5py.File(path, "r") as file:
            return _names_of(file["obs"]) if "obs" in file else None
    return _names_in_store(path)


def _names_in_store(path: Path) -> Any | None:
    is_store = path.is_file() or any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata"))
    if not is_store:
        return None
    import zarr

    store = zarr.storage.ZipStore(path, mode="r") if path.is_file() else path
    group = zarr.open_group(store, mode="r")
    return _names_of(group["obs"]) if "obs" in group else None


def _names_of(obs: Any) -> Any:
    import pandas as pd

    if hasattr(obs, "dtype"):  # records, as before anndata 0.7
        field = obs.dtype.names[0]
        values = obs[...][field]
        texts = [value.decode() if isinstance(value, bytes) else value for value in values]
    else:
        found = obs.attrs.get("_index", next((name for name in _INDEX_NAMES if name in obs), "_index"))
        texts = list(_element(obs[found]))
    return pd.Index([name_text(text) for text in texts], dtype=object)


def _element(stored: Any) -> Any:
    """What anndata reads from one element."""
    try:
        from anndata.io import read_elem
    except ImportError:  # before anndata 0.11
        from anndata.experimental import read_elem
    return read_elem(stored)
