"""What a viewer shows is what the AnnData holds now: after a refresh, shown again, and never a mix of old and new."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.sparse as sp
from cellucid_notebook import show_anndata
from cellucid_notebook._server import supervisor

from page import Page

CELLS, GENES = 300, 40
Adata = anndata.AnnData
pytestmark = pytest.mark.filterwarnings("ignore")


def make(form: str = "csr") -> Adata:
    rng = np.random.default_rng(7)
    counts = sp.random(CELLS, GENES, 0.5, "csr", np.float32, rng, data_rvs=lambda n: rng.integers(1, 6, n))
    x = {"csr": counts, "csc": counts.tocsc(), "dense": counts.toarray()}[form.removeprefix("view of ")]
    adata = anndata.AnnData(
        x,
        obs=pd.DataFrame(
            {"score": rng.normal(size=CELLS), "kind": pd.Categorical(rng.choice(["a", "b"], CELLS))},
            index=[f"c{i}" for i in range(CELLS)],
        ),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
        obsm={"X_umap": rng.normal(size=(CELLS, 2))},
        layers={"counts": x.copy()},
    )
    adata.uns["kind_colors"] = ["#ff0000", "#0000ff"]
    return adata[::2, ::-1] if form.startswith("view") else adata


def gene(page: Page, name: str, more: dict[str, str] | None = None) -> np.ndarray:
    asked = urllib.parse.urlencode({"key": name, "in": "X", **(more or {})})
    header, sections = page.frame(f"_cellucid/columns/var?{asked}")
    if header["kind"] == "dense":
        return sections[0]
    values = np.zeros(header["n"], np.float32)
    values[sections[0]] = sections[1]
    return values


def version_of_x(identity: dict[str, Any]) -> str:
    return next(str(entry["version"]) for entry in identity["matrices"] if entry["matrix"] == {"in": "X"})


def answer(page: Page, path: str) -> bytes:
    """The body, or the code of a refusal because of a change."""
    try:
        return page.request("GET", path)
    except AssertionError as refusal:
        return b"changed" if '"code":"changed"' in str(refusal) else str(refusal).encode()


def all_shown(page: Page, adata: Adata) -> None:
    """Everything that the page can ask for is what anndata says now."""
    x = adata.to_df()
    for name in (adata.var_names[0], adata.var_names[-1]):
        np.testing.assert_allclose(gene(page, name), x[name], rtol=1e-5, err_msg=name)
    if "counts" in adata.layers:
        counts = adata.to_df("counts")
        np.testing.assert_allclose(
            gene(page, adata.var_names[1], {"in": "layers", "layer": "counts"}), counts.iloc[:, 1], rtol=1e-5
        )
    np.testing.assert_allclose(page.frame("_cellucid/columns/obs?key=score")[1][0], adata.obs["score"], rtol=1e-5)
    header, (codes,) = page.frame("_cellucid/columns/obs?key=kind")
    assert header["categories"] == [*adata.obs["kind"].cat.categories]
    assert header["colors"] == [*adata.uns["kind_colors"]]
    np.testing.assert_array_equal(codes, adata.obs["kind"].cat.codes)
    header, (positions,) = page.frame("_cellucid/embedding")
    own = positions.reshape(-1, 2) * header["scale"] + header["center"]
    np.testing.assert_allclose(own, adata.obsm["X_umap"], rtol=1e-4, atol=1e-5)


def _assign(adata: Adata) -> None:
    adata.X[:, :20] = 3


def _one_value(adata: Adata) -> None:
    adata.X[4, 0] = 77


def _add(adata: Adata) -> None:
    values = adata.X.data if sp.issparse(adata.X) else adata.X
    values += 1


def _umap(adata: Adata) -> None:
    adata.obsm["X_umap"] *= 2


def _obs(adata: Adata) -> None:
    adata.obs["score"] *= 3
    adata.obs["kind"] = adata.obs["kind"].cat.rename_categories({"a": "z"})
    adata.uns["kind_colors"][0] = "#00ff00"


def _layer(adata: Adata) -> None:
    adata.layers["counts"] = adata.layers["counts"] * 2


CHANGES: dict[str, Callable[[Adata], Any]] = {
    "log1p": scanpy.pp.log1p,
    "normalize_total": lambda adata: scanpy.pp.normalize_total(adata, target_sum=1e4),
    "scale": scanpy.pp.scale,
    "regress_out": lambda adata: scanpy.pp.regress_out(adata, "score"),
    "filter_genes": lambda adata: scanpy.pp.filter_genes(adata, min_cells=adata.n_obs // 2),
    "highly_variable_genes": lambda adata: scanpy.pp.highly_variable_genes(
        scanpy.pp.log1p(adata, copy=False) or adata, n_top_genes=11, subset=True
    ),
    "X.data += 1": _add,
    "X[...] =": _assign,
    "X[4, 0] =": _one_value,
    "X_umap *= 2": _umap,
    "obs and colours": _obs,
    "layers[...] =": _layer,
}
CASES = [(form, name) for form in ("csr", "csc", "dense") for name in CHANGES]
#: A view becomes an AnnData of its own when it is written to.
CASES += [(f"view of {form}", name) for form in ("csr", "dense") for name in ("log1p", "filter_genes", "X_umap *= 2")]


@pytest.mark.parametrize(("form", "name"), CASES)
def test_what_changed_in_place_is_shown_after_a_refresh_and_shown_again(form: str, name: str, open_page: Any) -> None:
    adata = make(form)
    viewer = show_anndata(adata)
    page = open_page(viewer)
    all_shown(page, adata)
    CHANGES[name](adata)
    viewer.refresh()
    page.wait_command("refresh")
    page.wait_told_anew()
    all_shown(page, adata)
    CHANGES["log1p" if name != "log1p" else "X.data += 1"](adata)
    all_shown(open_page(show_anndata(adata)), adata)
    page.wait_told_anew(2)
    all_shown(page, adata)


@pytest.mark.parametrize(("form", "name"), CASES)
def test_a_page_that_names_the_version_it_knows_gets_that_one_or_nothing(form: str, name: str, open_page: Any) -> None:
    adata = make(form)
    page = open_page(show_anndata(adata))
    identity = page.json("_cellucid/identity")
    versions = {
        **{f"embedding?key={e['key']}": e["version"] for e in identity["embeddings"]},
        **{f"columns/obs?key={field['key']}": field["version"] for field in identity["obs"]},
        **{f"columns/var?in=X&key={name}": version_of_x(identity) for name in adata.var_names[:3]},
    }
    paths = [f"_cellucid/{part}&version={urllib.parse.quote(version)}" for part, version in versions.items()]
    before = {path: page.request("GET", path) for path in paths[:-1]}  # the last one is in no cache
    CHANGES[name](adata)
    supervisor.current().look_at_data()  # type: ignore[union-attr]
    now = page.json("_cellucid/identity")
    if name == "X[4, 0] =":
        return  # too little to be noticed: what `refresh` is for
    for path in paths if version_of_x(identity) != version_of_x(now) else before:
        assert answer(page, path) in {before.get(path), b"changed"}
    changed = [part for part in ("embeddings", "obs", "matrices") if identity[part] != now[part]]
    assert changed, "the page is told"


def test_a_gene_is_asked_for_by_the_label_that_it_had(open_page: Any) -> None:
    adata = make()
    adata.var["symbol"] = [f"S{i}" for i in range(GENES)]
    viewer = show_anndata(adata, gene_symbols="symbol")
    page = open_page(viewer)
    version = version_of_x(page.json("_cellucid/identity"))
    np.testing.assert_allclose(gene(page, "S3", {"version": version}), adata.to_df()["g3"])
    adata.var["symbol"] = [*adata.var["symbol"][::-1]]
    viewer.refresh()
    page.wait_told_anew()
    assert answer(page, f"_cellucid/columns/var?in=X&key=S4&version={version}") == b"changed"
    np.testing.assert_allclose(gene(page, "S3"), adata.to_df()[f"g{GENES - 4}"])


def test_every_page_of_an_anndata_is_told_when_it_is_shown_again_or_refreshed(open_page: Any) -> None:
    adata = make()
    viewers = [show_anndata(adata), show_anndata(adata)]
    pages = [open_page(viewer) for viewer in viewers]
    for page in pages:
        page.json("_cellucid/identity")
    viewers[0].refresh()
    show_anndata(adata)
    for page in pages:
        page.wait_told_anew(2)


def test_after_a_cell_the_pages_are_told_what_is_another_one(open_page: Any) -> None:
    adata = make()
    page = open_page(show_anndata(adata))
    running = supervisor.current()
    assert running is not None
    running.look_at_data()
    known = page.json("_cellucid/identity")
    scanpy.pp.log1p(adata)
    running.look_at_data()
    message = page.wait_message(
        lambda: [m for m in page.received if m.header["kind"] == "data" and m.header["version"] != known["version"]], 1
    )
    now = page.json("_cellucid/identity")
    assert message.header["version"] == now["version"]
    different = [entry["matrix"] for entry in now["matrices"] if entry not in known["matrices"]]
    assert (different, known["obs"] == now["obs"]) == ([{"in": "X"}], True)


def test_other_cells_are_told_with_what_to_do(open_page: Any) -> None:
    adata = make()
    page = open_page(show_anndata(adata))
    page.json("_cellucid/identity")
    scanpy.pp.filter_cells(adata, min_genes=20)
    supervisor.current().look_at_data()  # type: ignore[union-attr]
    page.wait_message(lambda: [m for m in page.received if m.header.get("version", "").startswith("changed")])
    for path in ("_cellucid/identity", "_cellucid/columns/var?in=X&key=g1", "_cellucid/embedding"):
        with pytest.raises(AssertionError, match=r"other cells than when it was shown.*Run show_anndata again"):
            page.request("GET", path)


def test_a_file_that_is_written_again_while_it_is_shown_is_told_and_not_mixed(tmp_path: Path, open_page: Any) -> None:
    adata = make()
    adata.write_h5ad(tmp_path / "a.h5ad")
    page = open_page(show_anndata(tmp_path / "a.h5ad"))
    known = page.json("_cellucid/identity")["version"]
    scanpy.pp.log1p(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    page.wait_message(lambda: [m for m in page.received if m.header["kind"] == "data" and m.header["version"] != known])
    with pytest.raises(AssertionError, match="changed"):
        gene(page, "g1", {"version": known})
    all_shown(page, adata)


def test_a_backed_matrix_that_is_written_to_is_shown_as_it_is_now(tmp_path: Path, open_page: Any) -> None:
    make("dense").write_h5ad(tmp_path / "a.h5ad")
    adata = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r+")
    viewer = show_anndata(adata)
    page = open_page(viewer)
    before = gene(page, "g3")
    np.testing.assert_allclose(before, adata.X[:, 3])
    adata.X[:, :] = np.log1p(adata.X[:, :])
    viewer.refresh()
    page.wait_told_anew()
    np.testing.assert_allclose(gene(page, "g3"), np.log1p(before), rtol=1e-6)
    adata.file.close()
