"""From what a user gives to a viewer that is open on the server: check it, have it read, make the widget."""

from __future__ import annotations

import os
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .._arguments import flag, height_px, port_number, text_or_none
from .._arrays.tables import column_names
from .._aside import run_aside
from .._data.checks import check_anndata, check_mudata, check_override, data_path, is_anndata, is_mudata, is_url
from .._data.matrix import asked_matrix
from .._data.origin import backing_file
from .._data.shown_data import ShownData
from .._hosted_ui import choose_source, fetch_beside
from .._notebook.cell_watch import watch_cells
from .._notebook.environment import override
from .._notebook.presentation import Presentation
from .._notebook.running_cell import running_cell
from .._server import supervisor
from .._server.viewer_record import ViewerLink
from .._wire.labels import by_text, color_text
from .._wire.pipe import wait_for
from .._wire.protocol import JsonObject
from ..errors import ArgumentTypeError

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData
    from mudata import MuData

    from ..viewer import Viewer
    from .attempt import Attempt

_REPORT_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The keywords of `show_anndata`, as the user wrote them."""

    color: Hashable | None = None
    embedding: str | None = None
    height: float | str = 600
    gene_symbols: str | None = None
    layer: str | None = None
    use_raw: bool | None = None
    port: int | None = None
    client_server_url: str | None = None
    ui: str | None = None
    web_source_url: str | None = None
    snapshot: bool = True


def open_viewer(attempt: Attempt, viewer: Viewer, data: Any, asked: Asked) -> None:
    """Make ``viewer`` one of ``data``; it is not displayed. Raises what `show_anndata` raises."""
    running_cell.watch()
    attempt.viewer = viewer
    presentation = _presentation(asked)
    port = port_number(asked.port)
    embedding = text_or_none("embedding", asked.embedding, "a key of adata.obsm")
    gene_symbols = text_or_none("gene_symbols", asked.gene_symbols, "a column of adata.var")
    matrix = asked_matrix(layer=asked.layer, use_raw=asked.use_raw)
    is_in_memory = is_anndata(data) and not is_mudata(data)
    columns = column_names(data.obs) if is_in_memory else None
    field = None if asked.color is None else color_text(asked.color, columns)
    options: JsonObject = {
        "name": None,
        "color": field,
        "embedding": embedding,
        "geneSymbols": gene_symbols,
        "matrix": None if matrix is None else matrix.wire,
    }
    if isinstance(data, str) and is_url(data):
        name = urlsplit(data).path.rstrip("/").rpartition("/")[2] or "AnnData"
        _show_url(attempt, data, {**options, "name": name}, presentation, supervisor.ensure(port))
    elif isinstance(data, (str, os.PathLike)):
        path = data_path(data)
        _show_path(attempt, path, {**options, "name": path.name}, presentation, supervisor.ensure(port))
    elif is_mudata(data):
        check_mudata(data)
        _show_mdata(attempt, data, options, presentation, supervisor.ensure(port))
    elif is_anndata(data):
        gene = None if columns is None or field in by_text(columns) else field
        key = check_anndata(data, color=gene, embedding=embedding, gene_symbols=gene_symbols, matrix=matrix)
        _show_adata(attempt, data, {**options, "embedding": key}, presentation, supervisor.ensure(port))
    else:
        raise ArgumentTypeError(
            "show_anndata needs an AnnData or the path of an .h5ad file or .zarr store; found "
            f"{type(data).__module__}.{type(data).__qualname__}. For a table of counts, make an AnnData first: "
            "anndata.AnnData(counts)."
        )


def _show_url(
    attempt: Attempt, url: str, options: JsonObject, presentation: Presentation, server: supervisor.Server
) -> None:
    link = ViewerLink({"kind": "path", "path": url}, options)
    _open(attempt, link, ShownData(ask_cell_count=partial(_ask_cell_count, server, link)), presentation, server)


def _show_path(
    attempt: Attempt, path: Path, options: JsonObject, presentation: Presentation, server: supervisor.Server
) -> None:
    link = ViewerLink({"kind": "path", "path": str(path)}, options)
    _open(
        attempt, link, ShownData(path=path, ask_cell_count=partial(_ask_cell_count, server, link)), presentation, server
    )


def _show_adata(
    attempt: Attempt, adata: AnnData, options: JsonObject, presentation: Presentation, server: supervisor.Server
) -> None:
    source: JsonObject = {"kind": "kernel", "sourceId": attempt.acquire(server, adata)}
    watch_cells()
    file = backing_file(adata)
    link = ViewerLink(source if file is None else {**source, "file": file}, options)
    _open(attempt, link, ShownData(adata=adata), presentation, server)


def _show_mdata(
    attempt: Attempt, mdata: MuData, options: JsonObject, presentation: Presentation, server: supervisor.Server
) -> None:
    modalities = [
        {"name": name, "sourceId": attempt.acquire(server, adata, f"mdata[{name!r}]")}
        for name, adata in mdata.mod.items()
    ]
    source: JsonObject = {"kind": "kernel", "sourceId": attempt.acquire(server, mdata)}
    watch_cells()
    link = ViewerLink({**source, "modalities": modalities, "axis": int(getattr(mdata, "axis", 0))}, options)
    _open(attempt, link, ShownData(adata=mdata), presentation, server)


def _open(
    attempt: Attempt, link: ViewerLink, data: ShownData, presentation: Presentation, server: supervisor.Server
) -> None:
    attempt.link = link
    link.saves_pictures = presentation.snapshot
    link.hosted_source = presentation.hosted_source
    run_aside(partial(server.open, link))
    try:
        attempt.viewer._begin(link, server, data, presentation)
    except Exception:
        server.close(link, "The viewer could not be made.")
        raise
    if presentation.hosted_source is not None:
        run_aside(partial(fetch_beside, server, presentation.hosted_source))


def _ask_cell_count(server: supervisor.Server, link: ViewerLink) -> int | None:
    answer = wait_for(server.request("report", {"viewerId": link.viewer_id}), _REPORT_TIMEOUT_S)
    source = ((answer.result if answer else {}).get("viewer") or {}).get("source") or {}
    return source.get("cells")


def _presentation(asked: Asked) -> Presentation:
    hosted_source = choose_source(asked.ui, asked.web_source_url)
    forced = override(text_or_none("client_server_url", asked.client_server_url, "an http(s) URL"))
    check_override(forced)
    return Presentation(forced, height_px(asked.height), flag("snapshot", asked.snapshot), hosted_source)
