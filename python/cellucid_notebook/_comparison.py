"""Two groups of cells compared gene by gene: the server computes, here stand the question, the wait and the table."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._arguments import described
from ._data.cells import encode_cells
from ._data.matrix import Matrix
from ._hosted_ui import ProgressBar
from ._wire.labels import label_text
from .errors import ArgumentError, DataError

if TYPE_CHECKING:
    from anndata import AnnData

    from ._data.shown_data import ShownData
    from ._notebook.display import Cell
    from ._server.supervisor import Server
    from ._wire.pipe import Answer
    from ._wire.protocol import JsonObject

METHODS = ("t-test", "wilcoxon")
REST = "rest"
_POLL_S = 0.1
#: What is there within this time needs no bar.
_QUIET_S = 0.5
_STATE_TIMEOUT_S = 5.0
_BAR_WIDTH = 30
#: In the order of `COMPARED_COLUMNS` in `protocol/pipe.ts`; as `sc.get.rank_genes_groups_df` calls them, and the means.
_COLUMNS = {
    "scores": np.float32,
    "logfoldchanges": np.float32,
    "pvals": np.float64,
    "pvals_adj": np.float64,
    "pct_nz_group": np.float64,
    "pct_nz_reference": np.float64,
    "mean_group": np.float64,
    "mean_reference": np.float64,
}


@dataclass(frozen=True, slots=True)
class Group:
    """Cells as they travel, and what to call them."""

    wire: JsonObject
    body: bytes
    label: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared, and where its genes are read: ``matrix=None`` is scanpy's choice."""

    a: Group
    b: Group | None
    method: str
    matrix: Matrix | None
    wants_codes: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the server found; genes in the order of the matrix."""

    names: list[str]
    columns: dict[str, npt.NDArray[np.float64]]
    method: str
    matrix: Matrix
    cells: tuple[int, int]
    overlap: int
    notes: list[str]
    #: Of each cell 0, 1 for A or 2 for B; empty where nobody wanted it.
    codes: npt.NDArray[np.uint8]

    def table(self) -> pd.DataFrame:
        """One row a gene, the highest score first; of equal ones the first in the matrix."""
        order = np.argsort(-self.columns["scores"], kind="stable")
        columns = {name: self.columns[name][order].astype(dtype) for name, dtype in _COLUMNS.items()}
        table = pd.DataFrame({"names": [self.names[gene] for gene in order], **columns})
        ties = ", with tie correction" if self.method == "wilcoxon" else ""
        table.attrs = {
            "method": f"{self.method}{ties}",
            "matrix": self.matrix.name,
            "n_group": self.cells[0],
            "n_reference": self.cells[1],
            "n_overlap": self.overlap,
            "notes": list(self.notes),
        }
        return table


def group_of(name: str, cells: Any, data: ShownData) -> Group:
    """``cells`` as everywhere, or ``{"louvain": "B cells"}``: those with a value, or several, of an obs field.

    Raises as `ShownData.indices`.
    """
    if isinstance(cells, Mapping):
        return _category_group(name, cells)
    if isinstance(cells, str):
        rest = f" or {REST!r}" if name == "b" else ""
        raise ArgumentError(
            f"{name}={cells!r} is no group. Give cells (positions, names, a mask, a view){rest}; those of a category "
            f"as {{'louvain': {cells!r}}}."
        )
    indices = data.indices(cells)
    head, body = encode_cells(indices, data.cell_count())
    return Group({"cells": head, "bytes": len(body)}, body, name.upper())


def _category_group(name: str, cells: Mapping[Any, Any]) -> Group:
    if len(cells) != 1:
        raise ArgumentError(f"{name} takes one field of obs, as in {{'louvain': 'B cells'}}; found {described(cells)}.")
    ((field, wanted),) = cells.items()
    is_list = isinstance(wanted, (list, tuple, set, frozenset, np.ndarray, pd.Index, pd.Series))
    values = list(wanted) if is_list else [wanted]
    if not values:
        raise ArgumentError(f"{name} names no category of obs {field!r}. Write one, as in {{'louvain': 'B cells'}}.")
    texts = [label_text(value) for value in values]
    return Group({"field": label_text(field), "categories": texts}, b"", ", ".join(texts))


def compare(server: Server, viewer_id: str, question: Question, cell: Cell | None) -> Comparison:
    """Ask the server and wait, with a bar in ``cell`` or the terminal where that takes long; an interrupt stops it."""
    compare_id = secrets.token_hex(8)
    bodies = [question.a.body, b"" if question.b is None else question.b.body]
    params = {
        "viewerId": viewer_id,
        "compareId": compare_id,
        "a": question.a.wire,
        "b": None if question.b is None else question.b.wire,
        "test": question.method,
        "matrix": None if question.matrix is None else question.matrix.wire,
        "wantsCodes": question.wants_codes,
    }
    answered = server.request("viewer.compare", params, b"".join(bodies))
    bar = ProgressBar(cell)
    started = time.monotonic()
    try:
        while True:
            with suppress(FutureTimeoutError):
                return _decoded(answered.result(_POLL_S), question.method)
            if time.monotonic() - started > _QUIET_S:
                bar.draw(partial(progress_line, _share_done(server, compare_id)))
    except BaseException:
        server.request("compare.cancel", {"compareId": compare_id})
        raise
    finally:
        bar.close()


def _share_done(server: Server, compare_id: str) -> float:
    return float(server.request("compare.progress", {"compareId": compare_id}).result(_STATE_TIMEOUT_S).result["done"])


def progress_line(done: float, width: int) -> str:
    """One line of text, for example ``Comparing two groups of cells [######    ] 60 %``; ``width`` in characters."""
    begins, ends = "Comparing two groups of cells", f"{done * 100:.0f} %"
    length = max(0, min(_BAR_WIDTH, width - len(f"{begins} [] {ends}")))
    filled = min(length, int(length * done))
    return f"{begins} [{'#' * filled}{' ' * (length - filled)}] {ends}"


def _decoded(answer: Answer, method: str) -> Comparison:
    result, genes = answer.result, answer.result["genes"]
    body = memoryview(answer.body)
    split = len(_COLUMNS) * genes * 8
    values = np.frombuffer(body[:split], "<f8").reshape(len(_COLUMNS), genes)
    code_count = result["codes"]
    text = bytes(body[split : len(body) - code_count])
    return Comparison(
        names=json.loads(text),
        columns=dict(zip(_COLUMNS, values, strict=True)),
        method=method,
        matrix=Matrix.of(result["matrix"]),
        cells=(result["cellsA"], result["cellsB"]),
        overlap=result["overlap"],
        notes=result["notes"],
        codes=np.frombuffer(body[len(body) - code_count :], np.uint8),
    )


# What scanpy's plots read.


def check_key(adata: AnnData | None, key: str) -> AnnData:
    """Raise where a result cannot be written under ``key``, before anything is computed."""
    if adata is None:
        raise ArgumentError(
            f"key_added={key!r} writes into an AnnData in memory; this viewer shows none. Leave it out."
        )
    if adata.is_view:
        raise ArgumentError(
            f"key_added={key!r} would write into a view, which copies it. Show adata.copy(), or leave key_added out."
        )
    column = _column_name(key)
    before = adata.uns.get(key)
    params = before.get("params") if isinstance(before, Mapping) else None
    is_ours = isinstance(params, Mapping) and params.get("groupby") == column
    if column in adata.obs and not is_ours:
        raise DataError(f"adata.obs has a column {column!r} already, which key_added={key!r} would overwrite.")
    return adata


def write_result(adata: AnnData, key: str, found: Comparison, labels: tuple[str, str], *, against_rest: bool) -> str:
    """Write ``adata.uns[key]`` as `sc.tl.rank_genes_groups` does, with both sides as groups; the obs column it made.

    scanpy's plots read the groups of the cells in obs.
    """
    if len(found.codes) != adata.n_obs:
        raise DataError("adata has other cells than when they were compared. Run show_anndata again.")
    first, second = labels if labels[0] != labels[1] else ("A", "B")
    column = _column_name(key)
    outside = bool((found.codes == 0).any())
    others = next(name for name in ("other", "other cells", "cells outside") if name not in {first, second})
    codes: Any = np.array([2, 0, 1], dtype=np.int8)[found.codes]
    categories: Any = [first, second, others] if outside else [first, second]
    annotated = adata.raw if found.matrix.place == "raw" else adata
    names = np.asarray(annotated.var_names, dtype=object)
    sides = {first: _side(found, names, sign=1), second: _side(found, names, sign=-1)}
    result: dict[str, Any] = {
        "params": {
            "groupby": column,
            "reference": REST if against_rest else second,
            "method": found.method,
            "use_raw": found.matrix.place == "raw",
            "layer": found.matrix.layer,
            "corr_method": "benjamini-hochberg",
        }
    }
    for name in ("names", "scores", "pvals", "pvals_adj", "logfoldchanges"):
        arrays = [side[name] for side in sides.values()]
        result[name] = np.rec.fromarrays(
            arrays, dtype=[(label, array.dtype) for label, array in zip(sides, arrays, strict=True)]
        )
    shares = {first: found.columns["pct_nz_group"], second: found.columns["pct_nz_reference"]}
    result["pts"] = pd.DataFrame(shares, index=annotated.var_names)
    if against_rest:
        swapped = dict(zip(shares, reversed(shares.values()), strict=True))
        result["pts_rest"] = pd.DataFrame(swapped, index=annotated.var_names)
    adata.obs[column] = pd.Categorical.from_codes(codes, categories)
    adata.uns[key] = result
    return column


def _side(found: Comparison, names: npt.NDArray[Any], *, sign: int) -> dict[str, npt.NDArray[Any]]:
    """One group against the other, in its own order."""
    order = np.argsort(-sign * found.columns["scores"], kind="stable")
    return {
        "names": names[order],
        "scores": (sign * found.columns["scores"][order]).astype(np.float32),
        "pvals": found.columns["pvals"][order],
        "pvals_adj": found.columns["pvals_adj"][order],
        "logfoldchanges": (sign * found.columns["logfoldchanges"][order]).astype(np.float32),
    }


def _column_name(key: str) -> str:
    return f"{key}_groups"
