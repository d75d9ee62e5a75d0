"""Write an AnnData with categories of every kind and colours of every form, and what scanpy draws each of its cells in.

Usage: make_scanpy_colors.py FOLDER. Writes `colors.h5ad`, `colors.zarr` and `expected.json`: for each field the RGBA of
every cell, 0 to 255, and whether its colours can be written to a file. `in_memory` makes the same AnnData for a kernel.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import anndata
import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scanpy
from matplotlib.colors import to_rgba

CELLS = 206
RGB = [[1.0, 0.0, 0.0], [0.0, 0.5, 0.0], [0.1, 0.3, 0.7]]

#: Colours in `uns`, for three categories, in forms that files can hold.
STORED: dict[str, Any] = {
    "enough": ["#1F77B4", "#abc", "teal"],
    "too few": ["red", "blue"],
    "too many": ["red", "lime", "blue", "black"],
    "too many, one of the others is none": ["red", "lime", "blue", "nonsense"],
    "one is none": ["red", "nonsense", "blue"],
    "names of CSS in any case": ["RED", "RebeccaPurple", "lightGRAY"],
    "letters": ["k", "g", "b"],
    "letters in the wrong case": ["K", "g", "b"],
    "places in the cycle": ["C1", "C12", "C3"],
    "places in the wrong case": ["c1", "C2", "C3"],
    "tableau": ["tab:blue", "Tab:Gray", "tab:grey"],
    "xkcd": ["xkcd:cloudy blue", "XKCD:Greyish", "xkcd:grayish"],
    "greys": ["0.5", "0.1", "0.3"],
    "greys as Python writes them": ["1", "0", " 1e-1 "],
    "greys beyond the ends": ["1.5", "0.1", "0.3"],
    "names of R": ["gold2", "grey80", "indianred 3"],
    "names of R in another case": ["Gold2", "grey80", "red"],
    "with opacity": ["#ff000080", "#0f08", "#0000ff"],
    "transparent": ["none", "NONE", "red"],
    "spaces around": [" red", "lime", "blue"],
    "RGB": np.array(RGB),
    "RGB in 32 bits": np.array(RGB, dtype=np.float32),
    "RGB whole": np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    "RGBA": np.array([[*color, 0.5] for color in RGB]),
    "letters of one text": "rgb",
    "one text": "red",
    "dict": {"a": "red", "b": "lime", "c": "blue"},
    "dict of colours": {"blue": "a", "lime": "b", "red": "c"},
}
#: In forms that only memory can hold.
HELD: dict[str, Any] = {
    "tuples": [tuple(color) for color in RGB],
    "lists and names": [RGB[0], "lime", (0.0, 0.0, 1.0, 0.5)],
    "names with an opacity": [("red", 0.5), ("xkcd:greyish", 0.1), "blue"],
    "a tuple of texts": ("red", "lime", "blue"),
    "an Index": pd.Index(["red", "lime", "blue"]),
}
#: Where scanpy's own answer is a bare error: the default palette.
REFUSED: dict[str, Any] = {
    "RGB to 255": np.array([[255, 0, 0], [0, 128, 0], [0, 0, 255]]),
    "five parts": np.array([[0.1] * 5] * 3),
    "numbers": np.array([0.1, 0.2, 0.3]),
    "one number": 3,
}
COUNTS = (1, 10, 11, 20, 21, 28, 29, 102, 103)


def table() -> pd.DataFrame:
    """Fields without colours of their own."""
    i = np.arange(CELLS)
    obs = pd.DataFrame(index=[f"c{k}" for k in i])
    obs["order"] = pd.Categorical.from_codes(i % 3, ["b", "a", "c"])
    obs["gaps"] = pd.Categorical.from_codes(i % 4 - 1, ["x", "y", "z"])
    obs["spare"] = pd.Categorical.from_codes(i % 2 * 2, ["p", "unused", "q"])
    obs["flag"] = i % 2 == 1
    obs["text"] = np.array(["t10", "t2", "t1", "T3", "10", "9", "a1b2", "a1b10", "t02", "é1", "t"], dtype=object)[
        i % 11
    ]
    obs["text with gaps"] = np.array(["t10", "t2", None], dtype=object)[i % 3]
    for count in COUNTS:
        obs[f"{count} categories"] = pd.Categorical.from_codes(i % count, [f"k{k}" for k in range(count)])
    return obs


def in_memory(*, with_held: bool = True) -> anndata.AnnData:
    """All fields with their colours."""
    adata = anndata.AnnData(np.zeros((CELLS, 1), np.float32), obs=table())
    adata.obsm["X_umap"] = np.stack([np.arange(CELLS), np.arange(CELLS) % 7], axis=1).astype(float)
    three = pd.Categorical.from_codes(np.arange(CELLS) % 3, ["b", "a", "c"])
    for name, colors in {**STORED, **REFUSED, **(HELD if with_held else {})}.items():
        adata.obs[name] = three
        adata.uns[f"{name}_colors"] = colors
    return adata


def drawn(adata: anndata.AnnData, field: str) -> list[list[int]]:
    """RGBA of every cell as scanpy has matplotlib draw it."""
    axes = scanpy.pl.embedding(adata, "umap", color=field, show=False)
    dots = max(axes.collections, key=lambda collection: len(collection.get_offsets()))
    at = {int(x): rgba(color) for (x, _), color in zip(dots.get_offsets(), dots.get_facecolors(), strict=True)}
    plt.close("all")
    return [at[cell] for cell in range(CELLS)]


def rgba(color: Any) -> list[int]:
    """From 0 to 255."""
    return [round(float(part) * 255) for part in to_rgba(color)]


def expected() -> dict[str, list[list[int]]]:
    """What scanpy draws now, field by field."""
    colors = {}
    for field in in_memory().obs.columns:
        adata = in_memory()
        if field in REFUSED:
            del adata.uns[f"{field}_colors"]
        colors[field] = drawn(adata, field)
    return colors


def main(folder: str) -> None:
    """Write files and answers."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adata = in_memory(with_held=False)
        # Texts that may be missing cannot be written as texts.
        adata.obs["text with gaps"] = pd.Categorical(adata.obs["text with gaps"], ["t2", "t10"])
        # As a file of someone who kept the others as texts.
        adata.write_h5ad(Path(folder) / "colors.h5ad", convert_strings_to_categoricals=False)
        adata.write_zarr(Path(folder) / "colors.zarr", convert_strings_to_categoricals=False)
        usual = expected()
        scanpy.set_figure_params()
        after = expected()
    answers = {"usual": usual, "afterSetFigureParams": after, "heldInMemoryOnly": list(HELD)}
    Path(folder, "expected.json").write_text(json.dumps(answers), encoding="utf-8")


def kernel(after_set_figure_params: str) -> anndata.AnnData:
    """What a kernel shows."""
    if after_set_figure_params == "after":
        scanpy.set_figure_params()
    return in_memory()


if __name__ == "__main__":
    scanpy.settings.verbosity = 0
    main(*sys.argv[1:])
