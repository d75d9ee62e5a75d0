"""Write AnnData of random shapes, types and encodings as h5ad and zarr, and say beside each what anndata reads.

Usage: make_random.py FOLDER. One data set a seed; the same seed makes the same.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp
from make_h5ad import expected_of

SEEDS = range(1, 7)
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float32", "float64"]
#: What a person may write above a column, and a path or a URL would take for something else.
NAMES = [
    "plain",
    "with space",
    "100%25",
    "a#b?c=d&e",
    "\u03b3\u03b4 T",
    "..up",
    "comma,quote\"'",
    "<b>x",
    "x" * 200,
]


def make(seed: int) -> anndata.AnnData:
    """Return an AnnData in which everything that can vary does."""
    random = np.random.default_rng(seed)
    cells, genes = int(random.integers(1, 300)), int(random.integers(1, 30))
    obs = pd.DataFrame(index=[f"cell {i}" for i in range(cells)])
    for position, make_column in enumerate(COLUMNS):
        obs[f"{NAMES[(position + seed) % len(NAMES)]} {position}"] = make_column(random, cells)
    var = pd.DataFrame({"symbol": [f"S{i}" for i in range(genes)]}, index=[f"gene/{i}" for i in range(genes)])
    adata = anndata.AnnData(matrix(random, cells, genes), obs=obs, var=var)
    for name in ("counts", "with space%"):
        adata.layers[name] = matrix(random, cells, genes)
    if seed % 2:
        extra = int(random.integers(0, 9))
        raw_var = pd.DataFrame(index=[f"raw {i}" for i in range(genes + extra)])
        adata.raw = anndata.AnnData(matrix(random, cells, genes + extra), obs=obs[[]], var=raw_var)
    umap = random.normal(size=(cells, 2)) * random.choice([1e-6, 1, 1e6])
    umap[random.random(cells) < 0.1] = np.nan
    umap[0] = [1, 2]
    adata.obsm["X_umap"] = umap.astype(random.choice(FLOATS))
    if seed % 3 == 0:
        adata.obs_names, adata.var_names = (names.astype("string") for names in (adata.obs_names, adata.var_names))
    return adata


def matrix(random: np.random.Generator, cells: int, genes: int) -> Any:
    """Return a matrix in any form and type, with entries out of order now and then."""
    dense = random.poisson(random.choice([0.05, 0.6, 3]), (cells, genes)).astype(random.choice([*INTEGERS, *FLOATS]))
    form = random.choice(["csr", "csc", "dense"])
    if form == "dense":
        return np.asfortranarray(dense) if random.random() < 0.5 else dense
    found = sp.csr_matrix(dense) if form == "csr" else sp.csc_matrix(dense)
    if found.indptr.size > 1:
        for start, end in zip(found.indptr[:-1], found.indptr[1:], strict=True):
            order = random.permutation(end - start)
            found.indices[start:end] = found.indices[start:end][order]
            found.data[start:end] = found.data[start:end][order]
        found.has_sorted_indices = False
    if random.random() < 0.5:
        found.indices, found.indptr = found.indices.astype(np.int64), found.indptr.astype(np.int64)
    return found


def categorical(random: np.random.Generator, cells: int, count: int, kind: str = "text") -> pd.Categorical:
    """Return codes with missing ones, and categories of a kind, some of which nobody has."""
    makers: dict[str, Any] = {
        "text": lambda i: f"k{i}\u00e9",
        "number": lambda i: i * 3 - 7,
        "float": lambda i: i / 8,
        "bool": bool,
    }
    categories: Any = [makers[kind](i) for i in range(count)]
    if kind == "text" and random.random() < 0.5:
        # What pandas 3 makes of any text.
        categories = pd.array(categories, dtype="string")
    codes = random.integers(-1, count, cells)
    return pd.Categorical.from_codes(codes.tolist(), categories, ordered=bool(random.random() < 0.5))


def numbers(random: np.random.Generator, cells: int) -> Any:
    """Return numbers of any type; those with a point may be missing or endless."""
    dtype = random.choice([*INTEGERS, *FLOATS])
    values = random.integers(0, 100, cells).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values = (values * random.normal(size=cells)).astype(dtype)
        values[random.random(cells) < 0.1] = np.nan
        values[random.random(cells) < 0.05] = random.choice([np.inf, -np.inf])
    return values


def nullable(random: np.random.Generator, cells: int, dtype: str) -> Any:
    """Return one of the arrays of pandas that keep apart what is missing."""
    values: list[Any] = {
        "string": lambda: [f"t{i}" for i in random.integers(0, 5, cells)],
        "boolean": (random.random(cells) < 0.5).tolist,
    }.get(dtype, lambda: random.integers(0, 100, cells).tolist())()
    is_missing = random.random(cells) < 0.2
    is_missing[0] = False
    return pd.array([None if gone else v for v, gone in zip(values, is_missing, strict=True)], dtype=dtype)


COLUMNS: list[Any] = [
    numbers,
    numbers,
    numbers,
    *(lambda r, n, count=count: categorical(r, n, count) for count in (1, 12, 254, 255, 300)),
    *(lambda r, n, kind=kind: categorical(r, n, 2, kind) for kind in ("number", "float", "bool")),
    *(lambda r, n, dtype=dtype: nullable(r, n, dtype) for dtype in ("Int8", "Int64", "UInt32", "boolean", "string")),
    lambda r, n: r.random(n) < 0.5,
    lambda r, n: [f"t{i}" for i in r.integers(0, 15, n)],
]


def write_all(folder: Path) -> None:
    """Write every seed as ``SEED.h5ad``, ``SEED-v2.zarr``, ``SEED-v3.zarr`` and ``SEED.json``."""
    anndata.settings.allow_write_nullable_strings = True
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        path = folder / f"{seed}.h5ad"
        compression = random.choice(["gzip", "lzf", ""]) or None
        make(seed).write_h5ad(path, compression=compression, convert_strings_to_categoricals=False)
        found = json.dumps(expected_of(anndata.read_h5ad(path)), sort_keys=True)
        (folder / f"{seed}.json").write_text(found)
        for version in (2, 3):
            anndata.settings.zarr_write_format = version
            store = folder / f"{seed}-v{version}.zarr"
            chunks = (int(random.integers(1, 400)), int(random.integers(1, 40)))
            make(seed).write_zarr(store, chunks=chunks, convert_strings_to_categoricals=False)
            if json.dumps(expected_of(anndata.read_zarr(store)), sort_keys=True) != found:
                raise ValueError(f"anndata itself reads something else from {store.name} than from {path.name}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
