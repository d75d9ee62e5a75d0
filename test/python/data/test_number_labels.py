"""Labels of categories that are numbers, beside what scanpy's legend prints of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cellucid_notebook._arrays.value_types import narrowest, positions
from cellucid_notebook._data.obs_columns import category_texts, column_bytes

FIXTURES = Path(__file__).resolve().parents[3] / "protocol" / "fixtures"
CASES: list[dict[str, Any]] = json.loads((FIXTURES / "labels.json").read_text(encoding="utf-8"))
WIDTHS: dict[str, str] = json.loads((FIXTURES / "embeddings.json").read_text(encoding="utf-8"))["widths"]


def values_of(case: dict[str, Any]) -> np.ndarray[Any, Any]:
    return np.frombuffer(bytes.fromhex(case["bytes"]), case["dtype"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["dtype"])
def test_labels_are_those_of_the_golden_file(case: dict[str, Any]) -> None:
    assert category_texts(pd.Index(values_of(case))) == case["labels"]
    assert category_texts(values_of(case)) == case["labels"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["dtype"])
def test_labels_are_what_the_legend_of_scanpy_prints(case: dict[str, Any]) -> None:
    anndata, scanpy = pytest.importorskip("anndata"), pytest.importorskip("scanpy")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    values = pd.Index(values_of(case))
    obs = pd.DataFrame(
        {"group": pd.Categorical(values, categories=values)}, index=[f"c{i}" for i in range(len(values))]
    )
    adata = anndata.AnnData(np.zeros((len(values), 1), "f4"), obs=obs)
    adata.obsm["X_umap"] = np.random.default_rng(0).normal(size=(len(values), 2))
    axes = scanpy.pl.umap(adata, color="group", show=False)
    printed = [text.get_text() for text in axes.get_legend().get_texts()]
    pyplot.close("all")
    assert printed == case["labels"]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([1.5, np.nan, 3]), "f4"),
        (np.array([1.5, 2.5], np.float16), "f4"),
        (np.array([], np.float64), "f4"),
        (np.array([np.nan, np.nan]), "f4"),
        (np.array([np.inf, -np.inf, 2.5]), "f4"),
        (np.array([2.0**24, 2.0**30]), "f4"),
        (np.array([2.0**24 + 1]), "f8"),
        (np.array([1e300, 1.0]), "f8"),
        (np.array([1e-300, 0.0]), "f8"),
        (np.array([1e-40, 0.0]), "f8"),
        (1000 + np.arange(9) * 1e-6, "f8"),
        (np.array([-(2**24), 2**24]), "f4"),
        (np.array([2**24 + 1, -5]), "i4"),
        (np.array([2**31]), "u4"),
        (np.array([2**32, 0]), "f8"),
        (np.array([2**24 + 1, -5], ">i8"), "i4"),
        (np.array([True, False]), "f4"),
    ],
)
def test_numbers_travel_in_the_narrowest_type_that_shows_them_right(values: Any, dtype: str) -> None:
    data, found = narrowest(values)
    assert found == dtype
    near = 1e-6 if dtype == "f4" else 0
    np.testing.assert_allclose(data.astype(np.float64), values.astype(np.float64), rtol=near)


def test_whole_numbers_beyond_doubles_keep_their_digits_as_categories_while_few_differ() -> None:
    hashes = pd.Series(pd.array([2**60 + 1, None, 2**60, 2**60 + 1], dtype="Int64"))
    answer = column_bytes(hashes, None)
    assert answer.head["categories"] == [str(2**60), str(2**60 + 1)]
    assert list(bytes(answer.body)) == [1, 255, 0, 1]
    as_objects = column_bytes(pd.Series([2**60 + 1, None, 2**63], dtype=object), None)
    assert as_objects.head["categories"] == [str(2**60 + 1), str(2**63)]
    many = column_bytes(pd.Series(np.arange(70_000) + 2**60), None)
    assert (many.head["form"], many.head["dtype"]) == ("dense", "f8")
    assert "rounded" in many.head["note"]


def test_missing_whole_numbers_make_doubles_of_large_ones_and_floats_of_small_ones() -> None:
    large = column_bytes(pd.Series(pd.array([10**12 + 1, None], dtype="Int64")), None)
    assert large.head["dtype"] == "f8"
    np.testing.assert_array_equal(np.frombuffer(large.body, "<f8"), [10**12 + 1, np.nan])
    small = column_bytes(pd.Series(pd.array([7, None], dtype="UInt8")), None)
    assert small.head["dtype"] == "f4"


@pytest.mark.parametrize(("dtype", "expected"), WIDTHS.items())
def test_places_of_cells_travel_in_a_type_that_rounds_none_of_them(dtype: str, expected: str) -> None:
    values = np.array([[0, 1], [100, 101]], f">{dtype}")
    data, found = positions(values)
    assert found == expected
    assert data.dtype.newbyteorder("=") == np.dtype(expected)
    np.testing.assert_array_equal(data, values)
