"""Write an AnnData for every case of `protocol/fixtures/embeddings.json`.

Usage: make_embeddings.py FOLDER. Writes `containers.h5ad` and `.zarr` with an obsm entry in every form, and
`first-N.h5ad` for case N.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp

FIXTURE = Path(__file__).parents[3] / "protocol" / "fixtures" / "embeddings.json"
CELLS = 30
NAMES = [f"c{i}" for i in range(CELLS)]


def numbers(columns: int) -> np.ndarray[Any, Any]:
    """Different ones in every place, some of them 0."""
    values = np.arange(CELLS * columns, dtype=float).reshape(CELLS, columns) % 17
    return values * np.arange(1, columns + 1)


def table(columns: dict[str, Any]) -> pd.DataFrame:
    """For obsm, which wants the cells' names."""
    return pd.DataFrame(columns, index=NAMES)


CONTAINERS: dict[str, Callable[[], Any]] = {
    "float64": lambda: numbers(2),
    "float32": lambda: numbers(2).astype(np.float32),
    "float16": lambda: numbers(2).astype(np.float16),
    "whole numbers": lambda: numbers(2).astype(np.int64),
    "all NaN": lambda: np.full((CELLS, 2), np.nan),
    "a list": lambda: numbers(1)[:, 0],
    "csr": lambda: sp.csr_matrix(numbers(2)),
    "csc": lambda: sp.csc_matrix(numbers(2)),
    "table": lambda: table({"UMAP_1": numbers(2)[:, 0], "UMAP_2": numbers(2)[:, 1]}),
    "table with a text behind": lambda: table(
        {"a": numbers(1)[:, 0], "b": np.arange(CELLS), "c": np.arange(CELLS), "d": ["x"] * CELLS}
    ),
    "ten columns": lambda: numbers(10),
    "True and False": lambda: numbers(2) > 0,
    "complex": lambda: numbers(2).astype(complex),
    "texts": lambda: np.array([["a", "b"]] * CELLS, dtype=object),
    "records": lambda: np.zeros(CELLS, dtype=[("x", "f4"), ("y", "f4")]),
    "cube": lambda: np.zeros((CELLS, 2, 2)),
    "no columns": lambda: np.zeros((CELLS, 0)),
    "table with a text": lambda: table({"a": numbers(1)[:, 0], "b": ["x", "y"] * (CELLS // 2)}),
    "table of True and False": lambda: table({"a": numbers(1)[:, 0] > 0, "b": numbers(1)[:, 0]}),
    "sparse True and False": lambda: sp.csr_matrix(numbers(2) > 0),
}


def containers(*, with_zarr_only: bool = True) -> anndata.AnnData:
    """One entry of each form. Zarr holds no lists of records in obsm."""
    adata = made({})
    for name, make in CONTAINERS.items():
        if with_zarr_only or name != "records":
            adata.obsm[name] = make()
    return adata


def first(case: dict[str, Any]) -> anndata.AnnData:
    """Obsm as a case has it."""
    return made(
        {key: entry(*([value] if isinstance(value, int) else value)) for key, value in case["obsm"].items()},
        case["own"],
    )


def entry(columns: int, container: str | None = None) -> Any:
    """An array of numbers, or another form of it."""
    return numbers(columns) if container is None else CONTAINERS[container]()


def made(obsm: dict[str, Any], own: str | None = None) -> anndata.AnnData:
    """A small AnnData."""
    adata = anndata.AnnData(np.zeros((CELLS, 1), np.float32), obs=pd.DataFrame(index=NAMES))
    for key, value in obsm.items():
        adata.obsm[key] = value
    if own is not None:
        adata.uns["default_embedding"] = own
    return adata


def main(folder: str) -> None:
    """Write all files."""
    containers().write_h5ad(Path(folder) / "containers.h5ad")
    containers(with_zarr_only=False).write_zarr(Path(folder) / "containers.zarr")
    for place, case in enumerate(json.loads(FIXTURE.read_text(encoding="utf-8"))["first"]):
        first(case).write_h5ad(Path(folder) / f"first-{place}.h5ad")


def kernel(_word: str) -> anndata.AnnData:
    """What a kernel shows."""
    return containers()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
