"""Write the small AnnData that a thread of the server reads before it is given a file.

It has what first pictures are made of: an embedding, a category, numbers, texts, a sparse matrix, colours.

Run: python scripts/first-file.py
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "server/sources/hdf5/first-file.h5ad"
CELLS = 4
GENES = 2


def element(place: h5py.Group | h5py.Dataset, kind: str, version: str, **more: object) -> None:
    """Say what an element is, as anndata does."""
    for name, value in {"encoding-type": kind, "encoding-version": version, **more}.items():
        place.attrs[name] = value


def array(group: h5py.Group, name: str, values: object) -> None:
    """A list of numbers or texts."""
    is_text = np.asarray(values).dtype.kind == "U"
    stored = group.create_dataset(name, data=values, dtype=h5py.string_dtype() if is_text else None)
    element(stored, "string-array" if is_text else "array", "0.2.0")


def table(group: h5py.Group, length: int, columns: list[str]) -> h5py.Group:
    """An obs or a var with its index."""
    names = np.array(columns, dtype=h5py.string_dtype())
    element(group, "dataframe", "0.2.0", _index="_index", **{"column-order": names})
    array(group, "_index", [f"name {i}" for i in range(length)])
    return group


def main() -> None:
    with h5py.File(TARGET, "w") as file:
        element(file, "anndata", "0.1.0")
        obs = table(file.create_group("obs"), CELLS, ["category", "number"])
        table(file.create_group("var"), GENES, [])
        category = obs.create_group("category")
        element(category, "categorical", "0.2.0", ordered=False)
        array(category, "categories", ["a", "b"])
        array(category, "codes", np.zeros(CELLS, dtype="i1"))
        array(obs, "number", np.ones(CELLS))
        array(file.create_group("obsm"), "X_umap", np.zeros((CELLS, 2), dtype="f4"))
        array(file.create_group("uns"), "category_colors", ["#000000", "#ffffff"])
        file.create_group("layers")
        matrix = file.create_group("X")
        element(matrix, "csr_matrix", "0.1.0", shape=np.array([CELLS, GENES]))
        array(matrix, "data", np.ones(1, dtype="f4"))
        array(matrix, "indices", np.zeros(1, dtype="i4"))
        array(matrix, "indptr", np.array([0, 1, 1, 1, 1], dtype="i4"))


if __name__ == "__main__":
    main()
