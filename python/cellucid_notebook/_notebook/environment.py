"""What the kernel's surroundings tell about where the browser may find the server: hints, never secrets.

They only order what the browser tries; a proof decides. Variables are read by name from a closed list, and none that
holds a token, a key or a secret is on it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from .._wire.protocol import JsonObject

#: Forces the base that the browser uses; may hold ``{port}``.
OVERRIDE_VARIABLE = "CELLUCID_CLIENT_SERVER_URL"

_VALUES = {
    "hubPrefix": "JUPYTERHUB_SERVICE_PREFIX",
    "vscodeProxyUri": "VSCODE_PROXY_URI",
    "codespaceName": "CODESPACE_NAME",
    "codespacesDomain": "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN",
}
_FLAGS = {"ssh": "SSH_CONNECTION", "slurm": "SLURM_JOB_ID", "databricks": "DATABRICKS_RUNTIME_VERSION"}


def hints(environment: Mapping[str, str] = os.environ) -> JsonObject:
    """The ``hints`` of the welcome message."""
    found: JsonObject = {name: environment[variable] for name, variable in _VALUES.items() if environment.get(variable)}
    found |= {name: True for name, variable in _FLAGS.items() if environment.get(variable)}
    return {**found, "hostName": socket.gethostname()}


def loses_buffers(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether no buffer may travel beside a message.

    A kernel that a Jupyter gateway started is told so. What stands between it and its notebooks passes messages on as
    text, and the first that is none ends the connection.
    """
    return environment.get("KERNEL_GATEWAY") == "1"


def override(argument: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The base that the user forces, by argument before environment; ``None`` where nobody does."""
    return argument or environment.get(OVERRIDE_VARIABLE) or None


def override_base(text: str, port: int) -> str:
    """An override as a base: the port filled in, with a trailing slash."""
    base = text.replace("{port}", str(port))
    return base if base.endswith("/") else f"{base}/"
