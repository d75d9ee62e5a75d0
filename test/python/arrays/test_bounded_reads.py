"""No read of one column takes memory that grows with the matrix, wherever it is kept and whatever is shown of it."""

from __future__ import annotations

import tracemalloc
from functools import cache
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook._arrays import array_parts, gene_copies
from cellucid_notebook._data.anndata_source import AnnDataSource

CELLS, GENES = 4_000, 500
#: Each matrix takes 8 MB. Between two turns far less of it is read.
MATRIX_BYTES = 8_000_000
PART_BYTES = 1 << 18


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_parts, "_PART_STORED", PART_BYTES // 8)
    monkeypatch.setattr(array_parts, "_PART_BYTES", PART_BYTES)
    monkeypatch.setattr(gene_copies.GeneCopies.__init__, "__defaults__", (lambda: 0,))
    monkeypatch.setattr(gene_copies, "_MIN_STORED", 1)


@cache
def dataset(form: str) -> anndata.AnnData:
    random = np.random.default_rng(0)
    matrix: Any = sp.random(CELLS, GENES, 0.5, "csr", np.float32, random)
    made = anndata.AnnData(
        matrix if form == "csr" else matrix.toarray(),
        obs=pd.DataFrame({"score": random.random(CELLS)}, index=pd.RangeIndex(CELLS).astype(str)),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
        obsm={"X_pca": random.random((CELLS, 200))},
    )
    made.raw = made
    return made


@pytest.mark.parametrize("shown", ["whole", "view"])
@pytest.mark.parametrize("place", ["memory", "r+"])
@pytest.mark.parametrize("form", ["csr", "dense"])
def test_a_column_takes_little_beside_itself(form: str, place: str, shown: str, tmp_path: Path) -> None:
    adata = dataset(form)
    if place != "memory":
        adata.write_h5ad(tmp_path / "x.h5ad")
        adata = anndata.read_h5ad(tmp_path / "x.h5ad", backed=place)
    source = AnnDataSource(adata[::2] if shown == "view" else adata)
    questions = [
        {"what": "describe"},
        {"what": "var", "index": 3, "matrix": {"in": "X"}},
        {"what": "var", "index": 3, "matrix": {"in": "raw"}},
        {"what": "obsm", "key": "X_pca", "columns": 2, "start": 0, "end": 1000},
        {"what": "obs", "key": "score"},
    ]
    for question in questions:
        source.read(question)  # what is kept from the first time on is no matter here
        tracemalloc.start()
        try:
            source.read(question)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < MATRIX_BYTES / 4, (question, peak)
