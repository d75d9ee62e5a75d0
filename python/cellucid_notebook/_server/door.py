"""The way through the notebook server: the socket file that this kernel's viewer server listens on, beside its port.

Our extension of the notebook server (`cellucid_notebook_door`) hands to it what browsers ask for at ``cellucid/<id>/``.
"""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Any

_FOLDER_PREFIX = "cellucid-"
#: No guess, although a login stands before it: 128 bits.
_ID_BYTES = 16


def new_door_folder() -> Path | None:
    """Where the viewer server shall make its socket file; ``None`` where no notebook server would look for one.

    That is beside the kernel's connection file, which the notebook server wrote into its own runtime folder, whatever
    environment the kernel has.
    """
    connection_file = _connection_file()
    if connection_file is None or sys.platform == "win32":
        return None
    return connection_file.parent / f"{_FOLDER_PREFIX}{secrets.token_hex(_ID_BYTES)}"


def door_id(folder: Path) -> str:
    """What the address names the folder by."""
    return folder.name.removeprefix(_FOLDER_PREFIX)


def _connection_file() -> Path | None:
    kernelapp: Any = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return None
    return Path(kernelapp.IPKernelApp.instance().abs_connection_file)
