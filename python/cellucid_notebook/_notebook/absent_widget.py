"""What is said beside an output that shows nothing: the widget could not load, and the kernel cannot see why."""

from __future__ import annotations

import anywidget

from .environment import hints
from .saved_picture import Note


def absent_widget_note(link: str | None) -> Note:
    """What to install and where, and how to see the cells until then.

    ``link`` opens one page; ``None`` where no address is known that leads from the user's browser to the server.
    """
    version = anywidget.__version__
    install = (
        "The viewer has not appeared here. If there is an error above, the program that serves this notebook page "
        f"(often another environment than the kernel's) lacks anywidget {version}: run "
        f"`pip install anywidget=={version}` in the environment that runs JupyterLab and reload the page. If it is "
        "there, the page may forbid scripts by blob: (its Content-Security-Policy), which widgets need. "
    )
    return Note(install + _until_then(link), link)


def _until_then(link: str | None) -> str:
    if link is None:
        return (
            "Until then it needs an address that leads from your browser to the viewer: show_anndata(…, "
            "client_server_url=…), then open viewer.viewer_url in a tab."
        )
    return (
        "Until then the viewer opens in a browser tab, by the link below or by print(viewer.viewer_url); where the "
        "kernel runs on another computer, forward its port first." + _forwarding(link)
    )


def _forwarding(link: str) -> str:
    known = hints()
    port = link.partition("//127.0.0.1:")[2].partition("/")[0]
    return f" ssh -L {port}:127.0.0.1:{port} {known['hostName']}" if "ssh" in known and port else ""
