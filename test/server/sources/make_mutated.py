"""Write h5ad files with a few bytes changed, beside each what anndata reads where it can, and what HDF5 cannot read.

Of each layout there is what anndata reads of the whole file too.

Usage: make_mutated.py FOLDER [COUNT]. Seeded: the same versions of the packages make the same files.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from pathlib import Path

import anndata
import h5py
import numpy as np
import scipy.sparse as sp
from make_h5ad import expected
from make_legacy import write_06, write_07
from make_random import make

#: Of each layout.
COUNT = 6
#: A read by anndata that takes longer has been led astray.
READ_SECONDS = 20


#: A file's bytes, and where its arrays lie in it: offset and length.
Layout = tuple[bytes, list[tuple[int, int]]]


def layouts(folder: Path) -> dict[str, Layout]:
    """Return one whole file for each layout."""
    forms = {"csr": (sp.csr_matrix, None), "csc-gzip": (sp.csc_matrix, "gzip"), "dense-lzf": (np.asarray, "lzf")}
    written = {}
    for seed, (name, (convert, compression)) in enumerate(forms.items(), 1):
        adata = make(seed)
        matrix = adata.X.toarray() if sp.issparse(adata.X) else adata.X
        adata.X = convert(matrix.astype(np.float32))
        adata.write_h5ad(folder / name, compression=compression, convert_strings_to_categoricals=False)
        written[name] = whole(folder / name)
    for name, write in (("anndata-0.6", write_06), ("anndata-0.7", write_07)):
        write(folder / name, "csr")
        written[name] = whole(folder / name)
    for path in folder.iterdir():
        path.unlink()
    return written


def whole(path: Path) -> Layout:
    """Return a file with the places of its arrays."""
    places = []

    def look(_name: str, node: h5py.Dataset | h5py.Group) -> None:
        if not isinstance(node, h5py.Dataset):
            return
        chunks = [node.id.get_chunk_info(i) for i in range(node.id.get_num_chunks())] if node.chunks else []
        places.extend((chunk.byte_offset, chunk.size) for chunk in chunks)
        if node.id.get_offset() is not None:
            places.append((node.id.get_offset(), node.id.get_storage_size()))

    with h5py.File(path) as file:
        file.visititems(look)
    return path.read_bytes(), [(offset, size) for offset, size in places if size]


def mutated(layout: Layout, random: np.random.Generator) -> bytes:
    """Return the file with up to three bytes changed, or cut."""
    whole, arrays = layout
    if random.random() < 0.1:
        return whole[: int(random.integers(0, len(whole)))]
    changed = bytearray(whole)
    # Half of them in arrays, which else are few of the bytes, the others anywhere.
    for _ in range(int(random.integers(1, 4))):
        is_array = random.random() < 0.5
        offset, size = arrays[int(random.integers(0, len(arrays)))] if is_array else (0, len(whole))
        changed[offset + int(random.integers(0, size))] = int(random.integers(0, 256))
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
            path.with_suffix(".unreadable").write_text(json.dumps(unreadable(path)))
            text = json.dumps(expected(path))
            path.with_suffix(".json").write_text(text)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def unreadable(path: Path) -> list[str]:
    """Return the arrays of obs that are there, and whose bytes are damaged."""
    found = []

    def look(name: str, node: h5py.Dataset | h5py.Group) -> None:
        if isinstance(node, h5py.Dataset):
            try:
                node[...]
            except OSError:
                found.append(f"obs/{name}")

    try:
        with h5py.File(path) as file:
            file["obs"].visititems(look)
    except (OSError, RuntimeError, KeyError, AttributeError):
        return []
    return found


def write_all(folder: Path, count: int) -> None:
    """Write every mutation as ``LAYOUT-NUMBER.h5ad``, so many of each layout, and ``LAYOUT.json``."""
    anndata.settings.allow_write_nullable_strings = True
    random = np.random.default_rng(20)
    for name, layout in layouts(folder).items():
        undamaged = folder / f"{name}.h5ad"
        undamaged.write_bytes(layout[0])
        write_expected(undamaged)
        undamaged.unlink()
        for number in range(count):
            path = folder / f"{name}-{number:03d}.h5ad"
            path.write_bytes(mutated(layout, random))
            write_expected(path)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else COUNT)
