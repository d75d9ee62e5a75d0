"""What must hold of the user's input before anything is shown; each miss is one exception with a way out."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._origin import embedding_shapes, layer_names
from .errors import (
    AmbiguousColumnError,
    DataError,
    DataFileNotFoundError,
    NoCellsError,
    NoEmbeddingError,
    UnknownColumnError,
    UnknownEmbeddingError,
    UnknownLayerError,
    near_names,
    or_nothing,
)

if TYPE_CHECKING:
    from anndata import AnnData

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
#: HDF5 allows a block of the user's own before the signature, of these sizes; larger ones are not seen in practice.
_SIGNATURE_OFFSETS = (0, 512, 1024, 2048)
_RAW = "raw"


def is_anndata(data: object) -> bool:
    """Whether ``data`` is an AnnData; by its parts, so that anndata itself need not be imported."""
    return all(hasattr(data, part) for part in ("obs", "var", "obsm", "uns", "var_names", "n_obs"))


def is_mudata(data: object) -> bool:
    """Whether ``data`` is a MuData, which holds several AnnData."""
    return all(hasattr(data, part) for part in ("mod", "obs", "obsm", "n_mod"))


def is_url(data: object) -> bool:
    """Whether ``data`` is the http(s) URL of a store."""
    return isinstance(data, str) and data.lower().startswith(("http://", "https://"))


def data_path(data: str | os.PathLike[str]) -> Path:
    """The absolute path of a dataset. Raises ``DataFileNotFoundError``, or ``DataError`` for a file that is no HDF5."""
    path = Path(data).expanduser()
    if not path.exists():
        try:
            beside = sorted(entry.name for entry in path.parent.iterdir())
        except OSError:
            beside = []
        near = near_names(path.name, beside)
        hint = f" Similar names there: {', '.join(near)}." if near else ""
        raise DataFileNotFoundError(
            f"There is no file or folder {path}; looked from {Path.cwd()}.{hint} Check the path."
        )
    if path.is_file() and path.suffix != ".zip" and not _has_hdf5_signature(path):
        raise DataError(
            f"{path.name} is not an HDF5 file ({path.stat().st_size:,} bytes), so it cannot be an .h5ad. If it was "
            "downloaded, open it in a text editor: it may hold an error page. Write it again with "
            "adata.write_h5ad(...)."
        )
    return path.resolve()


def _has_hdf5_signature(path: Path) -> bool:
    with path.open("rb") as file:
        for offset in _SIGNATURE_OFFSETS:
            file.seek(offset)
            if file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE:
                return True
    return False


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
        raise ValueError(
            f"The server's URL for the browser is given as {url!r}, which is no http(s) URL of the form "
            "https://host/path; {port} in it stands for the server's port. Correct client_server_url or "
            "CELLUCID_CLIENT_SERVER_URL."
        )


def check_anndata(
    adata: AnnData, *, color: str | None, embedding: str | None, gene_id_column: str | None, layer: str | None
) -> str | None:
    """Check what is asked of an AnnData; the obsm key of ``embedding`` (``"umap"`` finds ``"X_umap"``).

    Reads no matrix. Raises ``NoCellsError``, ``NoEmbeddingError``, ``UnknownEmbeddingError``, ``UnknownLayerError``,
    ``UnknownColumnError`` or ``AmbiguousColumnError``.
    """
    if adata.n_obs == 0:
        raise NoCellsError(
            "The AnnData has no cells (n_obs is 0): there is nothing to draw. Check how it was filtered."
        )
    if embedding is None:
        _check_any_embedding(adata)
    _check_layer(adata, layer)
    genes = adata.raw if layer == _RAW and adata.raw is not None else adata
    if gene_id_column is not None and gene_id_column not in genes.var.columns:
        raise _unknown(
            f"gene_id_column={gene_id_column!r} is not a column of adata.var", gene_id_column, genes.var.columns
        )
    if color is not None:
        _check_color(adata, genes, color, gene_id_column)
    return None if embedding is None else embedding_key(adata, embedding)


def embedding_key(adata: AnnData, embedding: str) -> str:
    """The key in ``adata.obsm`` that ``embedding`` names, with or without ``X_``. Raises ``UnknownEmbeddingError``."""
    shapes = embedding_shapes(adata)
    key = next((name for name in (embedding, f"X_{embedding}") if name in shapes), None)
    if key is None:
        near = or_nothing(near_names(embedding, shapes))
        raise UnknownEmbeddingError(
            f"embedding={embedding!r} is not in adata.obsm, which holds {_listed(shapes)}; most like it: {near}. "
            "Choose one of these."
        )
    if len(shapes[key]) != 2 or shapes[key][0] != adata.n_obs or shapes[key][1] == 0:
        raise UnknownEmbeddingError(
            f"adata.obsm[{key!r}] has shape {shapes[key]}, which does not fit {adata.n_obs:,} cells: it needs one row "
            "per cell. Compute it again for these cells."
        )
    return key


def _check_any_embedding(adata: AnnData) -> None:
    shapes = embedding_shapes(adata)
    if not any(_is_drawable(key, shape, adata.n_obs) for key, shape in shapes.items()):
        raise NoEmbeddingError(
            f"The AnnData has no embedding to draw: adata.obsm holds {_listed(shapes)}. Run sc.tl.umap(adata) first, "
            "or "
            "name one with embedding=."
        )


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{key} {shape}" for key, shape in shapes.items()) or "nothing"


def _is_drawable(key: str, shape: tuple[int, ...], cell_count: int) -> bool:
    return (
        len(shape) == 2
        and shape[0] == cell_count
        and (1 <= shape[1] <= 3 or (key.startswith("X_pca") and shape[1] > 0))
    )


def _check_layer(adata: AnnData, layer: str | None) -> None:
    if layer is None or layer == "X" or layer in adata.layers or (layer == _RAW and adata.raw is not None):
        return
    layers = layer_names(adata) + ([_RAW] if adata.raw is not None else [])
    raise UnknownLayerError(
        f"layer={layer!r} is not in this AnnData, which has X and {', '.join(layers) or 'no layers'}. Choose one of "
        "these."
    )


def _check_color(adata: AnnData, genes: Any, color: str, gene_id_column: str | None) -> None:
    if color in adata.obs.columns:
        return
    labels = [genes.var_names] if gene_id_column is None else [genes.var[gene_id_column], genes.var_names]
    # "NAME (2 of 3)" is how a gene is named that shares its name with others.
    bare = re.sub(r" \(\d+ of \d+\)$", "", color)
    counts = [int((names == color).sum()) for names in labels]
    if any(count == 1 for count in counts) or (bare != color and any((names == bare).any() for names in labels)):
        return
    if any(counts):
        count = max(counts)
        raise AmbiguousColumnError(
            f"color={color!r} names {count} genes. Write which one you mean: {color!r} followed by ' (1 of {count})' "
            "to "
            f"' ({count} of {count})', or make the names unique with adata.var_names_make_unique().",
            [f"{color} ({number} of {count})" for number in range(1, count + 1)],
        )
    names = [*map(str, adata.obs.columns), *map(str, labels[0])]
    raise _unknown(
        f"color={color!r} is neither a column of adata.obs ({len(adata.obs.columns)} of them) nor one of "
        f"{len(labels[0]):,} genes",
        color,
        names,
    )


def _unknown(found: str, name: str, names: Iterable[str]) -> UnknownColumnError:
    near = near_names(name, [str(other) for other in names])
    return UnknownColumnError(f"{found}; most like it: {or_nothing(near)}. Choose one of these names.", near)
