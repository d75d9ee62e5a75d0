"""Whether texts name cells or categories, by some of them; `text-sample.ts` has the same rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

#: Codes are at most 16 bits, the largest of which means missing.
MAX_CATEGORIES = 65_534
#: So many texts of a column are looked at: to count millions would hold up the kernel.
_SAMPLED_TEXTS = 1000
#: Short runs at places that look like chance: what repeats in a fixed order is met again.
_RUN = 40
#: From the first row to the last, each of a few chunks of a file.
_WINDOWS = 5
_RUNS_IN_WINDOW = _SAMPLED_TEXTS // _WINDOWS // _RUN
#: In each of so many rows one run begins.
_MAX_STRIDE = 2000
_SCATTER = 7919
#: One run of each window tells columns of a few categories, of which a table may have thousands.
_FIRST_LOOK = _WINDOWS * _RUN
#: A handful of different texts can be told apart, however few the cells.
_FEW_TEXTS = 20


@dataclass(frozen=True, slots=True)
class TextSample:
    """What was found in some rows: how many texts differ, and how many of these stand once and twice."""

    looked: int
    different: int
    once: int
    twice: int


def sampled_runs(row_count: int) -> list[slice]:
    """Return which rows of a column of texts are looked at."""
    if row_count <= _SAMPLED_TEXTS:
        return [slice(0, row_count)]
    stride = min(_MAX_STRIDE, row_count * _RUN // _SAMPLED_TEXTS)
    behind = row_count - stride * _RUNS_IN_WINDOW
    runs = []
    for run in range(_WINDOWS * _RUNS_IN_WINDOW):
        place, window = divmod(run, _WINDOWS)
        start = window * behind // (_WINDOWS - 1) + place * stride + run * run * _SCATTER % (stride - _RUN + 1)
        runs.append(slice(start, start + _RUN))
    return runs


def sample_of(texts: Iterable[str], looked: int) -> TextSample:
    """Return what stands in ``looked`` rows, of which ``texts`` are those that are not missing."""
    counts = Counter(texts)
    times = Counter(counts.values())
    return TextSample(looked, len(counts), times[1], times[2])


def are_clearly_categories(texts: list[str], looked: int) -> bool:
    """Whether the first runs were enough to see that few texts differ."""
    return looked == _FIRST_LOOK and len(set(texts)) <= _FIRST_LOOK / 4


def are_identifiers(sample: TextSample, row_count: int) -> bool:
    """Whether texts are mostly unique, as names of cells are: nothing to colour by."""
    return _estimate_different(sample, row_count) > min(MAX_CATEGORIES, max(row_count / 2, _FEW_TEXTS))


def _estimate_different(sample: TextSample, row_count: int) -> float:
    """How many different texts there are in all.

    Those found once tell how many were missed: by Chao's estimate of unseen kinds (Scand. J. Statist. 11, 1984), and no
    more than if there are as many of them in every other part.
    """
    if sample.looked == 0:
        return 0
    unseen = sample.once * (sample.once - 1) / (2 * (sample.twice + 1))
    elsewhere = sample.once * row_count / sample.looked - sample.once
    return sample.different + min(unseen, elsewhere)
