"""An AnnData in memory as a source: the server asks, arrays answer. No file is written, and the AnnData is not changed.

All reads run on the source worker's thread, one at a time. Shapes, dtypes and the meaning of every answer stand in
`protocol/pipe.ts`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from asyncio import CancelledError
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .._arrays import tables
from .._arrays.array_parts import to_host
from .._arrays.dask_blocks import is_dask
from .._arrays.source_error import SourceReadError
from .._arrays.turn import AbandonedError, Turn, no_turn
from .._arrays.unreadable import unreadable
from .._arrays.value_types import positions
from .._wire.frame import Buffer, FrameError
from .._wire.labels import by_text, label_of, label_text, name_text, same_text_reason
from .._wire.protocol import JsonObject
from .expression import Expression, GeneReader, expression
from .gene_names import numbered_genes
from .matrix import RAW, Matrix, X, matrices_of
from .matrix_blocks import layout, read_block
from .obs_columns import ColumnBytes, UnsupportedColumnError, as_bytes, column_bytes, column_kind, too_many_reason
from .obsm import column_count, default_embedding, reason_not_drawn
from .origin import Positions, embedding_shapes, origin_of
from .uns_colors import color_cycle, stored_colors
from .versions import Versions

if TYPE_CHECKING:
    from anndata import AnnData


logger = logging.getLogger(__name__)

_MATRIX_TEXTS = {X: "X", RAW: "raw.X"}


class AnnDataSource:
    """Reads one AnnData for as long as a viewer shows it."""

    def __init__(
        self, adata: AnnData, sorting_changed: Callable[[], None] = lambda: None, *, called: str = "adata"
    ) -> None:
        self._adata = adata
        #: What the user calls it, for messages.
        self._called = called
        self._obs_names = adata.obs_names
        self._cell_count = adata.n_obs
        self._versions = Versions()
        self._genes = GeneReader(sorting_changed)
        self._kinds: dict[str, tuple[str, str, str | None]] = {}
        self._told = 0
        self._fields_read: set[str] = set()

    def read(self, question: JsonObject, turn: Turn = no_turn) -> tuple[JsonObject, Buffer]:
        """Answer one `sourceRead`. Raises ``SourceReadError``, and ``AbandonedError`` from ``turn``."""
        try:
            return self._read_unchanged(question, turn)
        except (SourceReadError, AbandonedError, FrameError):
            raise
        except (Exception, CancelledError) as error:
            # The arrays are the user's, and so is what computes them: anything may be raised.
            raise unreadable(*self._place(question), error) from error

    def _read_unchanged(self, question: JsonObject, turn: Turn) -> tuple[JsonObject, Buffer]:
        self.check_memory()
        match question["what"]:
            case "sorting":
                return self._genes.progress(), b""
            case "giveBack":
                return {"bytes": self.give_back()}, b""
        self._check_cells()
        answer = self._answer(question, turn)
        version = self._version_of(question)
        if version is not None and version != answer[0]["version"]:
            raise SourceReadError("changed", "The data changed while it was read. Choose it again.")
        return answer

    def begin_anew(self) -> None:
        """Take nothing for known: what was changed in place too little to be noticed is read as it is now."""
        self._versions.raise_all()
        self._genes.drop()

    def give_back(self) -> int:
        """Let go of the copies of matrices that are sorted by gene, for good; how many bytes that gives back."""
        return self._genes.give_back()

    def check_memory(self) -> None:
        """Let go of these copies where memory is short."""
        self._genes.check_memory()

    def has_changed(self, budget_s: float) -> bool:
        """Whether anything was seen to be other than when this was asked last; looks for at most ``budget_s``."""
        end = time.perf_counter() + budget_s
        for _ in self._part_versions():
            if time.perf_counter() > end:
                break
        before, self._told = self._told, self._versions.changes
        return before != self._told

    def _answer(self, question: JsonObject, turn: Turn) -> tuple[JsonObject, Buffer]:
        match question["what"]:
            case "describe":
                return self._describe(), b""
            case "obsm":
                rows = slice(question["start"], question["end"])
                return self._obsm(question["key"], question["columns"], rows, turn)
            case "obs":
                return self._obs(question["key"], turn)
            case "var" | "layout" | "block":
                return self._of_matrix(question, turn)
            case "varNames":
                return {}, _texts(self._var_names(question["column"], question["table"], turn))
            case "obsNames":
                return {}, _texts(self._adata.obs_names[question["start"] : question["end"]])
            case other:
                raise SourceReadError(
                    "bad_request", f"The server asked for {other!r}, which this package does not know."
                )

    def _place(self, question: JsonObject) -> tuple[str, str]:
        """What was read, in words, and how to read it in a cell."""
        match question["what"]:
            case "obs" | "obsm":
                place = f"{self._called}.{question['what']}[{question['key']!r}]"
                return place, f"{place}[:10]"
            case "var":
                matrix, gene = Matrix.of(question["matrix"]), question["index"]
                names = (self._adata.raw if matrix == RAW else self._adata).var_names
                holder = f"{self._called}.{_MATRIX_TEXTS.get(matrix) or f'layers[{matrix.layer!r}]'}"
                return f"Gene {str(names[gene])!r} of {holder}", f"{holder}[:, {gene}]"
            case "layout" | "block":
                matrix = Matrix.of(question["matrix"])
                holder = f"{self._called}.{_MATRIX_TEXTS.get(matrix) or f'layers[{matrix.layer!r}]'}"
                return holder, f"{holder}[:10]"
            case "varNames":
                return "The names of the genes", f"{self._called}.var"
            case "obsNames":
                return "The names of the cells", f"{self._called}.obs_names"
        return "The dataset", self._called

    def _check_cells(self) -> None:
        names = self._adata.obs_names
        if self._adata.n_obs == self._cell_count and (names is self._obs_names or names.equals(self._obs_names)):
            self._obs_names = names
            return
        raise SourceReadError(
            "changed",
            f"The AnnData has other cells than when it was shown ({self._cell_count:,} then, {self._adata.n_obs:,} "
            "now). "
            "Run show_anndata again.",
        )

    def _describe(self) -> JsonObject:
        adata = self._adata
        shapes = embedding_shapes(adata)
        versions = dict(self._part_versions())
        obsm = [self._describe_embedding(key, shape, versions[f"obsm/{key}"]) for key, shape in shapes.items()]
        fields, annotations = (by_text(tables.column_names(table)) for table in (adata.obs, adata.var))
        obs = [self._describe_field(text, labels, versions[_field_name(labels[0])]) for text, labels in fields.items()]
        return {
            "nObs": self._cell_count,
            "nVar": int(adata.n_vars),
            "version": _digest(versions),
            "obsm": obsm,
            "obs": obs,
            "varColumns": list(annotations),
            "varColumnVersions": [versions[f"var/{labels[0]}"] for labels in annotations.values()],
            "matrices": [
                {"matrix": matrix.wire, "genes": genes, "version": versions[f"matrix/{matrix.name}"]}
                for matrix, genes in matrices_of(adata)
            ],
            "defaultEmbedding": default_embedding(adata),
            "colorCycle": color_cycle(),
            "notes": [
                *(f'obsm "{entry["key"]}" is not drawn: {entry["reason"]}.' for entry in obsm if "reason" in entry),
                *numbered_genes(adata.var_names, tables.column_names(adata.var)),
            ],
        }

    def _describe_embedding(self, key: str, shape: tuple[int, ...], version: str) -> JsonObject:
        reason = reason_not_drawn(self._table(key)[0], shape, self._cell_count)
        entry: JsonObject = {"key": key, "columns": column_count(shape), "version": version}
        return entry if reason is None else {**entry, "reason": reason}

    def _version_of(self, question: JsonObject) -> str | None:
        """Of the part that was read; ``None`` for names."""
        match question["what"]:
            case "obs":
                return self._obs_version(label_of(tables.column_names(self._adata.obs), question["key"]))
            case "obsm":
                return self._obsm_version(question["key"])
            case "var" | "layout" | "block":
                return self._matrix_version(Matrix.of(question["matrix"]))
        return None

    def _part_versions(self) -> Iterator[tuple[str, str]]:
        """Every part that can be asked for with its version, in which order it pays to look at them."""
        adata = self._adata
        fields, annotations = tables.column_names(adata.obs), tables.column_names(adata.var)
        keys = (tuple(map(str, names)) for names in (fields, annotations, adata.obsm))
        yield "names", self._versions.of("names", adata.obs_names, *keys, (str(default_embedding(adata)),))
        for matrix, _ in matrices_of(adata):
            yield f"matrix/{matrix.name}", self._matrix_version(matrix)
        for key in embedding_shapes(adata):
            yield f"obsm/{key}", self._obsm_version(key)
        for column in annotations:
            yield f"var/{column}", self._versions.of(f"var/{column}", tables.anchor(adata.var, column))
        # Where a short look does not come to the end, it has been at what was read.
        for key in sorted(dict.fromkeys(fields), key=lambda field: label_text(field) not in self._fields_read):
            yield _field_name(key), self._obs_version(key)

    def _matrix_version(self, place: Matrix) -> str:
        """Genes are asked for by position: with other names, these are others."""
        matrix = expression(self._adata, place)
        annotated = self._adata.raw if place == RAW else self._adata
        return self._versions.of(matrix.name, matrix.anchor, annotated.var_names)

    def _obsm_version(self, key: str) -> str:
        return self._versions.of(f"obsm/{key}", self._table(key)[0])

    def _describe_field(self, text: str, labels: list[Any], version: str) -> JsonObject:
        label, *others = labels
        if others:
            return {"key": text, "kind": "unsupported", "reason": same_text_reason(labels), "version": version}
        if not tables.is_single(self._adata.obs, label):
            twins = "several columns have this name"
            return {"key": text, "kind": "unsupported", "reason": twins, "version": version}
        known = self._kinds.get(text)
        if known is None or known[0] != version:
            known = (version, *_kind_and_reason(self._adata.obs, label))
            self._kinds[text] = known
        _, kind, reason = known
        field: JsonObject = {"key": text, "kind": kind, "version": version}
        return field if reason is None else {**field, "reason": reason}

    def _obs(self, key: str, turn: Turn) -> tuple[JsonObject, Buffer]:
        try:
            label = label_of(tables.column_names(self._adata.obs), key)
        except KeyError:
            raise SourceReadError("unknown_column", f"adata.obs has no column {key!r} (any more).") from None
        self._fields_read.add(key)
        version = self._obs_version(label)
        try:
            column = column_bytes(tables.column(self._adata.obs, label, turn), self._colors(label))
        except UnsupportedColumnError as error:
            raise SourceReadError("unsupported", f"adata.obs[{label!r}] cannot colour the cells: {error}.") from None
        return _versioned(column, version)

    def _obs_version(self, key: Any) -> str:
        stored = self._adata.uns.get(f"{key}_colors")
        # What is not in memory is not read for the question. Without colours in uns matplotlib's settings decide.
        colors = stored if is_dask(stored) else (json.dumps(self._colors(key) or color_cycle()),)
        return self._versions.of(_field_name(key), tables.anchor(self._adata.obs, key), colors)

    def _colors(self, key: Any) -> list[Any] | None:
        stored = self._adata.uns.get(f"{key}_colors")
        return stored_colors(to_host(stored) if is_dask(stored) else stored)

    def _obsm(self, key: str, columns: int, rows: slice, turn: Turn) -> tuple[JsonObject, Buffer]:
        if key not in embedding_shapes(self._adata):
            raise SourceReadError("unknown_embedding", f"adata.obsm has no {key!r} (any more).")
        value, places = self._table(key)
        version = self._obsm_version(key)
        picked = rows if places is None else places[rows]
        part = tables.read_rows(value, picked, columns, turn)
        try:
            array, dtype = positions(part)
        except (TypeError, ValueError) as error:
            raise SourceReadError(
                "unsupported", f"adata.obsm[{key!r}] cannot place the cells: it holds no numbers ({error})."
            ) from None
        head = {"form": "array", "dtype": dtype, "rows": array.shape[0], "columns": array.shape[1]}
        return {**head, "version": version}, as_bytes(array)

    def _table(self, key: str) -> tuple[Any, Positions | None]:
        origin = origin_of(self._adata)
        return origin.adata.obsm[label_of(origin.adata.obsm, key)], origin.rows

    def _gene(self, gene: int, place: Matrix, turn: Turn) -> tuple[JsonObject, Buffer]:
        matrix = self._real_expression(place)
        if not 0 <= gene < matrix.gene_count:
            raise SourceReadError(
                "unknown_column", f"There is no gene {gene}: {matrix.name} has {matrix.gene_count:,}."
            )
        version = self._matrix_version(place)
        return _versioned(self._genes.read(matrix, version, gene, turn), version)

    def _of_matrix(self, question: JsonObject, turn: Turn) -> tuple[JsonObject, Buffer]:
        place = Matrix.of(question["matrix"])
        match question["what"]:
            case "layout":
                return self._layout(place), b""
            case "block":
                return self._block(place, question["start"], question["most"], turn)
        return self._gene(question["index"], place, turn)

    def _real_expression(self, place: Matrix) -> Expression:
        matrix = expression(self._adata, place)
        if np.dtype(getattr(matrix.values, "dtype", np.float32)).kind == "c":
            raise SourceReadError(
                "unsupported", f"{matrix.name} holds complex numbers; expression must be real numbers."
            )
        return matrix

    def _layout(self, place: Matrix) -> JsonObject:
        found = layout(self._real_expression(place), self._cell_count)
        return {**found, "logBase": _log_base(self._adata), "version": self._matrix_version(place)}

    def _block(self, place: Matrix, start: int, most: int, turn: Turn) -> tuple[JsonObject, Buffer]:
        version = self._matrix_version(place)
        block = read_block(self._real_expression(place), self._cell_count, start, most, turn)
        return _versioned(block, version)

    def _var_names(self, column: str | None, table: str, turn: Turn) -> Any:
        annotated = self._adata.raw if table == RAW.place and self._adata.raw is not None else self._adata
        if column is None:
            return annotated.var_names
        try:
            label = label_of(tables.column_names(annotated.var), column)
        except KeyError:
            raise SourceReadError("not_found", f"adata.var has no column {column!r} (any more).") from None
        labels = tables.column(annotated.var, label, turn)
        return labels.astype(object).where(labels.notna(), annotated.var_names.to_series(index=labels.index))


def _field_name(label: Any) -> str:
    """One text for each column of obs, also where two are called alike."""
    return f"obs/{label}" if isinstance(label, str) else f"obs ({type(label).__name__})/{label}"


def _digest(versions: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(versions, sort_keys=True).encode()).hexdigest()[:16]


def _kind_and_reason(obs: Any, key: Any) -> tuple[str, str | None]:
    try:
        values = tables.for_kind(obs, key)
        return column_kind(values), too_many_reason(values)
    except UnsupportedColumnError as error:
        return "unsupported", str(error)
    except Exception:
        # Of a table that is not in memory one damaged column must not close the others.
        logger.warning("The kind of adata.obs[%r] cannot be told", key, exc_info=True)
        return "unsupported", "it cannot be read"


def _log_base(adata: AnnData) -> float | None:
    """What `sc.pp.log1p` wrote down; ``None`` is the natural logarithm."""
    noted = adata.uns.get("log1p")
    base = noted.get("base") if isinstance(noted, Mapping) else None
    return None if base is None else float(base)


def _texts(names: Any) -> bytes:
    return json.dumps(list(map(name_text, names)), ensure_ascii=False, separators=(",", ":")).encode()


def _versioned(column: ColumnBytes, version: str) -> tuple[JsonObject, Buffer]:
    return {**column.head, "version": version}, column.body
