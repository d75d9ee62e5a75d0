"""What is wrong with what users give, said before anything is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pytest
from cellucid_notebook import show_anndata
from cellucid_notebook._data.checks import check_anndata, check_override, data_path
from cellucid_notebook._data.matrix import RAW, Matrix
from cellucid_notebook._data.obsm import matching_keys
from cellucid_notebook.errors import (
    AmbiguousColumnError,
    DataFileNotFoundError,
    NoCellsError,
    NoEmbeddingError,
    UnknownColumnError,
    UnknownEmbeddingError,
    UnknownLayerError,
)
from golden import read_json

NOTHING: dict[str, Any] = {"color": None, "embedding": None, "gene_symbols": None, "matrix": None}


def check(adata: anndata.AnnData, **asked: Any) -> str | None:
    return check_anndata(adata, **{**NOTHING, **asked})


def test_what_is_right_passes(pbmc: anndata.AnnData) -> None:
    assert check(pbmc) is None
    assert check(pbmc, color="louvain", embedding="umap") == "X_umap"
    assert check(pbmc, color="CD3D", embedding="X_pca", matrix=RAW) == "X_pca"


def test_no_cells(pbmc: anndata.AnnData) -> None:
    with pytest.raises(NoCellsError, match="no cells"):
        check(pbmc[:0])


def test_no_embedding_names_what_there_is_and_what_to_run_on_counts(pbmc: anndata.AnnData) -> None:
    del pbmc.obsm["X_umap"], pbmc.obsm["X_pca"]
    pbmc.obsm["texts"] = np.full((700, 2), "a", dtype=object)
    found = r"adata\.obsm holds texts \(its values are .*\)\. From counts, run sc\.pp\.pca\(adata\), sc\.pp\.neighbors"
    with pytest.raises(NoEmbeddingError, match=found):
        check(pbmc)
    del pbmc.obsm["texts"]
    with pytest.raises(NoEmbeddingError, match=r"adata\.obsm holds nothing\..*sc\.tl\.umap\(adata\)"):
        check(pbmc)


def test_a_latent_space_can_be_picked_so_it_is_no_error(pbmc: anndata.AnnData) -> None:
    del pbmc.obsm["X_umap"], pbmc.obsm["X_pca"]
    pbmc.obsm["X_scVI"] = np.zeros((700, 20))
    assert check(pbmc) is None


@pytest.mark.parametrize("case", read_json("embeddings")["named"], ids=lambda case: f"{case['name']} of {case['keys']}")
def test_names_of_embeddings_mean_what_they_mean_to_the_server(case: dict[str, Any]) -> None:
    assert matching_keys(case["keys"], case["name"]) == case["found"]


def test_a_name_that_could_be_several_embeddings_is_not_taken_silently(pbmc: anndata.AnnData) -> None:
    assert check(pbmc, embedding="UMAP") == "X_umap"
    pbmc.obsm["umap"] = pbmc.obsm["X_umap"]
    with pytest.raises(UnknownEmbeddingError, match="could be any of 'X_umap', 'umap'"):
        check(pbmc, embedding="UMAP")


def test_an_unknown_embedding_names_near_ones(pbmc: anndata.AnnData) -> None:
    with pytest.raises(UnknownEmbeddingError, match=r"most like it: X_umap"):
        check(pbmc, embedding="X_unap")


def test_an_embedding_that_is_no_table(pbmc: anndata.AnnData) -> None:
    pbmc.obsm["X_umap"] = np.zeros((700, 2, 2))
    with pytest.raises(UnknownEmbeddingError, match=r"its shape \(700, 2, 2\) is no table"):
        check(pbmc, embedding="X_umap")


def test_a_view_is_checked_for_its_own_cells(pbmc: anndata.AnnData) -> None:
    assert check(pbmc[10:20], embedding="umap") == "X_umap"


def test_unknown_names_are_refused_with_near_ones(pbmc: anndata.AnnData) -> None:
    with pytest.raises(UnknownColumnError, match=r"color='CD3E1' is neither a column of adata.obs") as caught:
        check(pbmc, color="CD3E1")
    assert "CD3E" in caught.value.near
    for layer, way_out in {"counts": "which has none", "raw": "use_raw=True", "X": "leave layer out"}.items():
        with pytest.raises(UnknownLayerError, match=way_out):
            check(pbmc, matrix=Matrix("layers", layer))
    with pytest.raises(UnknownColumnError, match=r"gene_symbols='mean' is not a column of adata.var; .*means"):
        check(pbmc, gene_symbols="mean")


def test_a_name_that_several_genes_have_is_not_taken_silently(pbmc: anndata.AnnData) -> None:
    pbmc.raw = None
    names = pbmc.var_names.tolist()
    names[1] = names[0]
    pbmc.var_names = names
    with pytest.raises(AmbiguousColumnError, match=f"names 2 genes.*{names[0]}") as caught:
        check(pbmc, color=names[0])
    assert caught.value.near == (f"{names[0]} (1 of 2)", f"{names[0]} (2 of 2)")
    check(pbmc, color=f"{names[0]} (2 of 2)")


def test_labels_from_a_var_column_are_names_too(pbmc: anndata.AnnData) -> None:
    pbmc.var["symbol"] = [f"S{number}" for number in range(pbmc.n_vars)]
    check(pbmc, color="S7", gene_symbols="symbol")
    check(pbmc, color="CD3D", gene_symbols="symbol")
    with pytest.raises(UnknownColumnError):
        check(pbmc, color="S7")


def test_a_file_that_is_not_there_names_similar_ones(tmp_path: Path) -> None:
    (tmp_path / "pbmc_final.h5ad").write_bytes(b"")
    with pytest.raises(DataFileNotFoundError, match=r"Similar names there: pbmc_final\.h5ad") as caught:
        data_path(tmp_path / "pbmc_finl.h5ad")
    assert isinstance(caught.value, FileNotFoundError)


def test_a_real_file_is_found_from_where_the_user_stands(
    pbmc: anndata.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pbmc.write_h5ad(tmp_path / "cells.h5ad")
    monkeypatch.chdir(tmp_path)
    assert data_path("cells.h5ad") == tmp_path / "cells.h5ad"


@pytest.mark.parametrize("url", ["https://your.domain.example/cellucid", "http://127.0.0.1:{port}", None])
def test_an_override_may_be_a_url_with_a_path_or_a_port(url: str | None) -> None:
    check_override(url)


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8765", "ftp://a/", "https://a/?token=1", "https://me:secret@a/", "https:///x"]
)
def test_other_overrides_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no http"):
        check_override(url)


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"height": 0}, ValueError, "height=0"),
        ({"height": "600"}, ValueError, "height='600'"),
        ({"port": 70_000}, ValueError, "port=70000"),
        ({"port": True}, ValueError, "port=True"),
        ({"client_server_url": "hub"}, ValueError, "client_server_url"),
    ],
)
def test_wrong_numbers_start_no_server(
    pbmc: anndata.AnnData, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        show_anndata(pbmc, **asked)


def test_what_is_no_dataset_is_refused() -> None:
    with pytest.raises(TypeError, match=r"found numpy\.ndarray"):
        show_anndata(np.zeros((3, 3)))  # type: ignore[arg-type]


def test_a_mudata_without_modalities_or_of_mudatas_is_refused() -> None:
    mudata = pytest.importorskip("mudata")
    with pytest.raises(NoCellsError, match="has no modalities"):
        show_anndata(mudata.MuData({}))
    inner = mudata.MuData({"rna": anndata.AnnData(np.zeros((3, 2), "f4"))})
    with pytest.raises(TypeError, match=r"mdata\['inner'\] is a MuData itself\. Show it: show_anndata\("):
        show_anndata(mudata.MuData({"inner": inner}))
