"""`show_anndata` and `show`: open what was given, and put it into the cell."""

from __future__ import annotations

import os
from collections.abc import Hashable
from typing import TYPE_CHECKING

from ._arguments import flag
from ._border import border
from ._server import supervisor
from ._viewer.attempt import Attempt
from ._viewer.opening import Asked, open_viewer
from .errors import ArgumentTypeError
from .viewer import Viewer

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData


@border
def show_anndata(  # noqa: PLR0913 - what users may want to say, each with a default
    data: AnnData | MuData | str | os.PathLike[str],
    *,
    color: Hashable | None = None,
    embedding: str | None = None,
    height: float | str = 600,
    gene_symbols: str | None = None,
    layer: str | None = None,
    use_raw: bool | None = None,
    port: int | None = None,
    client_server_url: str | None = None,
    ui: str | None = None,
    web_source_url: str | None = None,
    snapshot: bool = True,
    display: bool = True,
) -> Viewer:
    """Show the cells of an AnnData in the notebook, and return the viewer that talks to the picture.

    The cells appear in the running cell at once; reading goes on outside the kernel, so that the picture moves also
    while a cell computes. An AnnData in memory is read on request and never written to disk; a file stays where it is.

    Parameters
    ----------
    data
        An AnnData, also a backed one, a MuData, or the path of an ``.h5ad`` or ``.h5mu`` file, of a ``.zarr`` store (a
        folder or one zip file; also its http(s) URL), or of a folder that cellucid wrote. Of a MuData all modalities
        are shown at once; what several of them have is asked for as ``"rna:CD3"``.
    color
        What colours the cells at first: a column of ``adata.obs``, else a gene, as in ``sc.pl.umap``. The
        label of a column need not be a text.
    embedding
        The key in ``adata.obsm`` to draw, with or without ``X_`` and in any case of letters. By default what
        ``adata.uns["default_embedding"]`` says, else UMAP, else t-SNE, and so on.
    height
        Height of the viewer in the cell, in CSS pixels; ``"600px"`` says the same.
    gene_symbols
        A column of ``adata.var`` with the names that genes are shown and found by, when ``var_names`` are identifiers.
        As in scanpy the first gene with a symbol is meant, and ``var_names`` can be written as well.
    layer
        The layer that genes are read from: a key of ``adata.layers``.
    use_raw
        Whether genes are read from ``adata.raw``. As in scanpy, by default where there is one and ``layer`` is not
        given; ``False`` reads ``adata.X``.
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
    display
        Whether the viewer appears in the running cell. ``False`` leaves that to who composes it: ``display(viewer)``,
        ``HBox([viewer, ...])``; `Viewer` with the same keywords does so, too.

    Returns
    -------
    Viewer
        Already shown, unless ``display=False``. ``viewer.stop()`` ends it; running the cell again replaces it.

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
    asked = Asked(
        color=color,
        embedding=embedding,
        height=height,
        gene_symbols=gene_symbols,
        layer=layer,
        use_raw=use_raw,
        port=port,
        client_server_url=client_server_url,
        ui=ui,
        web_source_url=web_source_url,
        snapshot=snapshot,
    )
    is_displayed = flag("display", display)
    with Attempt() as attempt:
        viewer = Viewer.__new__(Viewer)  # its own start would be an attempt that ends before it is displayed
        open_viewer(attempt, viewer, data, asked)
        if is_displayed:
            viewer.display()
    return viewer


@border
def show(  # noqa: PLR0913 - as show_anndata
    export_dir: str | os.PathLike[str],
    *,
    color: str | None = None,
    embedding: str | None = None,
    height: float | str = 600,
    gene_symbols: str | None = None,
    port: int | None = None,
    client_server_url: str | None = None,
    ui: str | None = None,
    web_source_url: str | None = None,
    snapshot: bool = True,
    display: bool = True,
) -> Viewer:
    """Show a folder that cellucid's ``prepare()`` wrote, and return the viewer that talks to the picture.

    Both formats of such folders are read where they stand: those of cellucid 0.0.x and of 0.9.1 to 0.9.4, quantised and
    compressed ones too. A folder with one dataset inside shows that one; of several, pass the path of one.
    ``gene_symbols`` names another set of gene names that was exported; all else is as in ``show_anndata``.

    Raises what ``show_anndata`` raises, and ``TypeError`` for what is no path.

    Examples
    --------
    >>> viewer = show("./export_dir", color="cell_type")

    """
    if not isinstance(export_dir, (str, os.PathLike)):
        raise ArgumentTypeError(
            f"show needs the path of a folder that cellucid wrote; found {type(export_dir).__module__}."
            f"{type(export_dir).__qualname__}. An AnnData in memory is shown by show_anndata."
        )
    return show_anndata(
        export_dir,
        color=color,
        embedding=embedding,
        height=height,
        gene_symbols=gene_symbols,
        port=port,
        client_server_url=client_server_url,
        ui=ui,
        web_source_url=web_source_url,
        snapshot=snapshot,
        display=display,
    )


def cleanup_all() -> None:
    """End all viewers of this kernel and its viewer server. The next `show_anndata` starts a new one."""
    running = supervisor.current()
    if running is None:
        return
    for link in running.links():
        if isinstance(link.listener, Viewer):
            link.listener.stop()
    supervisor.shut_down()
