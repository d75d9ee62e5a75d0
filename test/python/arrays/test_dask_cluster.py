"""A user's `dask.distributed` client does the work, and a cluster that dies is a sentence."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._arrays.turn import AbandonedError
from cellucid_notebook._data.anndata_source import AnnDataSource
from column_answers import values_of

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
COUNTS = np.random.default_rng(3).poisson(1, (200, 6)).astype(np.float32)
GENES = pd.DataFrame(index=[f"g{number}" for number in range(6)])


@pytest.fixture
def cluster() -> Iterator[Any]:
    """Two worker processes, and a client that dask finds by itself."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, protocol="tcp"
        ) as two,
        distributed.Client(two) as client,
    ):
        client.wait_for_workers(2)
        yield two


def source_of(work: Any) -> AnnDataSource:
    lazy = da.from_array(COUNTS, chunks=(10, 6)).map_blocks(work, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    return AnnDataSource(anndata.AnnData(lazy, var=GENES))


def gene(source: AnnDataSource, index: int, turn: Any = lambda _: None) -> np.ndarray:
    return values_of(source.read({"what": "var", "index": index, "matrix": {"in": "X"}}, turn))


def by_whom(block: np.ndarray) -> np.ndarray:
    import os

    return np.full_like(block, os.getpid())


def slowly(block: np.ndarray) -> np.ndarray:
    import time

    time.sleep(0.5)
    return block


@pytest.mark.timeout(180)
def test_the_users_cluster_computes_and_when_it_dies_the_next_read_works(cluster: Any) -> None:
    computed_by = set(gene(source_of(by_whom), 1).astype(int).tolist())
    assert os.getpid() not in computed_by
    assert len(computed_by) == 2
    np.testing.assert_array_equal(gene(source_of(lambda block: block), 4), COUNTS[:, 4])

    def leave(_: float) -> None:
        raise AbandonedError

    with pytest.raises(AbandonedError):
        gene(source_of(slowly), 2, leave)

    closing = threading.Thread(target=cluster.close)

    def close_midway(_: float) -> None:
        if not closing.is_alive() and closing.ident is None:
            closing.start()

    source = source_of(slowly)
    with pytest.raises(SourceReadError) as refused:
        gene(source, 2, close_midway)
    closing.join()
    assert "Gene 'g2' of adata.X could not be read: the dask" in str(refused.value)
    assert "Start the cluster again" in str(refused.value)
    distributed.default_client().close()
    np.testing.assert_array_equal(gene(source, 2), COUNTS[:, 2])
