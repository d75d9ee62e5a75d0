"""Write AnnData as zarr stores in every way that anndata and zarr can, and say beside them what anndata reads.

Usage: make_zarr.py FOLDER. The data are those of make_h5ad.py.
"""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numcodecs
import numpy as np
import pandas as pd
import scipy.sparse as sp
import zarr
from make_h5ad import expected_of, make
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

FORMS: dict[str, Any] = {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": lambda matrix: matrix.toarray()}
OLD_CODECS = {"blosc": numcodecs.Blosc(cname="lz4"), "zlib": numcodecs.Zlib(), "lz4": numcodecs.LZ4(), "none": None}
CODECS = {"blosc": BloscCodec(cname="zstd"), "gzip": GzipCodec(), "zstd": ZstdCodec(checksum=True)}

Options = Callable[[int], dict[str, Any]]


def data(form: str) -> anndata.AnnData:
    """Return the common data set with X in this form, and a column of texts that may be missing."""
    adata = make(seed=7)
    adata.X = FORMS[form](adata.X)
    texts = [None if i % 6 == 0 else f"t{i % 4}" for i in range(adata.n_obs)]
    adata.obs["maybe_text"] = pd.array(texts, dtype="string")
    return adata


def write_store(path: Any, adata: anndata.AnnData, version: int, options: Options = lambda axes: {}) -> None:
    """Write one store. ``options`` of arrays of numbers, by their number of axes."""
    anndata.settings.zarr_write_format = version
    group = zarr.open_group(path, mode="w", zarr_format=version)

    def callback(func: Any, target: Any, key: str, value: Any, dataset_kwargs: Any, iospec: Any) -> None:
        given = dict(dataset_kwargs)
        is_large = getattr(value, "dtype", np.dtype("O")).kind in "iuf" and value.shape != () and value.shape[0] > 64
        if is_large and iospec.encoding_type in ("array", "csr_matrix", "csc_matrix"):
            given.update(options(1 if sp.issparse(value) else value.ndim))
        func(target, key, value, dataset_kwargs=given)

    anndata.experimental.write_dispatched(group, "/", adata, callback)


def sharded(axes: int) -> dict[str, Any]:
    """Return options for several chunks to a file."""
    chunks = (32,) if axes == 1 else (64, 2)
    return {"chunks": chunks, "shards": tuple(4 * size for size in chunks)}


def write_all(folder: Path) -> None:
    """Write every case as ``NAME.zarr`` or ``NAME.zip``, and what all of them hold."""
    anndata.settings.allow_write_nullable_strings = True
    for form in FORMS:
        adata = data(form)
        write_store(folder / f"{form}-v2.zarr", adata, 2)
        write_store(folder / f"{form}-v3.zarr", adata, 3)
    csr = data("csr")
    for name, compressor in OLD_CODECS.items():
        write_store(folder / f"{name}-v2.zarr", csr, 2, lambda axes, compressor=compressor: {"compressor": compressor})
    for name, codec in CODECS.items():
        write_store(
            folder / f"{name}-v3.zarr",
            csr,
            3,
            lambda axes, codec=codec: {"compressors": [codec], "chunks": (100, 2)[:axes]},
        )
    write_store(folder / "sharded-v3.zarr", csr, 3, sharded)
    for version in (2, 3):
        with zarr.storage.ZipStore(folder / f"zipped-v{version}.zip", mode="w") as store:
            write_store(store, csr, version)
    shutil.make_archive(str(folder / "zipped-by-hand"), "zip", folder, "csc-v3.zarr")
    write_expected(folder)


def write_expected(folder: Path) -> None:
    """Write what anndata reads, which is the same from every store."""
    # A store lists its elements in no order of their own.
    found = {
        path.name: json.dumps(expected_of(anndata.read_zarr(path)), sort_keys=True)
        for path in sorted(folder.glob("*.zarr"))
    }
    if len(set(found.values())) != 1:
        raise ValueError(f"anndata reads something else from one of {list(found)}")
    (folder / "expected.json").write_text(next(iter(found.values())))
    for name in found:
        zarr.consolidate_metadata(folder / name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
