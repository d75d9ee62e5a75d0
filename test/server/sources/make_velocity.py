"""Write an AnnData with arrows in its UMAPs, and what cellucid's own server says and sends of them.

Usage: make_velocity.py FOLDER, with cellucid 0.0.9 on PYTHONPATH.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from cellucid.anndata_adapter import AnnDataAdapter

CELLS = 100


def dataset() -> anndata.AnnData:
    """Return 100 cells with a 2D and a 3D UMAP, and arrows named in every way."""
    rng = np.random.default_rng(5)
    adata = anndata.AnnData(
        rng.poisson(1, (CELLS, 4)).astype(np.float32),
        obs=pd.DataFrame({"kind": pd.Categorical(rng.choice(["a", "b", "c"], CELLS)), "score": rng.normal(size=CELLS)}),
    )
    adata.obs_names = [f"c{i}" for i in range(CELLS)]
    shapes = {
        "X_umap_2d": 2,
        "X_umap_3d": 3,
        "X_pca": 5,
        "velocity_umap": 2,
        "velocity_umap_3d": 3,
        "T_fwd_umap": 3,
        "T_fwd_umap_2d": 2,
        "drift_umap_2d": 3,
        "wide_umap": 5,
        "velocity_pca": 2,
    }
    for key, columns in shapes.items():
        adata.obsm[key] = rng.normal(size=(CELLS, columns)) * 3 + 1
    return adata


def write_all(folder: Path) -> None:
    """Write the file and what cellucid makes of it."""
    adata = dataset()
    adata.write_h5ad(folder / "velocity.h5ad")
    with contextlib.redirect_stdout(io.StringIO()):
        adapter = AnnDataAdapter(adata)
        manifest = adapter.get_obs_manifest()
        identity = json.loads(json.dumps(adapter.get_dataset_identity()))
    fields = identity["vector_fields"]["fields"]
    for name, field in fields.items():
        del field["obsm_keys"]
        for dimensions in field["available_dimensions"]:
            sent = adapter.get_vector_field_binary(name, dimensions)
            (folder / f"{name}_{dimensions}d.bin").write_bytes(sent)
    kept = {key: identity[key] for key in ("stats", "embeddings", "obs_fields", "vector_fields")}
    (folder / "identity.json").write_text(json.dumps(kept))
    (folder / "obs_manifest.json").write_text(json.dumps(manifest))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
