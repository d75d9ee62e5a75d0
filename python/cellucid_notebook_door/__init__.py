"""Extension of the Jupyter server: leads the browser to the viewers of the same user's kernels.

What is asked for at ``cellucid/<id>/…`` is handed to a socket file in a folder that only this user may enter, beside
the kernels' connection files. It is loaded by the notebook server and not by kernels, and so imports nothing but what
that server has loaded already. ``docs/notebook-server.md`` says what it does and how to switch it off.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "cellucid_notebook_door"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    if os.name == "nt":
        return  # No socket files that a user alone may open.
    from jupyter_server.utils import url_path_join

    from ._handler import DoorHandler

    web = server.web_app
    route = url_path_join(web.settings["base_url"], r"/cellucid/([0-9a-f]{32})/.*")
    folder = getattr(server.kernel_manager, "connection_dir", "") or server.runtime_dir
    web.add_handlers(".*$", [(route, DoorHandler, {"connection_folder": folder})])  # type: ignore[no-untyped-call]
