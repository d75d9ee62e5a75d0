"""Write every case in every form that it can be written in, and beside it what anndata reads.

Usage: make_cases.py FOLDER. Writes ``table.json``, a line a case: ``name``, ``files`` by form, ``answer``, ``lacks``.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import all_cases  # noqa: F401  fills the table
import anndata
import numpy as np
import zarr
from case_table import CASES, Case
from reading import answer


def write_case(folder: Path, case: Case, prepare: Any) -> dict[str, Any]:
    """Write one case; its line of the table: which files there are, and why there is no export."""
    made = (case.plain or case.make)()
    if case.is_lazy:
        made = made.to_memory()
    found = answer(made, case)
    files: dict[str, str] = {}
    if case.memory_only is not None:
        refuse_to_write(folder / "refused.h5ad", found, case)
    elif case.rewrite is not None:
        files["h5ad"] = f"{case.name}.h5ad"
        made.write_h5ad(folder / files["h5ad"])
        case.rewrite(folder / files["h5ad"])
        made = anndata.read_h5ad(folder / files["h5ad"])
        found = answer(made, case)
    else:
        for form in case.forms:
            files[form] = f"{case.name}{SUFFIXES[form]}"
            compare(found, answer(WRITERS[form](folder / files[form], case.make()), case), files[form])
    line: dict[str, Any] = {"name": case.name, "files": files, "answer": found, "lacks": dict(case.lacks)}
    if "export" not in case.lacks:
        try:
            export(folder / f"{case.name}-export", made, case, prepare)
            files["export"] = f"{case.name}-export"
        except Exception as error:  # noqa: BLE001  it refuses what its format cannot hold, in words of its own
            line["lacks"]["export"] = f"{type(error).__name__}: {error}"
    return line


def write_h5ad(path: Path, adata: anndata.AnnData, compression: Any = None) -> anndata.AnnData:
    """Write a file, and return what anndata reads from it."""
    adata.write_h5ad(path, compression=compression)
    return anndata.read_h5ad(path)


def write_zarr(path: Path, adata: anndata.AnnData, version: Any = 3) -> anndata.AnnData:
    """Write a store, as a folder or a zip file, and return what anndata reads from it."""
    anndata.settings.zarr_write_format = version
    # In memory first: that takes a third of the time.
    parts: dict[str, Any] = {}
    store = zarr.storage.MemoryStore(parts)
    adata.write_zarr(store)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for name, part in parts.items():
                file.writestr(name, part.to_bytes())
    else:
        for name, part in parts.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(part.to_bytes())
    return anndata.read_zarr(store)


WRITERS: dict[str, Any] = {
    "h5ad": write_h5ad,
    "h5ad gzip": functools.partial(write_h5ad, compression="gzip"),
    "zarr v2": functools.partial(write_zarr, version=2),
    "zarr v3": write_zarr,
    "zarr zip": write_zarr,
}
SUFFIXES = {"h5ad": ".h5ad", "h5ad gzip": "-gzip.h5ad", "zarr v2": "-v2.zarr", "zarr v3": ".zarr", "zarr zip": ".zip"}


def compare(made: dict[str, Any], read: dict[str, Any], name: str) -> None:
    """Raise ``ValueError`` where anndata reads something else from a file than was in memory."""
    for key, value in made.items():
        if json.dumps(value, sort_keys=True) != json.dumps(read[key], sort_keys=True):
            raise ValueError(f"{name}: {key} was {value!r} and is read as {read[key]!r}")


def refuse_to_write(path: Path, found: dict[str, Any], case: Case) -> None:
    """Raise ``ValueError`` where anndata writes, and reads again, what the table says it cannot."""
    try:
        compare(found, answer(write_h5ad(path, case.make()), case), path.name)
    except Exception:  # noqa: BLE001  in whatever way it refuses
        path.unlink(missing_ok=True)
        return
    raise ValueError("anndata can write it after all")


def export(out_dir: Path, adata: anndata.AnnData, case: Case, prepare: Any) -> None:
    """Export by cellucid's ``prepare()``, with every embedding that it takes, 2D first."""
    if adata.X is None:
        raise ValueError("There is no X, which is all of expression that an export holds.")
    tables = {key: table for key, table in adata.obsm.items() if isinstance(table, np.ndarray)}
    embeddings = {key: table for key, table in tables.items() if table.ndim == 2 and 1 <= table.shape[1] <= 3}
    defaults: dict[str, str] = {}
    for key in [case.first, *embeddings]:
        if key in embeddings:
            defaults.setdefault(f"{embeddings[key].shape[1]}d", key)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        prepare(
            latent_space=np.zeros((adata.n_obs, 2)),
            obs=adata.obs,
            var=adata.var,
            gene_expression=adata.X,
            embeddings=embeddings,
            embedding_defaults=defaults,
            obs_categorical_dtype="uint16",
            centroid_min_points=1,
            out_dir=out_dir,
            dataset_name=case.name,
            dataset_id="case",
        )


def write_all(folder: Path) -> None:
    """Write the whole table, one line a case."""
    from cellucid import prepare

    anndata.settings.allow_write_nullable_strings = True
    lines, failed = [], []
    for case in CASES.values():
        try:
            lines.append(write_case(folder, case, prepare))
        except Exception as error:  # noqa: BLE001  the others are tried, so that all that fail are told at once
            failed.append(f"{case.name}: {type(error).__name__}: {error}")
    if failed:
        raise SystemExit("\n".join(failed))
    (folder / "table.json").write_text(json.dumps(lines))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
