"""AnnData whose arrays end where a batch of the pipe does, shown by a real server: it lives, and the values hold."""

from __future__ import annotations

import json
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook import show_anndata
from cellucid_notebook._server import supervisor

from page import Page

pytestmark = pytest.mark.usefixtures("own_server")

#: Positions are 8 bytes a cell, read 8 MiB at once; a number is 4 bytes. 4 to 4.9 MB is what once ended the server.
CELLS = [530_000, 614_000, 1_220_000, 1_660_000]
MORE_CELLS = [524_288, 1_060_000, 1_580_000, 10_000_000]
#: Cells with a count of each gene, 8 bytes each.
STORED = [0, 524_279, 530_000, 614_000]


def dataset(cells: int) -> anndata.AnnData:
    random = np.random.default_rng(cells)
    columns = [np.sort(random.choice(cells, min(stored, cells), replace=False)) for stored in STORED]
    indptr = np.concatenate([[0], np.cumsum([len(rows) for rows in columns])])
    rows = np.concatenate(columns)
    adata = anndata.AnnData(
        sp.csc_matrix((random.random(len(rows), dtype="f4") + 1, rows, indptr), shape=(cells, len(STORED))),
        obs=pd.DataFrame({"score": random.random(cells, dtype="f4")}, index=pd.RangeIndex(cells).astype(str)),
        var=pd.DataFrame(index=[f"g{i}" for i in range(len(STORED))]),
    )
    adata.obsm["X_umap"] = random.random((cells, 2), dtype="f4")
    return adata


def sections(frame: bytes) -> tuple[dict[str, Any], list[Any]]:
    """Header and arrays of a column frame."""
    assert frame[:8] == b"CELLUCD\x01"
    at = 12 + int.from_bytes(frame[8:12], "little")
    header = json.loads(frame[12:at])
    arrays = []
    for kind, length in header["sections"]:
        arrays.append(np.frombuffer(frame, f"<{kind}", length, at))
        at += -(-arrays[-1].nbytes // 8) * 8
    return header, arrays


def shown(page: Page, adata: anndata.AnnData) -> None:
    """Everything that the page asks for holds what anndata does."""
    head, (positions,) = sections(page.request("GET", "_cellucid/embedding"))
    stored = positions.reshape(-1, 2) * head["scale"] + head["center"]
    np.testing.assert_allclose(stored, adata.obsm["X_umap"], atol=1e-6)
    _, (score,) = sections(page.request("GET", "_cellucid/columns/obs?key=score"))
    np.testing.assert_array_equal(score, adata.obs["score"])
    for gene in adata.var_names:
        head, arrays = sections(page.request("GET", f"_cellucid/columns/var?in=X&key={gene}"))
        values = arrays[-1]
        if head["kind"] == "sparse":
            values = np.zeros(adata.n_obs, dtype="f4")
            values[arrays[0]] = arrays[1]
        np.testing.assert_array_equal(values, adata[:, gene].X.toarray().ravel())


@pytest.mark.parametrize("cells", [*CELLS, *(pytest.param(cells, marks=pytest.mark.long) for cells in MORE_CELLS)])
def test_a_dataset_that_ends_where_a_batch_does_is_shown_with_its_values(cells: int, open_page: Any) -> None:
    adata = dataset(cells)
    viewer = show_anndata(adata)
    shown(open_page(viewer), adata)
    running = supervisor.current()
    assert running is not None
    assert running.restarts == 0
