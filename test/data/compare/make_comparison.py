"""Write comparison.json: made matrices, and what scanpy and scipy say of two groups of their cells.

Run with the project's Python, with mpmath beside it for the tails: ``python test/data/compare/make_comparison.py``.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import anndata
import numpy as np
import scanpy as sc
from scipy import stats

SEVEN = np.array(
    [
        [1, 0, 0, 2],
        [2, 0, 3, 2],
        [3, 0, 0, 2],
        [0, 0, 1, 2],
        [0, 0, 0, 2],
        [1, 0, 1, 5],
        [0, 0, 0, 2],
    ],
    dtype=float,
)


def made(kind: str) -> np.ndarray:
    """60 cells of 40 genes."""
    rng = np.random.default_rng(7)
    values = rng.poisson(1.2, (60, 40)).astype(float)
    if kind == "logs":
        values = np.log1p(values * rng.uniform(0.5, 2, (60, 1)))
    if kind == "negative":
        values = np.where(rng.uniform(size=(60, 40)) < 0.4, 0, rng.normal(size=(60, 40)))
    values[:, 3] = 0
    values[:, 4] = 2
    values[:20, 5], values[20:, 5] = 5, 3
    values[:, 6] = 5 + rng.normal(size=60) * 1e-4
    values[20:, 7] = 0
    values[0:20, 8], values[20:, 8] = 0.1, 0
    return values


def asked(values: np.ndarray, inside: int, method: str, base: float | None) -> dict[str, object]:
    """What scanpy says, by gene; the matrix in doubles, so that the versions of scanpy agree."""
    groups = ["A"] * inside + ["B"] * (len(values) - inside)
    adata = anndata.AnnData(values.copy())
    adata.obs["group"] = np.array(groups)
    adata.obs["group"] = adata.obs["group"].astype("category")
    if base is not None:
        adata.uns["log1p"] = {"base": base}
    sc.tl.rank_genes_groups(adata, "group", groups=["A"], method=method, tie_correct=True, pts=True, use_raw=False)
    found = sc.get.rank_genes_groups_df(adata, "A").set_index("names").loc[adata.var_names]
    columns = {name: [float(value) for value in found[name]] for name in found}
    # Scores of constants that differ are noise in scanpy 1.11.
    return {name: [None if not np.isfinite(value) else value for value in each] for name, each in columns.items()}


def truth(values: np.ndarray, inside: int, method: str) -> dict[str, list[float | None]]:
    """scipy's own score and p, in doubles."""
    a, b = values[:inside], values[inside:]
    if method == "t-test":
        found = stats.ttest_ind(a, b, equal_var=False)
        score, p = found.statistic, found.pvalue
    else:
        found = stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic")
        score, p = np.full(values.shape[1], np.nan), found.pvalue
    finite = lambda each: [float(value) if np.isfinite(value) else None for value in each]  # noqa: E731
    return {"score": finite(score), "p": finite(p)}


def tails() -> dict[str, list[list[float]]]:
    """ln of two-sided p, from 50 digits."""
    import mpmath

    mpmath.mp.dps = 50
    t_points, z_points = [], []
    for df in (1, 2, 3.7, 10, 57.3, 999, 20_000):
        for t in (1e-8, 1e-3, 0.1, 0.7, 1, 1.7, 2, 3, 8, 20, 60, 310, 1000):
            square = mpmath.mpf(t) ** 2
            x = mpmath.mpf(df) / (df + square)
            p = mpmath.betainc(mpmath.mpf(df) / 2, mpmath.mpf(1) / 2, 0, x, regularized=True)
            if p > 0:
                t_points.append([t, df, float(mpmath.log(p))])
    for z in (1e-8, 0.01, 0.5, 1, 2, 2.8, 2.83, 3, 5, 10, 20, 38, 50, 160):
        z_points.append([z, float(mpmath.log(mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2))))])
    return {"t": t_points, "z": z_points}


def main() -> None:
    warnings.simplefilter("ignore")
    cases = []
    for name, values, inside, base in (
        ("seven", SEVEN, 3, None),
        ("counts", made("counts"), 20, None),
        ("logs", made("logs"), 20, None),
        ("logs of base 2", made("logs"), 20, 2),
        ("logs of base 10", made("logs"), 20, 10),
        ("negative", made("negative"), 20, None),
    ):
        for method in ("t-test", "wilcoxon"):
            cases.append(
                {
                    "name": name,
                    "method": method,
                    "cells": values.shape[0],
                    "genes": values.shape[1],
                    "inside": inside,
                    "base": base,
                    "values": values.ravel().tolist(),
                    "scanpy": asked(values, inside, method, base),
                    "scipy": truth(values, inside, method),
                }
            )
    target = Path(__file__).with_name("comparison.json")
    target.write_text(json.dumps({"cases": cases, "tails": tails()}))


main()
