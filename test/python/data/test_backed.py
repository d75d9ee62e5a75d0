"""A backed AnnData: its matrix stays in the file, its tables live in the kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook import show_anndata
from cellucid_notebook._data.anndata_source import AnnDataSource
from cellucid_notebook._data.origin import backing_file
from cellucid_notebook.errors import DataError
from column_frames import read_column


@pytest.fixture
def path(pbmc: Any, tmp_path: Path) -> Path:
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad")
    return tmp_path / "pbmc.h5ad"


def test_the_file_is_read_where_it_is_only_read_and_whole(path: Path, pbmc: Any) -> None:
    backed = anndata.read_h5ad(path, backed="r")
    assert backing_file(backed) == str(path)
    assert backing_file(backed[:5]) is None
    backed.file.close()
    writable = anndata.read_h5ad(path, backed="r+")
    assert backing_file(writable) is None
    writable.file.close()
    assert backing_file(pbmc) is None


def test_genes_of_a_backed_anndata_and_of_its_view_are_read_in_python_too(path: Path, pbmc: Any) -> None:
    backed = anndata.read_h5ad(path, backed="r+")
    for adata, expected in ((backed, pbmc.X[:, 3]), (backed[[5, 2, 9]], pbmc.X[[5, 2, 9], 3])):
        source = AnnDataSource(adata)
        before = source.read({"what": "describe"})[0]["version"]
        _, body = source.read({"what": "var", "index": 3, "matrix": {"in": "X"}})
        np.testing.assert_array_equal(np.frombuffer(body, "<f4"), expected)
        assert source.read({"what": "var", "index": 3, "matrix": {"in": "raw"}})[0]["n"] == adata.n_obs
        assert source.read({"what": "describe"})[0]["version"] == before
    backed.file.close()


def test_a_column_added_in_memory_is_there_by_name_and_a_gene_comes_from_the_file(
    path: Path, open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed = anndata.read_h5ad(path, backed="r")
    asked: list[str] = []
    read = AnnDataSource.read

    def noting(self: AnnDataSource, question: dict[str, Any], turn: Any) -> Any:
        asked.append(question["what"])
        return read(self, question, turn)

    monkeypatch.setattr(AnnDataSource, "read", noting)
    viewer = show_anndata(backed, color="louvain")
    page = open_page(viewer)
    assert page.json("_cellucid/identity")["nObs"] == 700
    backed.obs["new"] = np.arange(700)
    viewer.set_color_by("new")
    assert len(page.request("GET", "_cellucid/columns/obs?key=new")) > 700 * 4
    assert len(page.request("GET", "_cellucid/columns/var?in=X&key=CD3D")) > 100
    assert len(page.request("GET", "_cellucid/columns/var?in=raw&key=CD3D")) > 100
    assert "obs" in asked
    assert "var" not in asked
    backed.file.close()


@pytest.mark.parametrize("mode", ["r", "r+"])
def test_backed_by_a_file_without_x_its_layers_are_read(mode: str, tmp_path: Path, open_page: Any) -> None:
    counts = np.arange(30, dtype=np.float32).reshape(10, 3)
    adata = anndata.AnnData(obs=pd.DataFrame({"batch": ["a", "b"] * 5}), var=pd.DataFrame(index=list("xyz")))
    adata.layers["counts"] = counts
    adata.obsm["X_umap"] = counts[:, :2]
    adata.write_h5ad(tmp_path / "without.h5ad")
    backed = anndata.read_h5ad(tmp_path / "without.h5ad", backed=mode)
    for data, rows in ((backed, slice(None)), (backed[2:6], slice(2, 6))):
        page = open_page(show_anndata(data, color="batch"))
        matrices = page.json("_cellucid/identity")["matrices"]
        assert [entry["matrix"] for entry in matrices] == [{"in": "layers", "layer": "counts"}]
        column = page.request("GET", "_cellucid/columns/var?key=y&in=layers&layer=counts")
        np.testing.assert_array_equal(read_column(column), counts[rows, 1])
    with pytest.raises(DataError, match=r"color='y' is no column .* adata\.X is empty.*'counts'"):
        show_anndata(backed, color="y")
