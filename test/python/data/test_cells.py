"""Sets of cells: what users may write, and the bytes they become."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cellucid_notebook._data.cells import cell_indices, decode_cells, encode_cells
from cellucid_notebook.errors import UnknownCellError
from golden import read_json
from hypothesis import given, settings
from hypothesis import strategies as st

GOLDEN = read_json("cells")
NAMES = pd.Index([f"cell{number}" for number in range(6)])


def indices(cells: Any) -> list[int]:
    return cell_indices(cells, 6, lambda: NAMES).tolist()


def test_the_golden_sets_are_written_and_read() -> None:
    for case in GOLDEN["cases"]:
        head, body = encode_cells(np.array(case["cells"], dtype=np.uint32), case["head"]["cellCount"])
        assert (head, body.hex()) == (case["head"], case["body"])
        assert decode_cells(case["head"], bytes.fromhex(case["body"])).tolist() == case["cells"]


@pytest.mark.parametrize("case", GOLDEN["broken"], ids=lambda case: case["why"])
def test_broken_sets_are_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="cells"):
        decode_cells(case["head"], bytes.fromhex(case["body"]))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1)))))
def test_any_set_survives_in_the_smaller_form(case: tuple[int, set[int]]) -> None:
    cell_count, cells = case
    head, body = encode_cells(np.array(sorted(cells), dtype=np.uint32), cell_count)
    assert decode_cells(head, body).tolist() == sorted(cells)
    assert len(body) == min(4 * len(cells), -(-cell_count // 8))


def test_ten_million_of_ten_million_cells_are_a_bitmap() -> None:
    head, body = encode_cells(np.arange(10_000_000, dtype=np.uint32), 10_000_000)
    assert (head["encoding"], len(body)) == ("bitmap", 1_250_000)
    assert len(decode_cells(head, body)) == 10_000_000


def peak_of(call: Any) -> int:
    """Bytes that ``call`` needs at its peak, its result with them."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("cell_count", "step", "encoding"),
    [(10_000_000, 1, "bitmap"), (10_000_000, 3, "bitmap"), (100_000_000, 100, "u32")],
)
def test_many_cells_need_no_more_than_three_times_their_numbers(cell_count: int, step: int, encoding: str) -> None:
    cells = np.arange(0, cell_count, step, dtype=np.uint32)
    head, body = encode_cells(cells, cell_count)
    assert head["encoding"] == encoding
    listed = cells.nbytes
    needs = {
        "encode": peak_of(lambda: encode_cells(cells, cell_count)),
        "decode": peak_of(lambda: decode_cells(head, body)),
        "positions": peak_of(lambda: cell_indices(cells, cell_count, lambda: None)),
    }
    assert max(needs.values()) < 3 * listed, needs
    assert needs["encode"] < len(body) * 3
    # What the user gets is a list of numbers; beside it nothing of its size is ever there.
    assert needs["decode"] < listed + max(len(body), 8 << 20), needs
    np.testing.assert_array_equal(decode_cells(head, body), cells)
    np.testing.assert_array_equal(cell_indices(cells[::-1], cell_count, lambda: None), cells)


@given(st.integers(1, 700_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, 9), st.integers(0, n - 1))))
@settings(max_examples=20)
def test_sets_that_are_taken_in_several_steps_survive(case: tuple[int, int, int]) -> None:
    cell_count, step, first = case
    cells = np.arange(first, cell_count, step, dtype=np.uint32)
    head, body = encode_cells(cells, cell_count)
    np.testing.assert_array_equal(decode_cells(head, body), cells)
    mask = np.zeros(cell_count, dtype=bool)
    mask[cells] = True
    np.testing.assert_array_equal(cell_indices(mask, cell_count, lambda: None), cells)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], []),
        ([5, 0, 5], [0, 5]),
        (np.array([3, 1], dtype=np.int64), [1, 3]),
        (range(2, 4), [2, 3]),
        (np.array([True, False, False, True, False, False]), [0, 3]),
        ([True, False, False, False, False, True], [0, 5]),
        (np.array([True, False, False, False, False, True], dtype=object), [0, 5]),
        (pd.Series([False, True] * 3, index=NAMES), [1, 3, 5]),
        (pd.Series([False, True] * 3, index=NAMES[::-1]), [0, 2, 4]),
        (pd.Series([False, True] * 3), [1, 3, 5]),
        (["cell4", "cell1"], [1, 4]),
        (NAMES[2:4], [2, 3]),
        (pd.Series(["cell5"]), [5]),
    ],
)
def test_positions_masks_and_names_are_understood(cells: Any, expected: list[int]) -> None:
    assert indices(cells) == expected


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([6], IndexError, "There is no cell 6: the dataset has 6 cells, 0 to 5"),
        ([-1], IndexError, "There is no cell -1"),
        ([True, False], ValueError, "A mask needs one value per cell: 6; this one has 2"),
        (["cell1", "cel2"], UnknownCellError, "no cell named 'cel2' among 6; most like it: cell2"),
        ([0.5, 1.5], TypeError, "positions"),
        ([[1, 2]], ValueError, "one list"),
        (3, ValueError, "one list"),
        ([1, "cell1", None], TypeError, "positions|names"),
    ],
)
def test_other_things_are_refused_in_words(cells: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        indices(cells)
