"""Write AnnData files for the tests, and beside each what anndata itself reads from it, as JSON.

Usage: make_h5ad.py FOLDER. Deterministic: the same versions of the packages write the same values.
"""

from __future__ import annotations

import json
import math
import sys
import warnings
from pathlib import Path
from typing import Any

import anndata
import natsort
import numpy as np
import pandas as pd
import scipy.sparse as sp

CELLS = 300
GENES = 24
RAW_GENES = 31


def make(seed: int) -> anndata.AnnData:
    """Return an AnnData with every encoding that the current anndata writes."""
    random = np.random.default_rng(seed)
    counts = random.poisson(0.4, size=(CELLS, RAW_GENES)).astype(np.float32)
    names = [f"GENE{i}" for i in range(RAW_GENES)]
    whole = anndata.AnnData(sp.csr_matrix(counts), var=pd.DataFrame(index=names))
    whole.raw = whole
    adata = whole[:, :GENES].copy()
    adata.var_names = [*names[:-10][: GENES - 3], "TWIN", "TWIN", "HLA-A*β"]
    adata.var["gene_symbols"] = [f"Sym{i}" for i in range(GENES - 2)] + ["SymX", "SymX"]
    adata.obs_names = [f"cell-{i}" for i in range(CELLS)]
    adata.layers["counts"] = sp.csc_matrix(counts[:, :GENES].astype(np.int64))
    adata.layers["large"] = (counts[:, :GENES].astype(np.int64) > 0) * (2**24 + np.arange(CELLS)[:, None])
    adata.layers["large_csr"] = sp.csr_matrix(adata.layers["large"])
    adata.layers["large_csc"] = sp.csc_matrix(adata.layers["large"] * 1.0)
    adata.layers["scaled"] = random.normal(size=(CELLS, GENES))
    # As census' get_anndata(X_layers=["raw"]) makes them: names of layers, and no other places.
    adata.layers["raw"] = random.normal(size=(CELLS, GENES)).astype(np.float32)
    adata.layers["X"] = sp.csr_matrix(counts[:, :GENES] * 7.0)
    adata.layers["half"] = random.normal(size=(CELLS, GENES)).astype(np.float16)
    add_obs(adata, random)
    add_obsm(adata, random)
    return adata


def add_obs(adata: anndata.AnnData, random: np.random.Generator) -> None:
    """Add one obs column of each kind."""
    codes = random.integers(-1, 3, CELLS)
    stages = pd.Categorical.from_codes(codes.tolist(), ["early", "mid", "late", "never"], ordered=True)
    adata.obs["stage"] = stages
    adata.uns["stage_colors"] = np.array(["#ff0000", "tab:blue", "gold", "0.5"])
    adata.obs["batch"] = pd.Categorical([f"b{i % 7}" for i in range(CELLS)])
    adata.uns["batch_colors"] = np.array(["red", "green"])
    adata.obs["many"] = pd.Categorical([f"m{i % 290:03d}" for i in range(CELLS)])
    adata.obs["cluster number"] = pd.Categorical(random.integers(0, 5, CELLS))
    adata.obs["dose"] = pd.Categorical(random.choice([0.5, 1.0, 2.25, 1e-05], CELLS))
    adata.obs["passed"] = pd.Categorical(random.choice([True, False], CELLS))
    adata.obs["doublet"] = random.choice([True, False], CELLS)
    adata.obs["n_counts"] = random.integers(0, 2**40, CELLS)
    adata.obs["joinid"] = np.arange(CELLS) + 70_000_000
    adata.obs["sample_hash"] = np.arange(CELLS, dtype=np.uint64) % 40 + np.uint64(2**60)
    adata.obs["maybe_hash"] = pd.array([None if i % 7 == 0 else 2**60 + i for i in range(CELLS)], dtype="Int64")
    adata.obs["maybe_large"] = pd.array([None if i % 7 == 0 else 10**12 + i for i in range(CELLS)], dtype="Int64")
    adata.obs["umi"] = np.arange(CELLS) + 16_777_216.0
    adata.obs["extreme"] = np.resize([1e300, -1e300, 1e-300, 0.0, np.nan, np.inf], CELLS)
    adata.obs["dose32"] = pd.Categorical(random.choice(np.array([0.1, 1, 1e-05, 1e16], dtype="f4"), CELLS))
    adata.obs["hash_group"] = pd.Categorical(np.arange(CELLS) % 3 + 2**60)
    adata.obs["small"] = random.integers(0, 100, CELLS).astype(np.int8)
    adata.obs["unsigned"] = random.integers(0, 2**16, CELLS).astype(np.uint16)
    score = random.normal(size=CELLS)
    score[3], score[5], score[8] = np.nan, np.inf, -np.inf
    adata.obs["score"] = score
    adata.obs["score32"] = score.astype(np.float32)
    adata.obs["barcode"] = [f"AAAC{i}" for i in range(CELLS)]
    adata.obs["maybe_int"] = pd.array([None if i % 5 == 0 else i for i in range(CELLS)], dtype="Int64")
    adata.obs["maybe_bool"] = pd.array([None if i % 4 == 0 else i % 3 == 0 for i in range(CELLS)], dtype="boolean")


def add_obsm(adata: anndata.AnnData, random: np.random.Generator) -> None:
    """Add embeddings, one of them with a missing position, and two that are none."""
    umap = random.normal(size=(CELLS, 2)) * [10, 3] + 5
    umap[7, 1] = np.nan
    umap[9, 0] = np.inf
    adata.obsm["X_umap"] = umap
    adata.obsm["X_pca"] = random.normal(size=(CELLS, 10)).astype(np.float32)
    adata.obsm["X_umap_3d"] = random.normal(size=(CELLS, 3))
    adata.obsm["spatial"] = random.integers(0, 4000, (CELLS, 2))
    adata.obsm["neighbours"] = sp.csr_matrix(np.eye(CELLS, 5))
    adata.obsm["table"] = pd.DataFrame({"a": np.arange(CELLS)}, index=adata.obs_names)


def number(value: Any) -> float | str | None:
    """Return a number as JSON can hold it: None is missing."""
    if math.isnan(value):
        return None
    if not math.isfinite(value):
        return str(value)
    # Whole numbers keep all their digits; others may travel as float32, where that is near enough.
    return float(value) if float(value).is_integer() else near(float(value))


def near(value: float) -> float:
    """Return what float32 makes of a number that it can hold."""
    single = float(np.float32(value))
    return single if abs(single - value) <= abs(value) * 2**-24 else value


def label(value: Any) -> str | None:
    """Return a category as it is shown."""
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return None
    return str(value)


def expected_obs(values: pd.Series[Any]) -> dict[str, Any]:
    """Return what one obs column must look like to a viewer."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return {
            "kind": "codes",
            "categories": [label(category) for category in values.cat.categories.tolist()],
            "ordered": bool(values.cat.ordered),
            "labels": [label(value) for value in values.tolist()],
        }
    if pd.api.types.is_bool_dtype(values.dtype):
        labels = [label(value) for value in values.tolist()]
        return {"kind": "codes", "categories": ["False", "True"], "ordered": False, "labels": labels}
    if pd.api.types.is_integer_dtype(values.dtype) and int(values.max()) > 2**53:
        return expected_obs(pd.Series(pd.Categorical(values)))
    if pd.api.types.is_numeric_dtype(values.dtype):
        return {"kind": "dense", "values": [number(value) for value in values.to_numpy(np.float64, na_value=np.nan)]}
    if values.nunique() > max(len(values) / 2, 20):
        return {"kind": "identifier"}
    # As scanpy makes texts categories: t1, t2, t10.
    texts = natsort.natsorted(values.dropna().astype(str).unique())
    return expected_obs(pd.Series(pd.Categorical(values, categories=texts)))


def expected_matrix(matrix: Any) -> list[list[float | str | None]]:
    """Return a matrix gene by gene."""
    dense = matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)
    return [[number(value) for value in column] for column in dense.astype(np.float64).T]


def expected(path: Path) -> dict[str, Any]:
    """Return what anndata reads from ``path``."""
    return expected_of(anndata.read_h5ad(path))


def expected_of(adata: anndata.AnnData) -> dict[str, Any]:
    """Return all values of an AnnData."""
    embeddings = {key: value for key, value in adata.obsm.items() if isinstance(value, np.ndarray)}
    matrices = {"X": adata.X, **{f"layers/{name}": adata.layers[name] for name in adata.layers if name is not None}}
    if adata.raw is not None:
        matrices["raw"] = adata.raw.X
    return {
        "obsNames": [str(name) for name in adata.obs_names],
        "varNames": [str(name) for name in adata.var_names],
        "rawVarNames": [] if adata.raw is None else [str(name) for name in adata.raw.var_names],
        "symbols": [str(name) for name in adata.var.get("gene_symbols", [])],
        "obs": {str(key): expected_obs(adata.obs[key]) for key in adata.obs.columns},
        "obsm": {key: [[number(x) for x in row] for row in value] for key, value in embeddings.items()},
        "matrices": {key: expected_matrix(value) for key, value in matrices.items() if value is not None},
    }


def write_all(folder: Path) -> None:
    """Write every case as ``NAME.h5ad`` and ``NAME.json``."""
    forms: dict[str, Any] = {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": lambda matrix: matrix.toarray()}
    for form, convert in forms.items():
        for compression in (None, "gzip", "lzf"):
            adata = make(seed=7)
            adata.X = convert(adata.X)
            adata.write_h5ad(folder / f"{form}-{compression or 'plain'}.h5ad", compression=compression)
    for path in sorted(folder.glob("*.h5ad")):
        path.with_suffix(".json").write_text(json.dumps(expected(path)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
