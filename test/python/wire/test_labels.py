"""Columns and names that pandas allows and texts do not: whole numbers, halves of characters, two that look alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._data.anndata_source import AnnDataSource
from cellucid_notebook._data.stored_names import stored_names
from cellucid_notebook._wire.frame import Message, _json
from cellucid_notebook._wire.labels import color_text, label_of, well_formed
from cellucid_notebook.errors import UnknownColumnError


def small() -> anndata.AnnData:
    adata = anndata.AnnData(np.ones((6, 3), np.float32))
    adata.obsm["X_umap"] = np.arange(12.0).reshape(6, 2)
    return adata


def fields(adata: anndata.AnnData) -> dict[str, dict[str, Any]]:
    described, _ = AnnDataSource(adata).read({"what": "describe"})
    return {field["key"]: field for field in described["obs"]}


def obs(adata: anndata.AnnData, key: str) -> dict[str, Any]:
    head, _ = AnnDataSource(adata).read({"what": "obs", "key": key})
    return head


def test_a_column_is_found_by_the_text_of_its_label() -> None:
    adata = small()
    adata.obs["text"] = np.arange(6.0)
    adata.obs[0] = pd.Categorical(["x", "y"] * 3)
    adata.obs[1.5] = np.arange(6.0)
    adata.uns["0_colors"] = ["#ff0000", "#00ff00"]
    found = fields(adata)
    assert {key: field["kind"] for key, field in found.items()} == {
        "text": "continuous",
        "0": "categorical",
        "1.5": "continuous",
    }
    assert obs(adata, "0")["categories"] == ["x", "y"]
    assert obs(adata, "0")["version"] == found["0"]["version"]
    assert obs(adata, "1.5")["form"] == "dense"


def test_of_two_columns_that_are_called_alike_neither_is_shown_and_the_reason_names_both() -> None:
    adata = small()
    adata.obs[0] = np.arange(6)
    adata.obs["0"] = np.arange(6.0)
    (field,) = fields(adata).values()
    assert field["kind"] == "unsupported"
    assert "0 (int), '0' (str)" in field["reason"]
    source = AnnDataSource(adata)
    first = source.read({"what": "describe"})[0]["version"]
    assert source.read({"what": "describe"})[0]["version"] == first


@pytest.mark.parametrize(
    ("color", "columns", "text"),
    [
        (0, [0, "a"], "0"),
        (0, [0.0, 2.5], "0.0"),
        (1.5, [1.5], "1.5"),
        (np.int64(0), [0], "0"),
        ("a", ["a"], "a"),
        ("CD3D", [0], "CD3D"),
    ],
)
def test_a_colour_is_a_label_as_pandas_finds_it(color: Any, columns: list[Any], text: str) -> None:
    assert color_text(color, columns) == text


@pytest.mark.parametrize(
    ("color", "columns", "words"),
    [
        (0, ["0"], "Write color='0'"),
        (0, [0, "0"], "several columns are called alike"),
        ("0", [0, "0"], "several columns are called alike"),
        (7, [0], "is no column of obs"),
        (0, None, "Write color='0'"),
    ],
)
def test_a_colour_that_no_column_has_is_refused(color: Any, columns: list[Any] | None, words: str) -> None:
    with pytest.raises(UnknownColumnError, match=words.replace("(", r"\(")):
        color_text(color, columns)


HALF = "\ud800"


def test_half_a_character_never_breaks_what_travels() -> None:
    adata = small()
    adata.obs[f"odd{HALF}"] = pd.Categorical([f"a{HALF}", "b"] * 3)
    adata.obs_names = [f"c{HALF}{i}" for i in range(6)]
    adata.var_names = [f"g{HALF}", "\ud83d\ude00", "g\x00\n"]
    adata.uns[f"u{HALF}"] = HALF
    adata.var[f"v{HALF}"] = [HALF, "b", "c"]
    source = AnnDataSource(adata)
    described, _ = source.read({"what": "describe"})
    assert [field["key"] for field in described["obs"]] == ["odd\ufffd"]
    assert described["varColumns"] == ["v\ufffd"]
    head, _ = source.read({"what": "obs", "key": "odd\ufffd"})
    assert json.loads(_json(head))["categories"] == ["a\ufffd", "b"]
    _, names = source.read({"what": "obsNames", "start": 0, "end": 2})
    assert json.loads(bytes(names)) == ["c\ufffd0", "c\ufffd1"]
    _, genes = source.read({"what": "varNames", "column": None, "table": "var"})
    assert json.loads(bytes(genes)) == ["g\ufffd", "\U0001f600", "g\x00\n"]
    with pytest.raises(SourceReadError):
        source.read({"what": "obs", "key": "odd"})


def test_texts_that_are_whole_stay_as_they_are() -> None:
    assert well_formed("β 😀") == "β 😀"
    assert label_of(["a", 0], "0") == 0
    assert label_of(["a", None], "None") is None
    assert isinstance(Message({}, b"").header, dict)


def test_genes_that_are_only_numbered_are_said_to_be_and_where_their_names_are() -> None:
    adata = small()
    adata.var["_index"] = adata.var["features"] = ["CD3D", "MS4A1", "NKG7"]
    described, _ = AnnDataSource(adata).read({"what": "describe"})
    assert 'show_anndata(adata, gene_symbols="features")' in described["notes"][0]
    adata.var_names = ["CD3D", "MS4A1", "NKG7"]
    assert AnnDataSource(adata).read({"what": "describe"})[0]["notes"] == []


def change_index(adata: anndata.AnnData, kind: str) -> None:
    names = [f"cell{i}" for i in range(adata.n_obs)]
    adata.obs.index = pd.CategoricalIndex(names) if kind == "categorical" else pd.Index(names, name=kind)


@pytest.mark.parametrize("kind", ["categorical", "cell_id", "_index"])
@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_names_of_a_file_are_those_that_anndata_reads(tmp_path: Path, form: str, kind: str) -> None:
    adata = small()
    change_index(adata, kind)
    path = tmp_path / f"data.{form}"
    if form == "zarr":
        adata.write_zarr(path)
        expected = anndata.read_zarr(path)
    else:
        adata.write_h5ad(path)
        expected = anndata.read_h5ad(path)
    found = stored_names(path)
    assert found is not None
    assert list(found) == [str(name) for name in expected.obs_names]
