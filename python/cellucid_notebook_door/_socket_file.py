"""Where a kernel's viewers listen, and who may have put it there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

#: What the folder's name begins with; the viewer server writes the same (`server/process/door.ts`).
FOLDER_PREFIX = "cellucid-"
SOCKET_NAME = "s"


def socket_file(connection_folder: str, door_id: str) -> Path | None:
    """The socket file of a kernel's viewers, or ``None`` where there is none that this user alone could have made.

    Folder and socket must be of this user, with no rights for others, and no links.
    """
    folder = Path(connection_folder, FOLDER_PREFIX + door_id)
    file = folder / SOCKET_NAME
    return file if _is_own(folder, stat.S_ISDIR) and _is_own(file, stat.S_ISSOCK) else None


def _is_own(path: Path, is_kind: Callable[[int], bool]) -> bool:
    try:
        facts = path.lstat()
    except OSError:
        return False
    return is_kind(facts.st_mode) and facts.st_uid == os.getuid() and not stat.S_IMODE(facts.st_mode) & 0o077
