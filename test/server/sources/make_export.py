"""Export one dataset by the cellucid on the path, in several ways, and say beside it what was exported.

Usage: make_export.py FOLDER, with the wanted cellucid on PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import cellucid
import numpy as np
import pandas as pd
import scipy.sparse as sp
from make_h5ad import expected_matrix, expected_obs

CELLS = 70
GENES = 6


#: From 0.9 on embeddings have names, and a number must not be missing.
IS_LATER = "embeddings" in inspect.signature(cellucid.prepare).parameters


def dataset() -> dict[str, Any]:
    """Return arguments of ``prepare``."""
    rng = np.random.default_rng(4)
    score = rng.normal(size=CELLS).astype(np.float32)
    score[3] = 0 if IS_LATER else np.nan
    obs = pd.DataFrame(
        {
            "cell type/fine": pd.Categorical.from_codes(
                rng.integers(-1, 4, CELLS).tolist(), ["T", "B", "NK", "\u03b3"]
            ),
            "many": pd.Categorical([f"m{i:03d}" for i in range(CELLS)], categories=[f"m{i:03d}" for i in range(300)]),
            "passed": rng.choice([True, False], CELLS),
            "score": score,
            "n_counts": rng.integers(0, 9999, CELLS),
        },
        index=[f"c{i}" for i in range(CELLS)],
    )
    counts = sp.csr_matrix(rng.poisson(0.5, (CELLS, GENES)).astype(np.float32))
    graph = sp.triu(sp.random(CELLS, CELLS, 0.05, random_state=1), k=1).tocsr()
    return {
        "latent_space": rng.normal(size=(CELLS, 5)),
        "obs": obs,
        "var": pd.DataFrame(index=["CD3D", "MS4A1", "HLA-A*", "NKG7", "a/b", "GNLY"]),
        "gene_expression": counts,
        "connectivities": graph + graph.T,
        "X_umap_2d": rng.normal(size=(CELLS, 2)) * [4, 1],
        "X_umap_3d": rng.normal(size=(CELLS, 3)),
        "vector_fields": {"velocity_umap": rng.normal(size=(CELLS, 2))},
    }


def expected(data: dict[str, Any]) -> dict[str, Any]:
    """Return the exported values in the form that files of other tests have."""
    obs = data["obs"]
    return {
        "obsNames": [],
        "varNames": list(data["var"].index),
        "rawVarNames": [],
        "symbols": [],
        "obs": {key: expected_obs(obs[key]) for key in obs.columns},
        "obsm": {f"X_umap_{d}d": data[f"X_umap_{d}d"].astype(np.float32).tolist() for d in (2, 3)},
        "matrices": {"X": expected_matrix(data["gene_expression"])},
    }


def export(out_dir: Path, name: str, options: dict[str, Any]) -> None:
    """Call ``prepare`` as its version wants it."""
    arguments = {**dataset(), **options, "out_dir": out_dir, "dataset_name": name}
    if IS_LATER:
        arguments["embeddings"] = {f"X_umap_{d}d": arguments.pop(f"X_umap_{d}d") for d in (2, 3)}
        arguments["embeddings"]["X_pca"] = np.random.default_rng(9).normal(size=(CELLS, 2))
        arguments["embedding_defaults"] = {"2d": "X_pca", "3d": "X_umap_3d"}
        arguments["vector_fields"] = {"velocity": {"X_umap_2d": arguments["vector_fields"]["velocity_umap"]}}
        arguments["dataset_id"] = out_dir.name
        arguments["obs_categorical_dtype"] = "uint32" if "gzip" in name else "uint16"
        arguments["centroid_min_points"] = 1
        arguments["var"]["symbol"] = [f"S{i}" for i in range(GENES)]
        arguments["var_gene_name_columns"] = ["symbol"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        cellucid.prepare(**arguments)


def write_all(folder: Path) -> None:
    """Write every case."""
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "gzip": {"compression": 6},
        "quantised8": {"var_quantization": 8, "obs_continuous_quantization": 8},
        "quantised16-gzip": {"var_quantization": 16, "obs_continuous_quantization": 16, "compression": 1},
    }
    for name, options in ways.items():
        export(folder / name, f"Export {name}", options)
    several = folder / "several"
    for name in ("one", "two"):
        export(several / name, name, {})
    (folder / "expected.json").write_text(json.dumps(expected(dataset())))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
