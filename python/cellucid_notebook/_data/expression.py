"""Genes of an AnnData in memory: which matrix, and which column of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._arrays.array_parts import StoredValues, Values, pick_rows, read_column
from .._arrays.dask_blocks import needs_all_blocks
from .._arrays.gene_copies import GeneCopies
from .._arrays.kept_blocks import KeptBlocks
from .._arrays.source_error import SourceReadError
from .._arrays.turn import Turn, no_turn
from .._wire.protocol import JsonObject
from .matrix import RAW, Matrix, X, has_x
from .obs_columns import ColumnBytes, dense_bytes, sparse_bytes
from .origin import Positions, layer_key, layer_names, origin_of

if TYPE_CHECKING:
    from anndata import AnnData


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
        return self.values if file is None else (str(file), str(stored.name), *_written(str(file)))

    @property
    def gene_count(self) -> int:
        """Number of genes that can be asked for."""
        return int(self.values.shape[1]) if self.columns is None else len(self.columns)


def expression(adata: AnnData, matrix: Matrix) -> Expression:
    """The values of ``matrix``. Of a view the parent's, which is not copied.

    Raises ``SourceReadError`` when there is none.
    """
    if matrix == RAW:
        return _raw(adata)
    origin = origin_of(adata)
    if matrix == X:
        values = origin.adata.X if has_x(adata) else None
        if values is None:
            layers = ", ".join(layer_names(adata)) or "none"
            raise SourceReadError("not_found", f"adata.X is empty. Layers: {layers}. Show one of them with layer=.")
    else:
        try:
            key = layer_key(origin.adata, matrix.layer or "")
        except KeyError:
            raise SourceReadError("unknown_layer", f"adata.layers has no {matrix.layer!r} (any more).") from None
        values = origin.adata.layers[key]
    return Expression(matrix.name, values, origin.rows, origin.columns)


def _raw(adata: AnnData) -> Expression:
    if adata.raw is None:
        raise SourceReadError("not_found", "The AnnData has no raw (any more).")
    origin = origin_of(adata)
    if origin.adata.raw is not None:
        # A view has a copy of its rows, which of a file it makes anew each time.
        return Expression(RAW.name, origin.adata.raw.X, origin.rows)
    return Expression(RAW.name, adata.raw.X)


class GeneReader:
    """Reads columns of matrices; of one that is stored by cell from a copy by gene, where there is room for it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.copies = GeneCopies(changed)
        self.blocks = KeptBlocks(changed)

    def progress(self) -> JsonObject:
        """As `sortingAnswerSchema`."""
        told = self.copies.progress()
        return {**told, "bytes": told["bytes"] + self.blocks.size}

    def drop(self) -> None:
        """Let all go that was kept: the matrices may hold other values now."""
        self.copies.drop()
        self.blocks.drop()

    def give_back(self) -> int:
        """Let all go and keep no more; bytes that this gives back."""
        return self.copies.give_back() + self.blocks.give_back()

    def check_memory(self) -> None:
        """Let all go where memory is short."""
        self.copies.check_memory()
        self.blocks.check_memory()

    def read(self, matrix: Expression, version: str, gene: int, turn: Turn = no_turn) -> ColumnBytes:
        """Read one gene, by its position, of the matrix in this version."""
        column = gene if matrix.columns is None else int(matrix.columns[gene])
        whole: Values | StoredValues | None = self.copies.stored(matrix.name, version, matrix.values, column)
        if whole is None and needs_all_blocks(matrix.values, matrix.rows):
            whole = self.blocks.column(matrix.name, version, matrix.values, column, turn)
        if whole is None:
            found = read_column(matrix.values, column, turn, matrix.rows)
        else:
            found = whole if matrix.rows is None else pick_rows(whole, matrix.rows)
        if isinstance(found, StoredValues):
            return sparse_bytes(found.rows, found.values, found.n)
        return dense_bytes(found)


def _written(file: str) -> tuple[int, ...]:
    """When the file was last written, and its size; nothing where it cannot be looked at."""
    try:
        found = Path(file).stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_size
