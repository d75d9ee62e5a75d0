"""Single-cell data on screen in a notebook: ``show_anndata(adata)``."""

from importlib.metadata import PackageNotFoundError, version

from ._hosted_ui import clear_web_cache, get_web_cache_dir
from .errors import (
    CellucidError,
    PortError,
    ServerError,
    UnknownColumnError,
    ViewerNotReady,
    ViewerStoppedError,
    WebUIError,
)
from .session_bundle import SessionBundle
from .show import cleanup_all, show, show_anndata
from .viewer import Viewer

try:
    __version__ = version("cellucid-notebook")
except PackageNotFoundError:  # read from a checkout that is not installed
    __version__ = "0+unknown"

__all__ = [
    "CellucidError",
    "PortError",
    "ServerError",
    "SessionBundle",
    "UnknownColumnError",
    "Viewer",
    "ViewerNotReady",
    "ViewerStoppedError",
    "WebUIError",
    "cleanup_all",
    "clear_web_cache",
    "get_web_cache_dir",
    "show",
    "show_anndata",
]
