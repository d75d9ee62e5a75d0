"""The table of cases: a function each, which makes an AnnData with one property that people have reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

CELLS = 24
GENES = 5
#: For cases that hold something that each form encodes in a way of its own.
EVERY_FORM = ("h5ad", "h5ad gzip", "zarr v2", "zarr v3", "zarr zip")

#: For what, once written, is like any other.
IN_MEMORY: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One data set and what a viewer must say of it beside the values, which anndata itself reads."""

    name: str
    make: Callable[[], anndata.AnnData]
    #: The obsm key that is shown first.
    first: str
    #: The obsm keys that can be picked; ``None``: all that hold a table of numbers.
    offered: Sequence[str] | None = None
    #: Each a part of one of the notes.
    notes: Sequence[str] = ()
    #: Changes the written .h5ad, as another writer would have written it; what anndata reads then is right.
    rewrite: Callable[[Path], None] | None = None
    #: The same with NumPy's and scipy's arrays alone, where anndata itself cannot turn it into that.
    plain: Callable[[], anndata.AnnData] | None = None
    #: Its arrays are computed, or read, when they are needed.
    is_lazy: bool = False
    #: Why anndata cannot write it. That it cannot is tried.
    memory_only: str | None = None
    #: In which forms anndata writes it.
    forms: Sequence[str] = ("h5ad", "zarr v3")
    #: Forms that say something else than anndata, or nothing, by the doing of others: why.
    lacks: Mapping[str, str] = field(default_factory=dict)


CASES: dict[str, Case] = {}


def case(
    first: str = "X_umap",
    *,
    offered: Sequence[str] | None = None,
    notes: Sequence[str] = (),
    rewrite: Callable[[Path], None] | None = None,
    plain: Callable[[], anndata.AnnData] | None = None,
    is_lazy: bool = False,
    memory_only: str | None = None,
    forms: Sequence[str] = ("h5ad", "zarr v3"),
    lacks: Mapping[str, str] | None = None,
) -> Callable[[Callable[[], anndata.AnnData]], Callable[[], anndata.AnnData]]:
    """Put a function into the table; its docstring says who reported it."""

    def put(make: Callable[[], anndata.AnnData]) -> Callable[[], anndata.AnnData]:
        name = make.__name__.replace("_", " ")
        CASES[name] = Case(name, make, first, offered, notes, rewrite, plain, is_lazy, memory_only, forms, lacks or {})
        return make

    return put


def cells(
    count: int = CELLS, genes: int = GENES, *, umap: str | None = "X_umap", dtype: str = "float32"
) -> anndata.AnnData:
    """Return a plain AnnData: sparse counts, a field of each common kind, an embedding."""
    random = np.random.default_rng(count * 100 + genes)
    obs = pd.DataFrame(
        {
            "cell_type": pd.Categorical(random.choice(["B cell", "NK", "T"], count), categories=["B cell", "NK", "T"]),
            "score": random.normal(size=count),
        },
        index=[f"AAAC{i:03d}-1" for i in range(count)],
    )
    var = pd.DataFrame(index=[f"GENE{i}" for i in range(genes)])
    counts = random.poisson(0.8, (count, genes)).astype(dtype)
    adata = anndata.AnnData(sp.csr_matrix(counts), obs=obs, var=var)
    if umap is not None:
        adata.obsm[umap] = positions(count)
    return adata


def positions(count: int = CELLS, columns: int = 2, seed: int = 3) -> np.ndarray:
    """Return coordinates of cells, shape (count, columns), float64."""
    return np.random.default_rng(seed).normal(size=(count, columns)) * ([4.0, 1.0, 2.0] * columns)[:columns]
