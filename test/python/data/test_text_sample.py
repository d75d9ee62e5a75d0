"""Which columns of texts name cells, by the golden file that the server reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cellucid_notebook._data.text_sample import (
    TextSample,
    are_clearly_categories,
    are_identifiers,
    sample_of,
    sampled_runs,
)

FIXTURE = Path(__file__).resolve().parents[3] / "protocol" / "fixtures" / "text-samples.json"
CASES: dict[str, Any] = json.loads(FIXTURE.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("rows", "runs"), CASES["runs"].items())
def test_texts_are_looked_at_in_runs_from_the_first_row_to_the_last(rows: str, runs: list[list[int]]) -> None:
    assert [[run.start, run.stop] for run in sampled_runs(int(rows))] == runs


@pytest.mark.parametrize("rows", [1001, 1099, 2500, 39_999, 40_001, 10**6])
def test_no_row_is_looked_at_twice_and_both_ends_are_near(rows: int) -> None:
    runs = sampled_runs(rows)
    seen = [row for run in runs for row in range(run.start, run.stop)]
    assert len(set(seen)) == len(seen) == 1000
    assert min(seen) >= 0
    assert max(seen) < rows
    assert min(seen) < 2000
    assert max(seen) >= rows - 2000


@pytest.mark.parametrize("case", CASES["samples"], ids=lambda case: str(case["sample"]))
def test_texts_of_which_most_differ_name_cells(case: dict[str, Any]) -> None:
    *sample, rows = case["sample"]
    assert are_identifiers(TextSample(*sample), rows) == case["areIdentifiers"]


def test_a_sample_counts_texts_that_stand_once_and_twice() -> None:
    assert sample_of("abacddd", 9) == TextSample(looked=9, different=4, once=2, twice=1)


def test_the_first_run_of_each_window_is_enough_where_few_texts_differ() -> None:
    texts = [f"t{i % 50}" for i in range(200)]
    assert are_clearly_categories(texts, 200)
    assert not are_clearly_categories([*texts, "another"], 200)
    assert not are_clearly_categories(texts, 160)
