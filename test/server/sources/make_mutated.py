"""Write h5ad files with a few bytes changed, and beside each what anndata reads from it where it can.

Usage: make_mutated.py FOLDER. Seeded: the same versions of the packages make the same files.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import scipy.sparse as sp
from make_h5ad import expected
from make_legacy import write_06, write_07
from make_random import make

#: Of each layout.
COUNT = 6
#: A read by anndata that takes longer has been led astray.
READ_SECONDS = 20


def layouts(folder: Path) -> dict[str, bytes]:
    """Return one whole file for each layout."""
    forms = {"csr": (sp.csr_matrix, None), "csc-gzip": (sp.csc_matrix, "gzip"), "dense-lzf": (np.asarray, "lzf")}
    written = {}
    for seed, (name, (convert, compression)) in enumerate(forms.items(), 1):
        adata = make(seed)
        matrix = adata.X.toarray() if sp.issparse(adata.X) else adata.X
        adata.X = convert(matrix.astype(np.float32))
        adata.write_h5ad(folder / name, compression=compression, convert_strings_to_categoricals=False)
        written[name] = (folder / name).read_bytes()
    for name, write in (("anndata-0.6", write_06), ("anndata-0.7", write_07)):
        write(folder / name, "csr")
        written[name] = (folder / name).read_bytes()
    for path in folder.iterdir():
        path.unlink()
    return written


def mutated(whole: bytes, random: np.random.Generator) -> bytes:
    """Return the file with up to three bytes changed, or cut."""
    if random.random() < 0.1:
        return whole[: int(random.integers(0, len(whole)))]
    changed = bytearray(whole)
    # Half of them near the beginning, where the structure of the file mostly is.
    for _ in range(int(random.integers(1, 4))):
        end = len(whole) if random.random() < 0.5 else min(len(whole), 4096)
        changed[int(random.integers(0, end))] = int(random.integers(0, 256))
    return bytes(changed)


def write_expected(path: Path) -> None:
    """Write what anndata reads, in a process of its own: what is damaged may end or hang it."""
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.alarm(READ_SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        try:
            text = json.dumps(expected(path))
            path.with_suffix(".json").write_text(text)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def write_all(folder: Path) -> None:
    """Write every mutation as ``LAYOUT-NUMBER.h5ad``."""
    anndata.settings.allow_write_nullable_strings = True
    random = np.random.default_rng(20)
    for name, whole in layouts(folder).items():
        for number in range(COUNT):
            path = folder / f"{name}-{number:02d}.h5ad"
            path.write_bytes(mutated(whole, random))
            write_expected(path)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
