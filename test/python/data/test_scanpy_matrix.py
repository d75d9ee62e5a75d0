"""Which matrix a gene is read from, and which gene a name means: what `sc.pl.embedding` draws is what we show."""

from __future__ import annotations

import itertools
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anndata
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import scanpy
from cellucid_notebook import show_anndata
from cellucid_notebook._data.matrix import asked_matrix
from cellucid_notebook.errors import CellucidError

from page import Page

pytestmark = pytest.mark.filterwarnings("ignore")
mpl.use("Agg")

SOURCES = ("memory", "view", "backed", "h5ad", "zarr")
#: In var and raw; symbols, one of two genes; fields; in X alone, in raw alone, by id and by symbol; nowhere.
NAMES = ("A", "alpha", "beta", "kind", "num", "Z", "zeta", "R", "rho", "nope")
MATRICES = tuple(itertools.product((None, True, False), (None, "counts", "raw", "missing")))


def tiny() -> anndata.AnnData:
    """Make twelve cells; raw holds X + 10, lacks Z and has R; the layers are called "counts", and as another place."""
    i = np.arange(12)
    x = np.stack([i, i % 4, 11 - i, np.zeros(12), i % 5], axis=1).astype(np.float32)
    obs = pd.DataFrame({"kind": pd.Categorical.from_codes(i % 3, ["b", "a", "c"])}, index=[f"c{k}" for k in i])
    obs["num"] = np.where(i % 5 == 4, np.nan, i * 0.5)
    var = pd.DataFrame({"symbol": ["alpha", "beta", "beta", "kind", "zeta"]}, index=list("ABCDZ"))
    adata = anndata.AnnData(x, obs=obs, var=var, layers={"counts": x * 100, "raw": x * 7})
    adata.obsm["X_umap"] = np.stack([i, i % 3], axis=1).astype(float)
    rest = pd.DataFrame({"symbol": ["alpha", "beta", "beta", "kind", "rho"]}, index=list("ABCDR"))
    more = np.full((12, 1), 7, np.float32)
    adata.raw = anndata.AnnData(np.hstack([x[:, :4] + 10, more]), obs=obs[[]], var=rest)
    return adata


def drawn(adata: anndata.AnnData, color: str, **asked: Any) -> np.ndarray | None:
    """What scanpy colours the cells by, in the order of obs; ``None`` where it raises."""
    try:
        axes = scanpy.pl.embedding(adata, "umap", color=color, show=False, sort_order=False, **asked)
    except Exception:  # noqa: BLE001 - whatever it is
        return None
    finally:
        mpl.pyplot.close("all")
    values = axes.collections[0].get_array()
    return np.asarray(np.ma.filled(values.astype(float), np.nan))


@pytest.fixture(scope="module")
def expected() -> dict[Any, np.ndarray | None]:
    """The answer of scanpy for each case; categories have no array, and are told by their field alone."""
    adata, found = tiny(), {}
    for symbols, (use_raw, layer), name in itertools.product((None, "symbol"), MATRICES, NAMES):
        if name != "kind":
            asked = {"use_raw": use_raw, "layer": layer, "gene_symbols": symbols}
            found[symbols, use_raw, layer, name] = drawn(adata, name, **asked)
    return found


def opened(source: str, folder: Path) -> Any:
    adata = tiny()
    if source == "memory":
        return adata
    if source == "view":
        return adata[:]
    if source == "zarr":
        adata.write_zarr(folder / "a.zarr")
        return folder / "a.zarr"
    adata.write_h5ad(folder / "a.h5ad")
    return folder / "a.h5ad" if source == "h5ad" else anndata.read_h5ad(folder / "a.h5ad", backed="r")


def shown(page: Page, color: dict[str, Any]) -> np.ndarray:
    asked = urllib.parse.urlencode({"key": color["key"], **color.get("matrix", {})})
    header, sections = page.frame(f"_cellucid/columns/{color['axis']}?{asked}")
    if header["kind"] == "dense":
        return sections[0].astype(float)
    values = np.zeros(header["n"])
    values[sections[0]] = sections[1]
    return values


def outcomes(viewer: Any, page: Page) -> Iterator[tuple[Any, np.ndarray | None]]:
    says: list[str] = []
    for (use_raw, layer), name in itertools.product(MATRICES, NAMES):
        try:
            color = viewer._resolve(name, asked_matrix(layer=layer, use_raw=use_raw))
            found = None if name == "kind" else shown(page, color)
        except (CellucidError, ValueError) as error:
            color, found = None, None
            says.append(str(error))
        if name == "kind":
            assert color in (None, {"axis": "obs", "key": "kind"})
        else:
            yield (use_raw, layer, name), found
    assert all(sentence.endswith(".") for sentence in says)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("symbols", [None, "symbol"])
def test_every_name_in_every_matrix_is_what_scanpy_draws(
    source: str, symbols: str | None, expected: Any, tmp_path: Path, open_page: Any
) -> None:
    viewer = show_anndata(opened(source, tmp_path), gene_symbols=symbols)
    for case, found in outcomes(viewer, open_page(viewer)):
        wanted = expected[(symbols, *case)]
        assert (found is None) == (wanted is None), case
        if wanted is not None and found is not None:
            np.testing.assert_allclose(found, wanted, err_msg=str(case))


@pytest.mark.parametrize("source", ["memory", "h5ad"])
@pytest.mark.parametrize(("use_raw", "layer"), [pair for pair in MATRICES if pair[1] != "missing"])
@pytest.mark.parametrize("symbols", [None, "symbol"])
def test_what_is_named_when_it_is_shown_is_what_scanpy_draws(
    source: str,
    use_raw: bool | None,
    layer: str | None,
    symbols: str | None,
    expected: Any,
    tmp_path: Path,
    open_page: Any,
) -> None:
    data = opened(source, tmp_path)
    for name in ("A", "beta", "Z", "R"):
        wanted = expected[symbols, use_raw, layer, name]
        asked = {"color": name, "use_raw": use_raw, "layer": layer, "gene_symbols": symbols}
        if wanted is None:
            with pytest.raises((CellucidError, ValueError), match=r"\.$"):
                show_anndata(data, **asked)
            continue
        page = open_page(show_anndata(data, **asked))
        identity = page.json("_cellucid/identity")
        np.testing.assert_allclose(shown(page, identity["defaultColor"]), wanted, err_msg=name)


def test_a_matrix_that_is_not_there_is_refused_with_the_way_to_the_one_that_was_meant(tmp_path: Path) -> None:
    adata = tiny()
    del adata.layers["raw"]
    adata.write_h5ad(tmp_path / "a.h5ad")
    for data in (adata, tmp_path / "a.h5ad"):
        for layer, way_out in {"raw": "use_raw=True", "X": "leave layer out", "count": "counts"}.items():
            with pytest.raises(LookupError, match=f"is not a layer of.*counts.*{way_out}"):
                show_anndata(data, layer=layer)
        with pytest.raises(ValueError, match="ask for two different matrices"):
            show_anndata(data, layer="counts", use_raw=True)
    adata.raw = None
    adata.write_h5ad(tmp_path / "b.h5ad")
    for data in (adata, tmp_path / "b.h5ad"):
        with pytest.raises(ValueError, match="use_raw=True needs"):
            show_anndata(data, use_raw=True)


def test_a_gene_that_another_matrix_has_is_refused_with_the_words_that_lead_there(tmp_path: Path) -> None:
    adata = tiny()
    adata.write_h5ad(tmp_path / "a.h5ad")
    for data in (adata, tmp_path / "a.h5ad"):
        with pytest.raises(LookupError, match="use_raw=False"):
            show_anndata(data, color="Z")
        with pytest.raises(LookupError, match="use_raw=True"):
            show_anndata(data, color="R", use_raw=False)


def test_the_readme_s_gene_is_the_one_that_scanpy_draws(pbmc: Any, open_page: Any) -> None:
    page = open_page(show_anndata(pbmc, color="CD3D"))
    for name, asked in itertools.product(("CD3D", "LYZ"), ({}, {"use_raw": False})):
        matrix = {"in": "X"} if asked else {"in": "raw"}
        found = shown(page, {"axis": "var", "key": name, "matrix": matrix})
        np.testing.assert_allclose(found, drawn(pbmc, name, **asked), rtol=1e-6)
    first = page.json("_cellucid/identity")["defaultColor"]
    assert (first["matrix"], round(float(shown(page, first).max()), 2)) == ({"in": "raw"}, 3.83)


def test_a_field_and_a_gene_of_one_name_are_the_field_with_a_note(tmp_path: Path, open_page: Any) -> None:
    adata = tiny()
    adata.obs["A"] = 3.0
    adata.write_h5ad(tmp_path / "a.h5ad")
    for data in (adata, tmp_path / "a.h5ad"):
        page = open_page(show_anndata(data, color="A"))
        assert page.json("_cellucid/identity")["defaultColor"] == {"axis": "obs", "key": "A"}
        page.request("GET", "_cellucid/genes?query=a")
        notes = page.json("_cellucid/identity")["notes"]
        assert any('"A" is a column of obs and a gene' in note for note in notes), notes
