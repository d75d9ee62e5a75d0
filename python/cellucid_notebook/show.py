"""`show_anndata` and `show`: check what was given, open it, put it into the cell."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import _server
from ._checks import check_anndata, check_override, data_path, is_anndata, is_mudata, is_url
from ._environment import override
from ._link import ViewerLink
from ._origin import backing_file
from ._pipe import wait_for
from ._presentation import Presentation
from ._protocol import JsonObject
from ._shown_data import ShownData
from ._web_ui import choose_source, fetch_beside
from .viewer import Viewer

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_MIN_HEIGHT = 100
_MAX_PORT = 65_535
_REPORT_TIMEOUT_S = 5.0


def show_anndata(  # noqa: PLR0913 - what users may want to say, each with a default
    data: AnnData | str | os.PathLike[str],
    *,
    color: str | None = None,
    embedding: str | None = None,
    height: int = 600,
    gene_id_column: str | None = None,
    layer: str | None = None,
    use_raw: bool = False,
    port: int | None = None,
    client_server_url: str | None = None,
    ui: str | None = None,
    web_source_url: str | None = None,
    snapshot: bool = True,
) -> Viewer:
    """Show the cells of an AnnData in the notebook, and return the viewer that talks to the picture.

    The cells appear in the running cell at once; reading goes on outside the kernel, so that the picture moves also
    while a cell computes. An AnnData in memory is read on request and never written to disk; a file stays where it is.

    Parameters
    ----------
    data
        An AnnData, also a backed one, or the path of an ``.h5ad`` file, of a ``.zarr`` store (a folder or one zip file;
        also its http(s) URL), or of a folder that cellucid wrote.
    color
        What colours the cells at first: a column of ``adata.obs`` or a gene, as in ``sc.pl.umap``.
    embedding
        The key in ``adata.obsm`` to draw, with or without ``X_``; by default UMAP, else t-SNE, and so on.
    height
        Height of the viewer in the cell, in CSS pixels.
    gene_id_column
        A column of ``adata.var`` with the names that genes are shown and found by, when ``var_names`` are identifiers.
    layer
        The layer that genes are read from: a key of ``adata.layers``, or ``"raw"``; by default ``adata.X``.
    use_raw
        Whether genes are read from ``adata.raw``, as in scanpy; the same as ``layer="raw"``.
    port
        The port of this kernel's viewer server. By default 8765 or the next free one. All viewers share one server: the
        first viewer fixes its port.
    client_server_url
        Forces the URL under which the browser reaches the server, when it cannot find one itself; may hold ``{port}``.
        ``CELLUCID_CLIENT_SERVER_URL`` in the environment does the same.
    ui
        ``"embedded"``, the viewer that comes with this package and needs no network, or ``"hosted"``, cellucid's own
        from its site, kept on this machine once it was fetched. By default what ``CELLUCID_UI`` says, else embedded.
    web_source_url
        Another site that the hosted viewer comes from; by default ``https://www.cellucid.com``.
    snapshot
        Whether the last picture is kept in the notebook file, for readers without a kernel.

    Returns
    -------
    Viewer
        Already shown. ``viewer.stop()`` ends it; running the cell again replaces it.

    Raises
    ------
    DataFileNotFoundError, DataError, NoCellsError, NoEmbeddingError
        The dataset is not there, or cannot be drawn.
    UnknownColumnError, AmbiguousColumnError, UnknownEmbeddingError, UnknownLayerError
        A name is not in the dataset; the message lists similar ones.
    PortError, NodeNotFoundError, ServerError
        The server could not be started.

    Examples
    --------
    >>> viewer = show_anndata(adata, color="louvain")
    >>> viewer.set_color_by("CD3D")

    """
    presentation = _presentation(
        client_server_url, height, snapshot=snapshot, hosted_source=choose_source(ui, web_source_url)
    )
    _check_port(port)
    if use_raw:
        if layer not in (None, "raw"):
            raise ValueError(f"use_raw=True and layer={layer!r} ask for two different matrices. Leave one of them out.")
        layer = "raw"
    options: JsonObject = {
        "name": None,
        "color": color,
        "embedding": embedding,
        "geneIdColumn": gene_id_column,
        "layer": layer,
    }
    if isinstance(data, str) and is_url(data):
        name = urlsplit(data).path.rstrip("/").rpartition("/")[2] or "AnnData"
        viewer = _show_url(data, {**options, "name": name}, presentation, _server.ensure(port))
    elif isinstance(data, (str, os.PathLike)):
        path = data_path(data)
        viewer = _show_path(path, {**options, "name": path.name}, presentation, _server.ensure(port))
    elif is_mudata(data):
        names = list(data.mod)
        raise TypeError(
            f"This is a MuData of {len(names)} datasets: {', '.join(names)}. Show one of them: "
            f"show_anndata(mdata[{names[0] if names else 'rna'!r}])."
        )
    elif is_anndata(data):
        key = check_anndata(data, color=color, embedding=embedding, gene_id_column=gene_id_column, layer=layer)
        viewer = _show_adata(data, {**options, "embedding": key}, presentation, _server.ensure(port))
    else:
        raise TypeError(
            f"show_anndata needs an AnnData or the path of an .h5ad file or .zarr store; found {type(data).__module__}."
            f"{type(data).__qualname__}. For a table of counts, make an AnnData first: anndata.AnnData(counts)."
        )
    viewer.display()
    return viewer


def show(  # noqa: PLR0913 - as show_anndata
    export_dir: str | os.PathLike[str],
    *,
    color: str | None = None,
    embedding: str | None = None,
    height: int = 600,
    gene_id_column: str | None = None,
    port: int | None = None,
    client_server_url: str | None = None,
    ui: str | None = None,
    web_source_url: str | None = None,
    snapshot: bool = True,
) -> Viewer:
    """Show a folder that cellucid's ``prepare()`` wrote, and return the viewer that talks to the picture.

    Both formats of such folders are read where they stand: those of cellucid 0.0.x and of 0.9.1 to 0.9.4, quantised and
    compressed ones too. A folder with one dataset inside shows that one; of several, pass the path of one.
    ``gene_id_column`` names another set of gene names that was exported; all else is as in ``show_anndata``.

    Raises what ``show_anndata`` raises, and ``TypeError`` for what is no path.

    Examples
    --------
    >>> viewer = show("./export_dir", color="cell_type")

    """
    if not isinstance(export_dir, (str, os.PathLike)):
        raise TypeError(
            f"show needs the path of a folder that cellucid wrote; found {type(export_dir).__module__}."
            f"{type(export_dir).__qualname__}. An AnnData in memory is shown by show_anndata."
        )
    return show_anndata(
        export_dir,
        color=color,
        embedding=embedding,
        height=height,
        gene_id_column=gene_id_column,
        port=port,
        client_server_url=client_server_url,
        ui=ui,
        web_source_url=web_source_url,
        snapshot=snapshot,
    )


def _show_url(url: str, options: JsonObject, presentation: Presentation, server: _server.Server) -> Viewer:
    link = ViewerLink({"kind": "path", "path": url}, options)
    return _open(link, ShownData(ask_cell_count=partial(_ask_cell_count, server, link)), presentation, server)


def _show_path(path: Path, options: JsonObject, presentation: Presentation, server: _server.Server) -> Viewer:
    link = ViewerLink({"kind": "path", "path": str(path)}, options)
    return _open(
        link, ShownData(path=path, ask_cell_count=partial(_ask_cell_count, server, link)), presentation, server
    )


def _show_adata(adata: AnnData, options: JsonObject, presentation: Presentation, server: _server.Server) -> Viewer:
    source: JsonObject = {"kind": "kernel", "sourceId": server.sources.acquire(adata)}
    file = backing_file(adata)
    link = ViewerLink(source if file is None else {**source, "file": file}, options)
    return _open(link, ShownData(adata=adata), presentation, server)


def _open(link: ViewerLink, data: ShownData, presentation: Presentation, server: _server.Server) -> Viewer:
    link.saves_pictures = presentation.snapshot
    link.hosted_source = presentation.hosted_source
    server.open(link)
    try:
        viewer = Viewer(link, server, data, presentation=presentation)
    except BaseException:
        server.close(link, "The viewer could not be made.")
        raise
    if presentation.hosted_source is not None:
        fetch_beside(server, presentation.hosted_source)
    return viewer


def _ask_cell_count(server: _server.Server, link: ViewerLink) -> int | None:
    answer = wait_for(server.request("report", {"viewerId": link.viewer_id}), _REPORT_TIMEOUT_S)
    source = ((answer.result if answer else {}).get("viewer") or {}).get("source") or {}
    return source.get("cells")


def cleanup_all() -> None:
    """End all viewers of this kernel and its viewer server. The next `show_anndata` starts a new one."""
    running = _server.current()
    if running is None:
        return
    for link in running.links():
        if isinstance(link.listener, Viewer):
            link.listener.stop()
    _server.shut_down()


def _presentation(
    client_server_url: str | None, height: int, *, snapshot: bool, hosted_source: str | None
) -> Presentation:
    if isinstance(height, bool) or not isinstance(height, int) or height <= 0:
        raise ValueError(f"height={height!r} is not a positive whole number of CSS pixels, such as the default, 600.")
    forced = override(client_server_url)
    check_override(forced)
    return Presentation(forced, max(_MIN_HEIGHT, height), snapshot, hosted_source)


def _check_port(port: int | None) -> None:
    if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= _MAX_PORT):
        raise ValueError(f"port={port!r} is not a port number from 1 to {_MAX_PORT}. Leave it out for a free one.")
