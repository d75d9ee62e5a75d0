"""The console script `cellucid-notebook`: the bundled command line on the Node that comes with this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ._report.report import python_facts
from ._server.node import node_command, node_environment
from .errors import NodeNotFoundError

#: The bundled command line; the build writes it.
CLI_FILE = Path(__file__).with_name("_static") / "cli.mjs"

#: As in sysexits(3).
_UNAVAILABLE = 69


def main() -> None:
    """Run the command line in this process's place, with its terminal and its signals."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["doctor"]:
        # What only Python knows, for a report that is made in one place.
        arguments += ["--python", json.dumps(python_facts())]
    try:
        command = node_command(CLI_FILE, *arguments)
    except NodeNotFoundError as error:
        sys.exit(_fail(str(error)))
    if not CLI_FILE.exists():
        sys.exit(_fail(f"{CLI_FILE.name} is not in the installed package. Install cellucid-notebook again."))
    environment = node_environment()
    if os.name == "posix":
        os.execve(command[0], command, environment)  # noqa: S606 - no shell is what is wanted
    sys.exit(_wait_for(command, environment))


def _wait_for(command: list[str], environment: dict[str, str]) -> int:
    # Ctrl+C reaches both; how it ends is the child's to say.
    with subprocess.Popen(command, env=environment) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue


def _fail(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)  # noqa: T201 - the command line's own words
    return _UNAVAILABLE
