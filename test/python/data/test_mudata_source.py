"""A MuData, in memory and in its files, shows what mudata itself reads: obs, embeddings and genes of all modalities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook import show_anndata
from cellucid_notebook.errors import CellucidError
from column_frames import read_column, read_embedding, sections
from waiting import when_waiting

mudata = pytest.importorskip("mudata")
RNG = np.random.default_rng(4)
CELLS = [f"c{number}" for number in range(50)]
FORMS = ["memory", "h5mu", "zarr"]


@pytest.fixture(autouse=True)
def nothing_is_pulled() -> Any:
    """As mudata 0.4 has it; what is pulled has a test of its own."""
    with mudata.set_options(pull_on_update=False):
        yield


def modality(cells: list[str], genes: list[str], make: Any = sp.csr_matrix, **obs: Any) -> anndata.AnnData:
    counts = RNG.poisson(1.2, (len(cells), len(genes))).astype(np.float32)
    adata = anndata.AnnData(make(counts), obs=pd.DataFrame(obs, index=cells), var=pd.DataFrame(index=genes))
    adata.obsm["X_umap"] = RNG.normal(size=(len(cells), 2))
    return adata


def cite_seq() -> Any:
    """RNA and protein of overlapping sets of cells, in another order, with names in common."""
    rna = modality(CELLS[:40], ["CD3", "CD4", "GAPDH"], leiden=pd.Categorical(list("abcd") * 10), depth=np.arange(40))
    prot = modality(CELLS[10:][::-1], ["CD3", "IgG"], np.array, leiden=pd.Categorical(list("xy") * 20))
    rna.layers["counts"] = rna.X * 3
    rna.raw = rna.copy()
    rna.X = rna.X / 2
    rna.uns["leiden_colors"] = ["#ff0000", "#00ff00", "#0000ff", "#ffff00"]
    prot.obsm["X_pca"] = RNG.normal(size=(40, 6))
    mdata = mudata.MuData({"rna": rna, "prot": prot})
    mdata.obsm["X_wnn_umap"] = RNG.normal(size=(mdata.n_obs, 2))
    mdata.obs["sample"] = pd.Categorical(["s1", "s2"] * 25)
    return mdata


def shown(mdata: Any, form: str, folder: Path, **options: Any) -> Any:
    if form == "memory":
        return show_anndata(mdata, **options)
    path = folder / f"data.{form}"
    if not path.exists():
        (mdata.write_h5mu if form == "h5mu" else mdata.write_zarr)(path)
    return show_anndata(path, **options)


def spread(mdata: Any, name: str, values: Any) -> np.ndarray:
    """Values of a modality's cells on all cells, NaN where it lacks one; by names, as nothing of ours does it."""
    return pd.Series(np.asarray(values), index=mdata[name].obs_names).reindex(mdata.obs_names).to_numpy()


def dense(matrix: Any) -> np.ndarray:
    return matrix.toarray() if sp.issparse(matrix) else np.asarray(matrix)


def gene(page: Any, key: str, matrix: str = "&in=raw") -> np.ndarray:
    return read_column(page.request("GET", f"_cellucid/columns/var?key={quote(key)}{matrix}"))


def obs(page: Any, key: str) -> np.ndarray:
    return read_column(page.request("GET", f"_cellucid/columns/obs?key={quote(key)}"))


def embedding(page: Any, key: str) -> np.ndarray:
    return read_embedding(page.request("GET", f"_cellucid/embedding?key={quote(key)}&dimensions=2"))


def refusal(page: Any, path: str) -> dict[str, Any]:
    with pytest.raises(AssertionError) as refused:
        page.request("GET", path)
    return json.loads(refused.value.args[0][1])


@pytest.mark.parametrize("form", FORMS)
def test_all_modalities_are_in_one_viewer(form: str, tmp_path: Path, open_page: Any) -> None:
    mdata = cite_seq()
    page = open_page(shown(mdata, form, tmp_path))
    identity = page.json("_cellucid/identity")
    assert identity["nObs"] == 50
    assert identity["nVar"] == 5
    assert [field["key"] for field in identity["obs"]] == ["sample", "rna:leiden", "depth", "prot:leiden"]
    assert [entry["key"] for entry in identity["embeddings"]] == [
        "X_wnn_umap",
        "rna:X_umap",
        "prot:X_umap",
        "X_pca",
    ]
    assert identity["defaultEmbedding"] == "X_wnn_umap"
    assert [entry["matrix"] for entry in identity["matrices"]] == [
        {"in": "X"},
        {"in": "raw"},
        {"in": "layers", "layer": "counts"},
    ]
    names = page.json("_cellucid/genes?query=&limit=10")["genes"]
    assert [name["key"] for name in names] == ["rna:CD3", "CD4", "GAPDH", "prot:CD3", "IgG"]
    assert page.json("_cellucid/cell-names?start=3&end=6") == list(mdata.obs_names[3:6])
    assert identity["notes"] == []


@pytest.mark.parametrize("form", FORMS)
def test_every_number_is_the_modalitys_own_and_cells_it_lacks_are_missing(
    form: str, tmp_path: Path, open_page: Any
) -> None:
    mdata = cite_seq()
    rna, prot = mdata["rna"], mdata["prot"]
    page = open_page(shown(mdata, form, tmp_path))
    for place, key, name, matrix in [
        ("&in=X", "rna:CD3", "rna", rna.X),
        ("&in=X", "prot:CD3", "prot", prot.X),
        ("&in=raw", "rna:CD3", "rna", rna.raw.X),
        ("&in=layers&layer=counts", "rna:CD3", "rna", rna.layers["counts"]),
    ]:
        expected = spread(mdata, name, dense(matrix)[:, 0])
        assert np.isnan(expected).sum() == 10
        np.testing.assert_allclose(gene(page, key, place), expected)
    np.testing.assert_allclose(gene(page, "GAPDH"), spread(mdata, "rna", dense(rna.raw.X)[:, 2]))
    np.testing.assert_allclose(gene(page, "IgG"), spread(mdata, "prot", dense(prot.X)[:, 1]))
    np.testing.assert_array_equal(obs(page, "sample"), mdata.obs["sample"].to_numpy(dtype=object))
    for key, name, column in [("rna:leiden", "rna", "leiden"), ("prot:leiden", "prot", "leiden")]:
        expected = spread(mdata, name, mdata[name].obs[column].astype(str))
        np.testing.assert_array_equal(obs(page, key), np.where(pd.isna(expected), None, expected))
    np.testing.assert_array_equal(obs(page, "depth"), spread(mdata, "rna", rna.obs["depth"]))
    np.testing.assert_allclose(embedding(page, "X_wnn_umap"), mdata.obsm["X_wnn_umap"], atol=1e-5)
    found = embedding(page, "prot:X_umap")
    for axis in (0, 1):
        np.testing.assert_allclose(found[:, axis], spread(mdata, "prot", prot.obsm["X_umap"][:, axis]), atol=1e-5)
    header, _ = sections(page.request("GET", "_cellucid/columns/obs?key=rna%3Aleiden"))
    assert header["colors"] == ["#ff0000", "#00ff00", "#0000ff", "#ffff00"]


@pytest.mark.parametrize("form", FORMS)
def test_a_name_that_several_modalities_have_is_asked_for_with_its_modality(
    form: str, tmp_path: Path, open_page: Any
) -> None:
    mdata = cite_seq()
    with pytest.raises(CellucidError, match=r"CD3.*rna:CD3.*prot:CD3"):
        shown(mdata, form, tmp_path, color="CD3")
    with pytest.raises(CellucidError, match=r"leiden.*rna:leiden.*prot:leiden"):
        shown(mdata, form, tmp_path, color="leiden")
    with pytest.raises(CellucidError, match=r"X_umap.*rna:X_umap.*prot:X_umap"):
        shown(mdata, form, tmp_path, embedding="X_umap")
    for color, resolved in [
        ("prot:CD3", ("var", "prot:CD3")),
        ("CD4", ("var", "CD4")),
        ("rna:CD4", ("var", "CD4")),
        ("rna:depth", ("obs", "depth")),
        ("depth", ("obs", "depth")),
    ]:
        page = open_page(shown(mdata, form, tmp_path, color=color, embedding="rna:umap"))
        identity = page.json("_cellucid/identity")
        assert (identity["defaultColor"]["axis"], identity["defaultColor"]["key"]) == resolved
        assert identity["defaultEmbedding"] == "rna:X_umap"


@pytest.mark.parametrize("form", FORMS)
def test_a_matrix_that_a_modality_lacks_is_a_sentence_and_raw_falls_back_to_x(
    form: str, tmp_path: Path, open_page: Any
) -> None:
    mdata = cite_seq()
    page = open_page(shown(mdata, form, tmp_path))
    assert page.json("_cellucid/identity")["defaultMatrix"] == {"in": "raw"}
    header, _ = sections(page.request("GET", "_cellucid/columns/var?key=IgG&in=raw"))
    assert header["note"] == '"prot" has no raw: these are values of X.'
    refused = refusal(page, "_cellucid/columns/var?key=IgG&in=layers&layer=counts")
    assert refused["message"] == '"prot" has no layer "counts", which is in "rna". Choose another.'


@pytest.mark.parametrize("form", FORMS)
def test_modalities_that_share_their_genes_are_one_column(form: str, tmp_path: Path, open_page: Any) -> None:
    first = modality(CELLS[:20], ["g1", "g2"], batch=["a"] * 20)
    second = modality(CELLS[20:], ["g2", "g3"], batch=["b"] * 30)
    mdata = mudata.MuData({"day 1": first, "day 2": second}, axis=1)
    page = open_page(shown(mdata, form, tmp_path))
    identity = page.json("_cellucid/identity")
    assert (identity["nObs"], identity["nVar"]) == (50, 3)
    names = page.json("_cellucid/genes?query=&limit=10")["genes"]
    assert sorted(name["key"] for name in names) == ["g1", "g2", "g3"]
    both = np.concatenate([dense(first.X)[:, 1], dense(second.X)[:, 0]])
    np.testing.assert_allclose(gene(page, "g2", "&in=X"), both)
    np.testing.assert_allclose(gene(page, "g3", "&in=X"), spread(mdata, "day 2", dense(second.X)[:, 1]))


@pytest.mark.parametrize("form", FORMS)
def test_one_modality_and_the_same_cells_and_genes_twice(form: str, tmp_path: Path, open_page: Any) -> None:
    only = mudata.MuData({"rna": modality(CELLS, ["g1", "g2"])})
    (tmp_path / "one").mkdir()
    page = open_page(shown(only, form, tmp_path / "one"))
    assert [entry["key"] for entry in page.json("_cellucid/identity")["embeddings"]] == ["X_umap"]
    np.testing.assert_allclose(gene(page, "g2", "&in=X"), dense(only["rna"].X)[:, 1])
    all_genes = modality(CELLS, ["g1", "g2", "g3"])
    nested = mudata.MuData({"all": all_genes, "few": all_genes[:30, :2].copy()}, axis=-1)
    (tmp_path / "two").mkdir()
    page = open_page(shown(nested, form, tmp_path / "two"))
    assert page.json("_cellucid/identity")["nObs"] == 50
    np.testing.assert_allclose(gene(page, "few:g2", "&in=X"), spread(nested, "few", dense(nested["few"].X)[:, 1]))
    np.testing.assert_allclose(gene(page, "g3", "&in=X"), dense(all_genes.X)[:, 2])


def test_a_view_of_a_mudata_is_its_cells_in_its_order(open_page: Any) -> None:
    mdata = cite_seq()
    view = mdata[["c45", "c3", "c20"]]
    page = open_page(show_anndata(view))
    assert page.json("_cellucid/cell-names?start=0&end=9") == ["c45", "c3", "c20"]
    np.testing.assert_allclose(
        gene(page, "prot:CD3", "&in=X"), spread(view, "prot", dense(mdata["prot"][["c45", "c20"]].X)[:, 0])
    )
    np.testing.assert_allclose(embedding(page, "X_wnn_umap"), view.obsm["X_wnn_umap"], atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_columns_that_mudata_pulled_are_listed_once(form: str, tmp_path: Path, open_page: Any) -> None:
    mdata = cite_seq()
    mdata.pull_obs()
    page = open_page(shown(mdata, form, tmp_path, color="depth"))
    identity = page.json("_cellucid/identity")
    keys = [field["key"] for field in identity["obs"]]
    assert sorted(keys) == sorted(["sample", "rna:leiden", "rna:depth", "prot:leiden"])
    assert identity["defaultColor"] == {"axis": "obs", "key": "rna:depth"}
    expected = mdata.obs["rna:leiden"].astype(object)
    np.testing.assert_array_equal(obs(page, "rna:leiden"), np.where(expected.isna(), None, expected))
    header, _ = sections(page.request("GET", "_cellucid/columns/obs?key=rna%3Aleiden"))
    assert header["colors"] == ["#ff0000", "#00ff00", "#0000ff", "#ffff00"], "of the modality"
    with pytest.raises(CellucidError, match=r"leiden.*rna:leiden.*prot:leiden"):
        shown(mdata, form, tmp_path, color="leiden")


def receptors(folder: Path) -> Path:
    """As scirpy writes it: receptors as awkward arrays in `airr`, which has no embedding; the picture is `gex`'s."""
    awkward = pytest.importorskip("awkward")
    gex = modality(CELLS[:30], ["CD3E", "MS4A1"], cluster=pd.Categorical(["T", "B"] * 15))
    airr = anndata.AnnData(obs=pd.DataFrame({"chain": ["TRA", "TRB"] * 20}, index=CELLS[5:45]))
    chains = [[{"locus": "TRA", "junction_aa": "CAV"}] * (number % 3) for number in range(40)]
    airr.obsm["airr"] = awkward.Array(chains)
    airr.obsm["chain_indices"] = awkward.Array([{"VJ": [0, None]}] * 40)
    mdata = mudata.MuData({"gex": gex, "airr": airr})
    mdata.write_h5mu(folder / "receptors.h5mu")
    return folder / "receptors.h5mu"


def test_receptors_without_a_picture_of_their_own_are_shown_on_that_of_gene_expression(
    tmp_path: Path, open_page: Any
) -> None:
    path = receptors(tmp_path)
    for data in (path, mudata.read_h5mu(path)):
        page = open_page(show_anndata(data, color="chain"))
        identity = page.json("_cellucid/identity")
        assert identity["defaultEmbedding"] == "X_umap"
        assert [entry["key"] for entry in identity["embeddings"]] == ["X_umap"]
        assert {field["key"] for field in identity["obs"]} == {"cluster", "chain"}
        assert identity["defaultColor"] == {"axis": "obs", "key": "chain"}
        values = obs(page, "chain")
        assert (values[:5] == None).all()  # noqa: E711 - an array of objects
        assert len(page.request("GET", "_cellucid/columns/var?key=CD3E&in=X")) > 200


def test_changes_of_a_modality_are_seen_and_other_modalities_are_said(open_page: Any) -> None:
    mdata = cite_seq()
    viewer = show_anndata(mdata)
    page = open_page(viewer)
    before = page.json("_cellucid/identity")["version"]
    mdata["prot"].X[:, 1] += 1
    viewer.refresh()
    page.wait_told_anew()
    assert page.json("_cellucid/identity")["version"] != before
    np.testing.assert_allclose(gene(page, "IgG"), spread(mdata, "prot", dense(mdata["prot"].X)[:, 1]))
    mdata.mod["prot"] = mdata["prot"].copy()
    viewer.refresh()
    page.wait_told_anew(2)
    assert "other modalities" in refusal(page, "_cellucid/columns/var?key=IgG&in=X")["message"]


def test_cells_are_positions_in_the_obs_of_the_mudata(open_page: Any) -> None:
    mdata = cite_seq()
    viewer = show_anndata(mdata)
    page = open_page(viewer)
    viewer.highlight_cells(["c45", "c3"])
    _, cells = page.wait_command("highlight")
    assert sorted(mdata.obs_names[cells]) == ["c3", "c45"]
    when_waiting(viewer, lambda: page.select([1, 2, 7], 50))
    viewer.wait_for_event("selection", timeout=20)
    assert list(viewer.selected(mdata).obs_names) == [mdata.obs_names[place] for place in (1, 2, 7)]
