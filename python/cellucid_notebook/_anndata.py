"""An AnnData in memory as a source: the server asks, arrays answer. No file is written, and the AnnData is not changed.

All reads run on the source worker's thread, one at a time. Shapes, dtypes and the meaning of every answer stand in
`protocol/pipe.ts`.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ._expression import RAW, GeneReader, expression, has_x
from ._frame import Buffer
from ._obs_columns import ColumnBytes, UnsupportedColumnError, as_bytes, column_bytes, column_kind
from ._origin import Positions, embedding_shapes, layer_names, origin_of
from ._protocol import JsonObject
from ._source_error import SourceReadError
from ._versions import Versions

if TYPE_CHECKING:
    from anndata import AnnData


class AnnDataSource:
    """Reads one AnnData for as long as a viewer shows it."""

    def __init__(self, adata: AnnData) -> None:
        self._adata = adata
        self._obs_names = adata.obs_names
        self._cell_count = adata.n_obs
        self._versions = Versions()
        self._genes = GeneReader()
        self._kinds: dict[str, tuple[str, str, str | None]] = {}

    def read(self, question: JsonObject) -> tuple[JsonObject, Buffer]:
        """Answer one `sourceRead`. Raises ``SourceReadError``."""
        self._check_cells()
        match question["what"]:
            case "describe":
                return self._describe(), b""
            case "obsm":
                return self._obsm(question["key"], question["columns"], slice(question["start"], question["end"]))
            case "obs":
                return self._obs(question["key"])
            case "var":
                return self._gene(question["index"], question["layer"])
            case "varNames":
                return {}, _texts(self._var_names(question["column"], question["layer"]))
            case "obsNames":
                return {}, _texts(self._adata.obs_names[question["start"] : question["end"]])
            case other:
                raise SourceReadError(
                    "bad_request", f"The server asked for {other!r}, which this package does not know."
                )

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
        obsm = [
            {"key": key, "columns": shape[1], "version": self._versions.of(f"obsm/{key}", self._table(key)[0])}
            for key, shape in shapes.items()
            if len(shape) == 2
        ]
        obs = [self._describe_field(key) for key in dict.fromkeys(adata.obs.columns)]
        return {
            "nObs": self._cell_count,
            "nVar": int(adata.n_vars),
            "version": self._version_of_all([*obsm, *obs]),
            "obsm": obsm,
            "obs": obs,
            "varColumns": [str(column) for column in adata.var.columns],
            "layers": layer_names(adata),
            "hasX": has_x(adata),
            "rawVar": None if adata.raw is None else int(adata.raw.n_vars),
            "notes": [
                f"obsm/{key} is no table and is not offered." for key, shape in shapes.items() if len(shape) != 2
            ],
        }

    def _version_of_all(self, described: list[JsonObject]) -> str:
        named = [f"{entry['key']}={entry['version']}" for entry in described]
        layers = [*(["X"] if has_x(self._adata) else []), *layer_names(self._adata)]
        layers += [RAW] if self._adata.raw is not None else []
        for matrix in (expression(self._adata, layer) for layer in layers):
            named.append(f"{matrix.name}={self._versions.of(matrix.name, matrix.anchor)}")
        named.append(f"var={self._versions.of('var', self._adata.var_names)}")
        return hashlib.sha256("\n".join(named).encode()).hexdigest()[:16]

    def _describe_field(self, key: Any) -> JsonObject:
        version = self._obs_version(key) if self._adata.obs[key].ndim == 1 else None
        if version is None:
            return {"key": str(key), "kind": "unsupported", "reason": "several columns have this name", "version": "0"}
        known = self._kinds.get(str(key))
        if known is None or known[0] != version:
            known = (version, *_kind_and_reason(self._adata.obs[key]))
            self._kinds[str(key)] = known
        _, kind, reason = known
        field: JsonObject = {"key": str(key), "kind": kind, "version": version}
        return field if reason is None else {**field, "reason": reason}

    def _obs(self, key: str) -> tuple[JsonObject, Buffer]:
        if key not in self._adata.obs.columns:
            raise SourceReadError("unknown_column", f"adata.obs has no column {key!r} (any more).")
        try:
            column = column_bytes(self._adata.obs[key], self._colors(key))
        except UnsupportedColumnError as error:
            raise SourceReadError("unsupported", f"adata.obs[{key!r}] cannot colour the cells: {error}.") from error
        return _versioned(column, self._obs_version(key))

    def _obs_version(self, key: Any) -> str:
        colors = self._colors(str(key))
        return self._versions.of(f"obs/{key}", self._adata.obs[key].array, None if colors is None else tuple(colors))

    def _colors(self, key: str) -> list[str] | None:
        colors = self._adata.uns.get(f"{key}_colors")
        if colors is None or isinstance(colors, str) or not hasattr(colors, "__len__"):
            return None
        return [str(color) for color in colors]

    def _obsm(self, key: str, columns: int, rows: slice) -> tuple[JsonObject, Buffer]:
        if key not in self._adata.obsm:
            raise SourceReadError("unknown_embedding", f"adata.obsm has no {key!r} (any more).")
        value, positions = self._table(key)
        version = self._versions.of(f"obsm/{key}", value)
        picked = rows if positions is None else positions[rows]
        part = value.iloc[picked, :columns].to_numpy() if hasattr(value, "iloc") else value[picked, :columns]
        try:
            array = np.ascontiguousarray(_dense(part), dtype="<f4")
        except (TypeError, ValueError) as error:
            raise SourceReadError(
                "unsupported", f"adata.obsm[{key!r}] cannot place the cells: it holds no numbers ({error})."
            ) from error
        head = {"form": "array", "rows": array.shape[0], "columns": array.shape[1], "version": version}
        return head, as_bytes(array)

    def _table(self, key: str) -> tuple[Any, Positions | None]:
        origin = origin_of(self._adata)
        return origin.adata.obsm[key], origin.rows

    def _gene(self, gene: int, layer: str | None) -> tuple[JsonObject, Buffer]:
        matrix = expression(self._adata, layer)
        if not 0 <= gene < matrix.gene_count:
            raise SourceReadError(
                "unknown_column", f"There is no gene {gene}: {matrix.name} has {matrix.gene_count:,}."
            )
        if np.dtype(getattr(matrix.values, "dtype", np.float32)).kind == "c":
            raise SourceReadError(
                "unsupported", f"{matrix.name} holds complex numbers; expression must be real numbers."
            )
        version = self._versions.of(matrix.name, matrix.anchor)
        return _versioned(self._genes.read(matrix, version, gene), version)

    def _var_names(self, column: str | None, layer: str | None) -> Any:
        annotated = self._adata.raw if layer == RAW and self._adata.raw is not None else self._adata
        if column is None:
            return annotated.var_names
        if column not in annotated.var.columns:
            raise SourceReadError("not_found", f"adata.var has no column {column!r} (any more).")
        labels = annotated.var[column]
        return labels.astype(object).where(labels.notna(), annotated.var_names.to_series(index=labels.index))


def _kind_and_reason(values: Any) -> tuple[str, str | None]:
    try:
        return column_kind(values), None
    except UnsupportedColumnError as error:
        return "unsupported", str(error)


def _dense(part: Any) -> Any:
    return part.toarray() if hasattr(part, "toarray") else np.asarray(part)


def _texts(names: Any) -> bytes:
    return json.dumps([str(name) for name in names], ensure_ascii=False, separators=(",", ":")).encode()


def _versioned(column: ColumnBytes, version: str) -> tuple[JsonObject, Buffer]:
    return {**column.head, "version": version}, column.body
