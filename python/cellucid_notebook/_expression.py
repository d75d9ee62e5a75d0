"""Genes of an AnnData in memory: which matrix, which column of it, and a copy ordered by gene where it pays."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ._obs_columns import ColumnBytes, dense_bytes, sparse_bytes
from ._origin import Positions, layer_names, origin_of
from ._source_error import SourceReadError

if TYPE_CHECKING:
    from anndata import AnnData

RAW = "raw"
#: A second copy of a matrix is made only when it takes at most this part of the free memory.
_COPY_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Expression:
    """A matrix of cells by genes, and for a view of an AnnData which rows and columns of it are meant."""

    name: str
    values: Any
    rows: Positions | None = None
    columns: Positions | None = None

    @property
    def anchor(self) -> Any:
        """What stays the same while the matrix does: of one in a file its place, as every access makes a new object."""
        stored = getattr(self.values, "group", self.values)
        file = getattr(getattr(stored, "file", None), "filename", None)
        return self.values if file is None else (str(file), str(stored.name))

    @property
    def gene_count(self) -> int:
        """Number of genes that can be asked for."""
        return int(self.values.shape[1]) if self.columns is None else len(self.columns)


def expression(adata: AnnData, layer: str | None) -> Expression:
    """The matrix behind ``layer`` (``None`` and ``"X"``: X). Of a view the parent's matrix, which is not copied.

    Raises ``SourceReadError`` when there is none.
    """
    if layer == RAW:
        if adata.raw is None:
            raise SourceReadError("not_found", "The AnnData has no raw (any more).")
        origin = origin_of(adata)
        if getattr(origin.adata, "isbacked", False) and origin.adata.raw is not None:
            # A view would read all its rows from the file each time.
            return Expression(RAW, origin.adata.raw.X, origin.rows)
        return Expression(RAW, adata.raw.X)
    origin = origin_of(adata)
    if layer is not None and layer != "X":
        if layer not in adata.layers:
            raise SourceReadError("not_found", f"adata.layers has no {layer!r} (any more).")
        return Expression(f"layers/{layer}", origin.adata.layers[layer], origin.rows, origin.columns)
    if origin.adata.X is None:
        layers = ", ".join(layer_names(adata)) or "none"
        raise SourceReadError("not_found", f"adata.X is empty. Layers: {layers}. Show one of them with layer=.")
    return Expression("X", origin.adata.X, origin.rows, origin.columns)


def has_x(adata: AnnData) -> bool:
    """Whether there is an X."""
    return origin_of(adata).adata.X is not None


class GeneReader:
    """Reads columns of matrices, and keeps one copy by gene of each matrix that is stored by cell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._copies: dict[str, tuple[str, Any]] = {}

    def read(self, matrix: Expression, version: str, gene: int) -> ColumnBytes:
        """Read one gene, by its position, of the matrix in this version."""
        column = gene if matrix.columns is None else int(matrix.columns[gene])
        values = self._by_gene(matrix, version)
        if _is_csc(values):
            start, end = int(values.indptr[column]), int(values.indptr[column + 1])
            return _pick_stored(values.indices[start:end], values.data[start:end], matrix)
        part = values[:, column]
        if hasattr(part, "tocoo"):
            stored = part.reshape(-1, 1).tocoo()
            return _pick_stored(stored.row, stored.data, matrix)
        dense = np.asarray(part.compute() if hasattr(part, "compute") else part).reshape(-1)
        return dense_bytes(dense if matrix.rows is None else dense[matrix.rows])

    def _by_gene(self, matrix: Expression, version: str) -> Any:
        values = matrix.values
        # A backed matrix of anndata 0.10 has the format and the indptr of one in memory, and no data.
        if getattr(values, "format", None) != "csr" or not isinstance(getattr(values, "data", None), np.ndarray):
            return values
        with self._lock:
            known = self._copies.get(matrix.name)
            if known is not None and known[0] == version:
                return values if known[1] is None else known[1]
            self._copies[matrix.name] = (version, None)
        size = values.data.nbytes + values.indices.nbytes + (values.shape[1] + 1) * 8
        if size <= free_memory() * _COPY_SHARE:
            # scipy lets other threads run meanwhile; until it is done, columns are read from the matrix itself.
            build = threading.Thread(
                target=self._build, args=(matrix.name, version, values), name="cellucid-genes", daemon=True
            )
            build.start()
        return values

    def _build(self, name: str, version: str, values: Any) -> None:
        try:
            copy = values.tocsc()
        except MemoryError:
            return  # it goes on as it is
        with self._lock:
            if self._copies.get(name, ("", None))[0] == version:
                self._copies[name] = (version, copy)


def _is_csc(values: Any) -> bool:
    return getattr(values, "format", None) == "csc" and isinstance(getattr(values, "indptr", None), np.ndarray)


def _pick_stored(rows: Any, values: Any, matrix: Expression) -> ColumnBytes:
    cell_count = int(matrix.values.shape[0])
    if matrix.rows is None:
        return sparse_bytes(rows, values, cell_count)
    # A view may name a row twice, and in any order.
    dense = np.zeros(cell_count, dtype=np.float32)
    np.add.at(dense, rows, values)
    picked = dense[matrix.rows]
    stored = np.flatnonzero(picked)
    return sparse_bytes(stored, picked[stored], len(picked))


def free_memory() -> int:
    """Bytes of memory that can be had, as far as the system says; none where it does not."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
