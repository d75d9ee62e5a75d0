"""A read that takes long tells the page how far it is, ends when nobody waits for it, and holds up nobody else."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook import show_anndata

da = pytest.importorskip("dask.array")
dask = pytest.importorskip("dask")
COUNTS = np.random.default_rng(3).poisson(1, (200, 6)).astype(np.float32)
BLOCKS = 40


class SlowMatrix:
    """A dask matrix whose blocks wait to be let through."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.begun = 0
        self.first = threading.Event()
        self.stop = threading.Event()

    def block(self, block: np.ndarray) -> np.ndarray:
        self.begun += 1
        self.first.set()
        self.stop.wait(self.seconds)
        return block

    def adata(self) -> anndata.AnnData:
        chunks = (len(COUNTS) // BLOCKS, 6)
        lazy = da.from_array(COUNTS, chunks=chunks).map_blocks(
            self.block, dtype=np.float32, meta=np.empty((0, 0), np.float32)
        )
        names = pd.DataFrame(index=[f"g{number}" for number in range(6)])
        adata = anndata.AnnData(lazy, obs=pd.DataFrame({"batch": ["a", "b"] * 100}), var=names)
        adata.obsm["X_umap"] = np.zeros((200, 2), np.float32)
        return adata


@pytest.fixture(autouse=True)
def one_block_at_a_time() -> Any:
    with dask.config.set(scheduler="synchronous"):
        yield


def ask(page: Any, path: str) -> http.client.HTTPConnection:
    """Ask for something and leave the answer open."""
    connection = http.client.HTTPConnection(page._authority, timeout=30)
    connection.request("GET", f"/{path}", headers={"X-Cellucid-Key": page.key})
    return connection


def readings(page: Any) -> list[Any]:
    return [message for message in page.received if message.header["kind"] == "reading"]


def test_a_page_hears_how_much_of_a_gene_is_read(open_page: Any) -> None:
    slow = SlowMatrix(0.04)
    page = open_page(show_anndata(slow.adata()))
    assert len(page.request("GET", "_cellucid/columns/var?in=X&key=g2")) > 4 * 200
    last = page.wait_message(lambda: [message for message in readings(page) if message.header["done"] is None])
    shares = [message.header["done"] for message in readings(page) if message is not last]
    assert shares
    assert shares == sorted(shares)
    assert all(0 < share < 1 for share in shares)


def test_a_gene_that_the_page_left_is_not_read_to_its_end_and_others_do_not_wait_for_it(open_page: Any) -> None:
    slow = SlowMatrix(0.2)
    page = open_page(show_anndata(slow.adata()))
    page.json("_cellucid/identity")
    gene = ask(page, "_cellucid/columns/var?in=X&key=g2")
    assert slow.first.wait(20)
    # Answered between two parts of the gene.
    assert len(page.request("GET", "_cellucid/columns/obs?key=batch")) > 200
    assert slow.begun < BLOCKS
    gene.close()
    # The same gene, asked for by another page at once, would share the read: this is another one.
    slow.seconds = 0
    assert len(page.request("GET", "_cellucid/columns/var?in=X&key=g3")) > 4 * 200
    assert slow.begun < 2 * BLOCKS, "the first gene was read to its end"


def test_a_failing_array_is_a_sentence_in_the_page_and_the_rest_goes_on(open_page: Any) -> None:
    slow = SlowMatrix(0)
    adata = slow.adata()

    def fail(_: np.ndarray) -> np.ndarray:
        raise OSError("the disk is gone")

    adata.layers["broken"] = adata.X.map_blocks(fail, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    page = open_page(show_anndata(adata))
    answer = ask(page, "_cellucid/columns/var?key=g2&in=layers&layer=broken").getresponse()
    message = json.loads(answer.read())["message"]
    assert message.startswith(
        "Gene 'g2' of adata.layers['broken'] could not be read: its array says “the disk is gone”."
    )
    assert len(page.request("GET", "_cellucid/columns/var?in=X&key=g2")) > 4 * 200
