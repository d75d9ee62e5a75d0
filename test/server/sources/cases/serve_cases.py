"""Answer source reads of cases in memory, as the kernel does, without its pipe.

Usage: serve_cases.py FOLDER, where make_cases.py wrote. A JSON line on stdin, ``{"case", "form", "read"}``; on stdout
for each a JSON line with ``length``, then so many bytes.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

import all_cases  # noqa: F401  fills the table
import anndata
import numpy as np
from case_table import CASES
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._data.anndata_source import AnnDataSource


def in_memory(name: str, folder: Path) -> anndata.AnnData:
    """Return a case as its function made it, or as anndata reads what another program wrote."""
    case = CASES[name]
    return case.make() if case.rewrite is None else anndata.read_h5ad(folder / f"{name}.h5ad")


def as_view(adata: anndata.AnnData) -> anndata.AnnData:
    """Return the same cells and genes as a view of a larger AnnData in another order."""
    if adata.n_obs == 0:
        return adata[:]
    order = np.random.default_rng(0).permutation(adata.n_obs)
    # Else the parent, and then the view, would lose the categories that no cell has, and their colours.
    with anndata.settings.override(remove_unused_categories=False):
        parent = adata[np.append(order, order[:1])].copy()
        return parent[np.argsort(order)]


@functools.cache
def scratch() -> str:
    """Return a folder for files that are written to, as long as this process lives."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder)
    return folder


@functools.lru_cache(maxsize=4)
def source(name: str, form: str, folder: Path) -> AnnDataSource:
    """Return the source of one case in one form; the last ones are kept, as viewers keep theirs."""
    path = folder / f"{name}.h5ad"
    if form == "backed r":
        return AnnDataSource(anndata.read_h5ad(path, backed="r"))
    if form == "backed r+":
        # A copy: HDF5 opens no file for writing that is open for reading.
        return AnnDataSource(anndata.read_h5ad(shutil.copy(path, scratch()), backed="r+"))
    adata = in_memory(name, folder)
    return AnnDataSource(as_view(adata) if form == "view" else adata)


def main(folder: Path) -> None:
    """Answer until stdin ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            result, body = source(asked["case"], asked["form"], folder).read(asked["read"])
            head: dict[str, object] = {"result": result, "length": len(body)}
        except SourceReadError as error:
            head, body = {"code": error.code, "message": str(error), "length": 0}, b""
        except Exception as error:  # noqa: BLE001  as the source worker does, so that the next question is answered
            head, body = {"code": "malformed", "message": f"{type(error).__name__}: {error}", "length": 0}, b""
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
