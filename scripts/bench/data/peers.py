"""What is usual in Python for the same questions, timed where it runs. A JSON question a line, a JSON answer a line.

Usage: peers.py, or peers.py sort FILE OUT for a process of its own, whose memory is looked at.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from typing import Any

import anndata
import h5py
import numpy as np
import scipy.sparse as sp
import zarr

BLOCK = 16 << 20


def first_picture(path: str) -> None:
    """Open a file, and read the embedding and one category as they are drawn."""
    adata = anndata.read_h5ad(path, backed="r")
    np.ascontiguousarray(adata.obsm["X_umap"], dtype="<f4").tobytes()
    np.asarray(adata.obs["cluster"].cat.codes).astype("u1").tobytes()
    adata.file.close()


def scan(path: str, gene: int) -> float:
    """Read one gene of a matrix that is stored by rows, block by block."""
    with h5py.File(path, "r") as file:
        matrix = file["X"]
        indptr = matrix["indptr"][:]
        stored = matrix["indices"].shape[0]
        out = np.zeros(len(indptr) - 1, np.float32)
        for start in range(0, stored, BLOCK):
            hits = np.flatnonzero(matrix["indices"][start : start + BLOCK] == gene)
            rows = np.searchsorted(indptr, hits + start, side="right") - 1
            out[rows] = matrix["data"][start : start + BLOCK][hits]
    return float(out.sum(dtype=np.float64))


def sort(path: str, out: str) -> dict[str, float]:
    """Sort a matrix by genes into another file."""
    start = time.perf_counter()
    with h5py.File(path, "r") as file:
        matrix = file["X"]
        shape = tuple(matrix.attrs["shape"])
        rows = sp.csr_matrix((matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]), shape=shape)
    columns = rows.tocsc()
    with h5py.File(out, "w") as file:
        for part in ("data", "indices", "indptr"):
            file[part] = getattr(columns, part)
    seconds = time.perf_counter() - start
    return {"ms": seconds * 1000, "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000}


def sorted_gene(path: str, gene: int) -> float:
    """Read one gene of what was sorted, as one value a cell."""
    with h5py.File(path, "r") as file:
        start, end = file["indptr"][gene : gene + 2]
        rows, values = file["indices"][start:end], file["data"][start:end]
        out = np.zeros(int(rows.max(initial=0)) + 1, np.float32)
        out[rows] = values
    return float(out.sum(dtype=np.float64))


def store_gene(path: str, gene: int) -> float:
    """Read one gene of a zarr store that is stored by columns."""
    matrix = zarr.open_group(path, mode="r")["X"]
    start, end = matrix["indptr"][gene : gene + 2]
    out = np.zeros(matrix.attrs["shape"][0], np.float32)
    out[matrix["indices"][start:end]] = matrix["data"][start:end]
    return float(out.sum(dtype=np.float64))


QUESTIONS = {each.__name__: each for each in (first_picture, scan, sorted_gene, store_gene)}


def main() -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        question: dict[str, Any] = json.loads(line)
        start = time.perf_counter()
        answer = QUESTIONS[question["what"]](*question["given"])
        print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "sum": answer}), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1:2] == ["sort"]:
        print(json.dumps(sort(*sys.argv[2:])))
    else:
        main()
