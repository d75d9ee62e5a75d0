"""The package's rooms: who may import whom. CONTRIBUTING.md draws them."""

from __future__ import annotations

import ast
from pathlib import Path

import cellucid_notebook
import pytest

PACKAGE = Path(cellucid_notebook.__file__).parent
#: Each room imports from those before it.
ROOMS = ("_wire", "_arrays", "_data", "_server", "_notebook", "_report", "_viewer")
#: Modules at the top that every room may use.
GROUND = {"errors", "_arguments", "_border", "_aside", "_scheduler", ""}
#: Modules at the top that the parts of a viewer may use as well.
OF_VIEWERS = {"viewer", "hooks", "session_bundle", "_hosted_ui"}


def imported(file: Path) -> set[str]:
    """What a file imports from the package: rooms, and modules at the top."""
    room = file.relative_to(PACKAGE).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        base = (*room[: len(room) - node.level + 1], *(node.module or "").split("."))
        names = [part for part in base if part]
        found |= {names[0]} if names else {alias.name for alias in node.names}
    return found - set(room)


def forbidden(room: str) -> set[str]:
    """What files of a room import and may not."""
    lower = set(ROOMS[: ROOMS.index(room)]) | GROUND | (OF_VIEWERS if room == "_viewer" else set())
    return {f"{file.name}: {name}" for file in (PACKAGE / room).glob("*.py") for name in imported(file) - lower}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_from_the_rooms_below_it_alone(room: str) -> None:
    assert forbidden(room) == set()


def test_every_folder_is_a_room_that_has_its_place() -> None:
    assert {folder.parent.name for folder in PACKAGE.rglob("__init__.py")} - {PACKAGE.name} == set(ROOMS)
    for room in ROOMS:
        assert len(list((PACKAGE / room).glob("*.py"))) <= 18, room
