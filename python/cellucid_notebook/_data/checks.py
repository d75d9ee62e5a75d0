"""What must hold of the user's input before anything is shown; each miss is one exception with a way out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from .._arrays import tables
from .._wire.labels import label_of, well_formed
from ..errors import (
    AmbiguousColumnError,
    ArgumentError,
    ArgumentTypeError,
    DataError,
    DataFileNotFoundError,
    NoCellsError,
    NoEmbeddingError,
    UnknownColumnError,
    UnknownEmbeddingError,
    near_names,
    or_nothing,
)
from .matrix import RAW, Matrix, X, check_matrix, has_x, usual_matrix
from .obsm import matching_keys, reason_not_drawn
from .origin import embedding_shapes, layer_names, origin_of

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


def is_anndata(data: object) -> bool:
    """Whether ``data`` is an AnnData; by its parts, so that anndata itself need not be imported."""
    return not isinstance(data, type) and all(
        hasattr(data, part) for part in ("obs", "var", "obsm", "uns", "var_names", "n_obs")
    )


def is_mudata(data: object) -> bool:
    """Whether ``data`` is a MuData, which holds several AnnData."""
    return all(hasattr(data, part) for part in ("mod", "obs", "obsm", "n_mod"))


def is_url(data: object) -> bool:
    """Whether ``data`` is the http(s) URL of a store."""
    return isinstance(data, str) and data.lower().startswith(("http://", "https://"))


def data_path(data: str | os.PathLike[str]) -> Path:
    """The absolute path of a dataset; what is there, the server tells. Raises ``DataFileNotFoundError``."""
    path = Path(data).expanduser()
    if not path.exists():
        if path.with_name(f".{path.name}.icloud").exists():
            raise DataFileNotFoundError(
                f'"{path}" is in iCloud and not on this computer. Fetch it in a terminal: brctl download "{path}"'
            )
        try:
            beside = sorted(entry.name for entry in path.parent.iterdir())
        except OSError:
            beside = []
        near = near_names(path.name, beside)
        hint = f" Similar names there: {', '.join(near)}." if near else ""
        raise DataFileNotFoundError(
            f"There is no file or folder {path}; looked from {Path.cwd()}.{hint} Check the path."
        )
    return path.resolve()


def check_override(url: str | None) -> None:
    """An override must be an http(s) URL without query or secrets. Raises ``ValueError``."""
    if url is None:
        return
    parts = urlsplit(url.replace("{port}", "1"))
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise ArgumentError(
            f"The server's URL for the browser is given as {url!r}, which is no http(s) URL of the form "
            "https://host/path; {port} in it stands for the server's port. Correct client_server_url or "
            "CELLUCID_CLIENT_SERVER_URL."
        )


def check_anndata(
    adata: AnnData, *, color: str | None, embedding: str | None, gene_symbols: str | None, matrix: Matrix | None
) -> str | None:
    """Check what is asked of an AnnData; the obsm key of ``embedding`` (``"umap"`` finds ``"X_umap"``).

    ``matrix``: what genes are read from, ``None`` as scanpy chooses. Reads no matrix. Raises ``NoCellsError``,
    ``NoEmbeddingError``, ``UnknownEmbeddingError``, ``UnknownLayerError``, ``UnknownColumnError``,
    ``AmbiguousColumnError``, or ``DataError`` where there is no raw.
    """
    if adata.n_obs == 0:
        raise NoCellsError(
            "The AnnData has no cells (n_obs is 0): there is nothing to draw. Check how it was filtered."
        )
    if embedding is None:
        _check_any_embedding(adata)
    matrix = matrix or usual_matrix(adata)
    check_matrix(adata, matrix)
    annotations = tables.column_names(adata.var)
    if gene_symbols is not None and gene_symbols not in annotations:
        raise _unknown(f"gene_symbols={gene_symbols!r} is not a column of adata.var", gene_symbols, annotations)
    if color is not None and color not in tables.column_names(adata.obs):
        if matrix == X and not has_x(adata):
            layers = ", ".join(map(repr, layer_names(adata))) or "there is none"
            raise DataError(
                f"color={color!r} is no column of adata.obs, and no gene can be read: adata.X is empty. Name one of "
                f"the layers with layer=: {layers}."
            )
        _check_gene(adata, color, gene_symbols, matrix)
    return None if embedding is None else embedding_key(adata, embedding)


def check_mudata(mdata: MuData) -> None:
    """Refuse what holds no modalities that can be read; all else the server checks, as it does for a file."""
    nested = [name for name, adata in mdata.mod.items() if is_mudata(adata)]
    if nested:
        raise ArgumentTypeError(
            f"mdata[{nested[0]!r}] is a MuData itself. Show it: show_anndata(mdata[{nested[0]!r}])."
        )
    if not mdata.mod:
        raise NoCellsError("The MuData has no modalities: there is nothing to draw. Check how it was made.")


def embedding_key(adata: AnnData, embedding: str) -> str:
    """Return the key in ``adata.obsm`` that ``embedding`` names, with or without ``X_`` and in any case.

    Raises ``UnknownEmbeddingError``.
    """
    shapes = embedding_shapes(adata)
    keys = matching_keys(shapes, well_formed(embedding))
    if not keys:
        near = or_nothing(near_names(embedding, shapes))
        raise UnknownEmbeddingError(
            f"embedding={embedding!r} is not in adata.obsm, which holds {_listed(adata)}; most like it: {near}. "
            "Choose one of these."
        )
    if len(keys) > 1:
        raise UnknownEmbeddingError(
            f"embedding={embedding!r} could be any of {', '.join(map(repr, keys))}. Write the name of one as it stands "
            "in adata.obsm."
        )
    reason = _reason(adata, keys[0], shapes[keys[0]])
    if reason is not None:
        raise UnknownEmbeddingError(
            f"adata.obsm[{keys[0]!r}] cannot be drawn: {reason}. It needs one row of numbers per cell."
        )
    return keys[0]


def _check_any_embedding(adata: AnnData) -> None:
    """Refuse where nothing could even be chosen; what is shown first, the server decides."""
    shapes = embedding_shapes(adata)
    if all(_reason(adata, key, shape) is not None for key, shape in shapes.items()):
        raise NoEmbeddingError(
            f"The AnnData has no embedding to draw: adata.obsm holds {_listed(adata)}. From counts, run "
            "sc.pp.pca(adata), sc.pp.neighbors(adata) and sc.tl.umap(adata), then show it again."
        )


def _reason(adata: AnnData, key: str, shape: tuple[int, ...]) -> str | None:
    obsm = origin_of(adata).adata.obsm
    return reason_not_drawn(obsm[label_of(obsm, key)], shape, adata.n_obs)


def _listed(adata: AnnData) -> str:
    entries = []
    for key, shape in embedding_shapes(adata).items():
        reason = _reason(adata, key, shape)
        entries.append(f"{key} {shape}" if reason is None else f"{key} ({reason})")
    return ", ".join(entries) or "nothing"


def _check_gene(adata: AnnData, color: str, gene_symbols: str | None, matrix: Matrix) -> None:
    raw_names: Any = () if adata.raw is None else adata.raw.var_names
    names, others = (raw_names, adata.var_names) if matrix == RAW else (adata.var_names, raw_names)
    wanted = _var_name(adata, color, gene_symbols)
    count = 0 if wanted is None else int((names == wanted).sum())
    if count == 1:
        return
    if count > 1:
        raise AmbiguousColumnError(
            f"color={color!r} names {count} genes. Write which one you mean: {wanted!r} followed by ' (1 of {count})' "
            f"to ' ({count} of {count})', or make the names unique with adata.var_names_make_unique().",
            [f"{wanted} ({number} of {count})" for number in range(1, count + 1)],
        )
    bare = re.sub(r" \(\d+ of \d+\)$", "", color)
    if bare != color and bare in names:
        return  # how a gene is named that shares its name with others
    fields = tables.column_names(adata.obs)
    found = f"color={color!r} is neither a column of adata.obs ({len(fields)} of them) nor one of "
    where = "adata.raw" if matrix == RAW else "adata"
    if wanted is not None and wanted in others:
        way_out = (
            "adata.var has it: write use_raw=False to read it from adata.X."
            if matrix == RAW
            else "Only adata.raw has it: leave layer out, and write use_raw=True."
        )
        raise UnknownColumnError(f"{found}the {len(names):,} genes of {where}. {way_out}")
    labels = [] if gene_symbols is None else map(str, tables.column(adata.var, gene_symbols))
    symbols = "" if gene_symbols is None else f", by var_names or gene_symbols={gene_symbols!r}, which adata.var has"
    raise _unknown(
        f"{found}the {len(names):,} genes of {where}{symbols}", color, [*map(str, fields), *labels, *map(str, names)]
    )


def _var_name(adata: AnnData, name: str, gene_symbols: str | None) -> Any:
    """What scanpy reads for ``name``: what is no var name is a symbol, the first in ``adata.var``, also for raw."""
    if gene_symbols is None or name in adata.var_names:
        return name
    symbols = tables.column(adata.var, gene_symbols)
    return next(iter(adata.var_names[np.asarray(symbols == name, dtype=bool)]), None)


def _unknown(found: str, name: str, names: Iterable[str]) -> UnknownColumnError:
    near = near_names(name, [str(other) for other in names])
    return UnknownColumnError(f"{found}; most like it: {or_nothing(near)}. Choose one of these names.", near)
