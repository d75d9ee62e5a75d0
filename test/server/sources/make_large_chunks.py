"""Write matrices in chunks of more than 64 MiB, as writers in R make them, and beside each some of its genes.

Usage: make_large_chunks.py FOLDER. Few different values, so that the files are small.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

CELLS = 9_000
GENES = 1_100
PER_CELL = 1_000


def matrix() -> sp.csr_matrix:
    """Return 9,000,000 stored float64 values, 72 MB of them."""
    random = np.random.default_rng(3)
    indices = np.concatenate([np.sort(random.permutation(GENES)[:PER_CELL]) for _ in range(50)]).astype(np.int64)
    values = random.normal(size=50 * PER_CELL)
    indptr = np.arange(CELLS + 1) * PER_CELL
    repeats = CELLS // 50
    return sp.csr_matrix((np.tile(values, repeats), np.tile(indices, repeats), indptr), shape=(CELLS, GENES))


FORMS: dict[str, Any] = {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": lambda x: x.toarray()}


def write(path: Path, x: Any, chunk: int | None, *, latest: bool = False, **options: Any) -> None:
    """Write with X in chunks of so many rows; ``None`` is one chunk."""
    obs = pd.DataFrame(index=[f"c{i}" for i in range(CELLS)])
    adata = anndata.AnnData(obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]))
    adata.obsm["X_umap"] = np.random.default_rng(1).normal(size=(CELLS, 2))
    adata.write_h5ad(path)
    names = [f"X/{part}" for part in ("data", "indices", "indptr")] if sp.issparse(x) else ["X"]
    encoding = {"encoding-type": f"{x.format}_matrix", "encoding-version": "0.1.0"} if sp.issparse(x) else {}
    with h5py.File(path, "r+", libver="latest" if latest else "earliest") as file:
        for name in names:
            values = getattr(x, name[2:]) if len(names) > 1 else x
            shape = (min(chunk or len(values), len(values)), *values.shape[1:])
            file.create_dataset(name, data=values, chunks=shape, **options)
        file["X"].attrs.update({**encoding, "shape": x.shape})


def write_all(folder: Path) -> None:
    """Write every case, and what some genes hold."""
    counts = matrix()
    gzip = {"compression": "gzip", "compression_opts": 1}
    write(folder / "csr-gzip.h5ad", counts, None, **gzip)
    write(folder / "csr-plain.h5ad", counts, None)
    write(folder / "csr-shuffle.h5ad", counts, None, shuffle=True, fletcher32=True, **gzip)
    write(folder / "csr-lzf.h5ad", counts, None, compression="lzf")
    write(folder / "csc-latest.h5ad", sp.csc_matrix(counts), None, latest=True, shuffle=True, **gzip)
    write(folder / "dense-two.h5ad", counts.toarray().astype(">f8"), 8_000, **gzip)
    genes = {f"g{i}": [float(x) for x in np.float32(counts[:, i].toarray().ravel())] for i in (0, 1, 777, GENES - 1)}
    (folder / "genes.json").write_text(json.dumps(genes))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
