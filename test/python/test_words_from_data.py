"""Names of a dataset of strangers reach no terminal, report or log as anything but text."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook import CellucidError, show_anndata
from cellucid_notebook._wire.visible_text import visible, visible_lines
from golden import read_json

#: A colour of the terminal, its title, a bell, a line of its own, text from right to left.
HOSTILE = "\x1b[31mCD3D\x1b]0;owned\x07\r\nfake line\u202egnp.exe\u2066"
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def hostile(*, embedding: str = HOSTILE) -> anndata.AnnData:
    obs = pd.DataFrame({HOSTILE: pd.Categorical([HOSTILE, "b", "b", "b"]), "wide": np.arange(4.0)})
    obs.index = pd.Index([f"{HOSTILE}{i}" for i in range(4)])
    adata = anndata.AnnData(np.eye(4, dtype="f4"), obs=obs, var=pd.DataFrame(index=[HOSTILE, "x", "y", "z"]))
    adata.layers[HOSTILE] = np.eye(4, dtype="f4")
    adata.obsm[embedding] = np.zeros((4, 2), dtype="f4")
    adata.uns[f"{HOSTILE}_colors"] = [HOSTILE, "red"]
    return adata


def refusals(adata: anndata.AnnData) -> list[str]:
    """What is said of names that nearly are those of the dataset."""
    said = []
    near = HOSTILE.replace("CD3D", "CD3E")
    for wrong in ({"color": near}, {"embedding": near}, {"layer": near}, {"color": HOSTILE + "x"}):
        with pytest.raises((CellucidError, ValueError)) as caught:
            show_anndata(adata, **wrong)
        said.append(str(caught.value))
    return said


def test_every_exit_shows_names_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    adata = hostile(embedding="X_umap")
    path = tmp_path / "cells \x1b[31m\u202e.h5ad"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata.AnnData(np.eye(4), obsm={"X_umap": np.zeros((4, 2))}).write_h5ad(path)
    said = refusals(adata)
    with pytest.raises(CellucidError) as caught:
        show_anndata(hostile(embedding="neighbours\x1b[2J"), embedding="X_umap\x1b")
    said.append(str(caught.value))
    viewers: list[Any] = [show_anndata(adata, color=HOSTILE), show_anndata(path)]
    for viewer in viewers:
        with pytest.raises(CellucidError) as caught:
            viewer.set_color_by(HOSTILE + "!")
        report = viewer.debug_connection()
        said += [str(caught.value), repr(viewer), repr(report), report._repr_html_()]
    printed = capsys.readouterr()
    said += [printed.out, printed.err, caplog.text]
    for text in said:
        assert _STEERING.search(text) is None, repr(text)
    assert not any(line.startswith("fake line") for text in said for line in text.splitlines())


def test_text_is_shown_alike_here_and_in_the_server() -> None:
    for case in read_json("shown-texts"):
        assert visible(case["text"]) == case["shown"]
    assert visible("a\ud800b") == "a\ufffdb"
    assert visible_lines("one\ntwo\x1b") == "one\ntwo\ufffd"
