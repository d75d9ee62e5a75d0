"""What the package imports when it is imported is what pip installs with it."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import requires
from pathlib import Path

import cellucid_notebook

PACKAGE = Path(cellucid_notebook.__file__).parent
# What comes with a declared one: anywidget is an ipywidgets widget.
WITH_ANYWIDGET = {"comm", "ipywidgets", "traitlets"}


def test_every_package_that_is_imported_at_once_is_declared() -> None:
    declared = {re.split(r"[^\w-]", line)[0] for line in requires("cellucid-notebook") or []}
    imported = {name for file in PACKAGE.rglob("*.py") for name in _imported_at_once(file)}
    foreign = imported - sys.stdlib_module_names - {"cellucid_notebook"}
    assert foreign - declared - WITH_ANYWIDGET == set()


def _imported_at_once(file: Path) -> set[str]:
    """The first parts of the names of modules that a file imports outside of functions and conditions."""
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            names.add(node.module.split(".")[0])
    return names
