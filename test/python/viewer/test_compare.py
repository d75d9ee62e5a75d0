"""`viewer.compare`: what scanpy says of the same cells, from memory and from files."""

from __future__ import annotations

import _thread
import threading
import warnings
from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
from cellucid_notebook import _comparison, errors, show_anndata
from cellucid_notebook._data import anndata_source
from scipy import sparse

SCANPY_COLUMNS = ["names", "scores", "logfoldchanges", "pvals", "pvals_adj", "pct_nz_group", "pct_nz_reference"]


def scanpy_says(adata: anndata.AnnData, field: str, group: str, reference: str, method: str) -> pd.DataFrame:
    """scanpy's table; on doubles, so that its versions agree."""
    import scanpy as sc

    raw = anndata.AnnData(adata.raw.X.astype(np.float64), obs=adata.obs[[field]].copy(), var=adata.raw.var)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.rank_genes_groups(
            raw, field, groups=[group], reference=reference, method=method, tie_correct=True, pts=True
        )
        return sc.get.rank_genes_groups_df(raw, group).set_index("names")


def expect_same(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    ours = found.set_index("names").loc[expected.index]
    np.testing.assert_allclose(ours["scores"], expected["scores"], atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(ours["logfoldchanges"], expected["logfoldchanges"], atol=2e-6, rtol=1e-6)
    for name in ("pvals", "pvals_adj"):
        np.testing.assert_allclose(np.log(ours[name]), np.log(expected[name]), atol=1e-6, rtol=0)
    np.testing.assert_array_equal(ours["pct_nz_group"], expected["pct_nz_group"])
    if "pct_nz_reference" in expected:
        np.testing.assert_array_equal(ours["pct_nz_reference"], expected["pct_nz_reference"])


@pytest.mark.parametrize("method", ["t-test", "wilcoxon"])
@pytest.mark.parametrize("field", ["bulk_labels", "louvain"])
def test_each_label_against_the_rest_is_scanpys(pbmc: anndata.AnnData, method: str, field: str) -> None:
    viewer = show_anndata(pbmc)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small groups
        for label in pbmc.obs[field].cat.categories:
            found = viewer.compare({field: label}, method=method)
            expect_same(found, scanpy_says(pbmc, field, label, "rest", method))
    assert list(found.columns) == [*SCANPY_COLUMNS, "mean_group", "mean_reference"]
    assert found.attrs["matrix"] == "raw"
    assert found["scores"].is_monotonic_decreasing


@pytest.mark.parametrize("method", ["t-test", "wilcoxon"])
def test_a_file_says_what_memory_says_and_scanpy(pbmc: anndata.AnnData, tmp_path: Path, method: str) -> None:
    a, b = {"louvain": "0"}, {"louvain": "1"}
    expected = scanpy_says(pbmc, "louvain", "0", "1", method)
    in_memory = show_anndata(pbmc).compare(a, b, method=method)
    expect_same(in_memory, expected)
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad", compression="gzip")
    pbmc.write_zarr(tmp_path / "pbmc.zarr")
    for name in ("pbmc.h5ad", "pbmc.zarr"):
        pd.testing.assert_frame_equal(show_anndata(tmp_path / name).compare(a, b, method=method), in_memory)
    backed = anndata.read_h5ad(tmp_path / "pbmc.h5ad", backed="r")
    pd.testing.assert_frame_equal(show_anndata(backed).compare(a, b, method=method), in_memory)


def made() -> anndata.AnnData:
    """200 cells of 90 genes, sparse, with an all-zero and a constant gene."""
    rng = np.random.default_rng(3)
    values = np.log1p(rng.poisson(0.7, (200, 90))).astype(np.float32)
    values[:, 3], values[:, 4] = 0, 2
    adata = anndata.AnnData(sparse.csr_matrix(values))
    adata.obsm["X_umap"] = rng.normal(size=(200, 2))
    adata.obs["kind"] = pd.Categorical(np.where(np.arange(200) < 60, "few", "many"))
    return adata


def forms(values: Any) -> dict[str, Any]:
    import dask.array as da

    csr = values.tocsr()
    return {
        "csc": csr.tocsc(),
        "csr_array": sparse.csr_array(csr),
        "dense": csr.toarray(),
        "fortran": np.asfortranarray(csr.toarray()),
        "dask": da.from_array(csr.toarray(), chunks=(37, 90)),
        "wide": csr.astype(np.float64),
        "long indices": sparse.csr_matrix((csr.data, csr.indices.astype(np.int64), csr.indptr.astype(np.int64))),
        "doubled": sparse.csr_matrix(
            (np.repeat(csr.data / 2, 2), np.repeat(csr.indices, 2), csr.indptr * 2), shape=csr.shape
        ),
    }


@pytest.mark.parametrize("method", ["t-test", "wilcoxon"])
def test_every_form_of_a_matrix_has_the_same_scores(method: str) -> None:
    adata = made()
    expected = show_anndata(adata).compare({"kind": "few"}, method=method)
    for name, values in forms(adata.X).items():
        other = adata.copy()
        other.X = values
        before = other.X.copy()
        found = show_anndata(other).compare({"kind": "few"}, method=method)
        np.testing.assert_allclose(found["scores"], expected["scores"], atol=1e-6, err_msg=name)
        assert list(found["names"][:5]) == list(expected["names"][:5]), name
        if name == "doubled":
            assert len(other.X.data) == len(before.data), "the user's matrix was changed"


def test_of_a_view_its_own_cells_and_genes_are_compared() -> None:
    adata = made()
    rows, genes = np.arange(199, 20, -2), np.arange(80, 5, -3)
    for form in ("csr", "csc", "dense"):
        adata.X = {"csr": adata.X, "csc": sparse.csc_matrix(adata.X), "dense": made().X.toarray()}[form]
        view = adata[rows, genes]
        found = show_anndata(view).compare({"kind": "few"})
        pd.testing.assert_frame_equal(found, show_anndata(view.copy()).compare({"kind": "few"}))


def test_cells_may_be_given_in_every_way() -> None:
    adata = made()
    viewer = show_anndata(adata)
    mask = (adata.obs["kind"] == "few").to_numpy()
    expected = viewer.compare({"kind": "few"})
    for cells in (mask, np.flatnonzero(mask), list(adata.obs_names[mask]), adata[mask], adata.obs[mask]):
        pd.testing.assert_frame_equal(viewer.compare(cells), expected)
        pd.testing.assert_frame_equal(viewer.compare(cells, ~mask), expected)
    pd.testing.assert_frame_equal(viewer.compare({"kind": ["few"]}, {"kind": "many"}), expected)


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([], "rest", "Group a has no cells"),
        ([1], "rest", "Group a has one cell"),
        (range(200), "rest", "all cells"),
        (range(199), "rest", "Group b has one cell"),
        (range(10), [], "Group b has no cells"),
        (range(10), range(10), "the same cells"),
        (range(10), range(1, 200), "Group a has one cell without the 9 that are in both groups"),
        ({"kind": "fewer"}, "rest", '"few"'),
        ({"kin": "few"}, "rest", "kind"),
        ("few", "rest", "as {'louvain': 'few'}"),
        ({}, "rest", "one field of obs"),
    ],
)
def test_groups_that_cannot_be_compared_are_refused_in_words(a: Any, b: Any, words: str) -> None:
    with pytest.raises(errors.CellucidError, match=words.replace("{", "\\{")):
        show_anndata(made()).compare(a, b)


def test_what_cannot_be_computed_or_written_is_refused_in_words(tmp_path: Path) -> None:
    adata = made()
    viewer = show_anndata(adata)
    with pytest.raises(errors.UnknownLayerError, match="counts"):
        viewer.compare(range(9), layer="counts")
    with pytest.raises(errors.DataError, match="raw"):
        viewer.compare(range(9), use_raw=True)
    with pytest.raises(errors.ArgumentError, match="wilcoxon"):
        viewer.compare(range(9), method="wilcox")
    with pytest.raises(errors.ArgumentError, match="view"):
        show_anndata(adata[:100]).compare(range(9), key_added="found")
    adata.obs["found_groups"] = 1
    with pytest.raises(errors.DataError, match="found_groups"):
        viewer.compare(range(9), key_added="found")
    adata.write_h5ad(tmp_path / "made.h5ad")
    of_file = show_anndata(tmp_path / "made.h5ad")
    with pytest.raises(errors.ArgumentError, match="in memory"):
        of_file.compare(range(9), key_added="found")
    with pytest.raises(errors.UnknownLayerError, match="counts"):
        of_file.compare(range(9), layer="counts")


def test_overlap_counts_negatives_and_gaps_are_said() -> None:
    adata = made()
    adata.layers["counts"] = np.rint(np.expm1(adata.X.toarray()))
    adata.layers["scaled"] = adata.X.toarray() - 1
    adata.layers["gaps"] = np.where(np.arange(90) == 7, np.nan, adata.X.toarray())
    viewer = show_anndata(adata)
    with pytest.warns(UserWarning, match="10 cells are in both groups"):
        table = viewer.compare(range(60), range(50, 200))
    assert (table.attrs["n_group"], table.attrs["n_reference"], table.attrs["n_overlap"]) == (50, 140, 10)
    with pytest.warns(UserWarning, match="raw counts"):
        viewer.compare(range(60), layer="counts")
    with pytest.warns(UserWarning, match="no meaning"):
        viewer.compare(range(60), layer="scaled")
    for method in ("t-test", "wilcoxon"):
        with pytest.warns(UserWarning, match="1 gene has missing values"):
            gaps = viewer.compare(range(60), layer="gaps", method=method).set_index("names").loc["7"]
        assert (gaps["scores"], gaps["pvals"]) == (0, 1)
        assert np.isnan(gaps["logfoldchanges"])


@pytest.mark.parametrize("b", ["rest", {"louvain": "1"}, "cells"])
def test_all_of_scanpys_plots_read_what_key_added_writes(pbmc: anndata.AnnData, tmp_path: Path, b: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import scanpy as sc

    other = range(300, 500) if b == "cells" else b
    a = range(100) if b == "cells" else {"louvain": "0"}
    table = show_anndata(pbmc).compare(a, other, key_added="mine")
    side = pbmc.obs["mine_groups"].cat.categories[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for adata in (pbmc, _written(pbmc, tmp_path)):
            ours = sc.get.rank_genes_groups_df(adata, side, key="mine")
            named = table[ours.columns].set_index("names").loc[ours["names"]].reset_index()
            pd.testing.assert_frame_equal(ours, named, check_dtype=False, check_names=False)
            sc.pl.rank_genes_groups(adata, key="mine", show=False)
            for name in ("dotplot", "stacked_violin", "heatmap", "matrixplot", "tracksplot"):
                getattr(sc.pl, f"rank_genes_groups_{name}")(adata, key="mine", n_genes=3, show=False)
            if b == "rest":  # scanpy refuses where obs has a category that is no group of the result
                sc.pl.rank_genes_groups_dotplot(
                    adata, key="mine", n_genes=3, values_to_plot="logfoldchanges", show=False
                )
            sc.pl.rank_genes_groups_violin(adata, key="mine", n_genes=3, show=False)
            matplotlib.pyplot.close("all")
    show_anndata(pbmc).compare(a, other, key_added="mine")  # again, over its own column


def _written(adata: anndata.AnnData, folder: Path) -> anndata.AnnData:
    adata.write_h5ad(folder / "written.h5ad")
    return anndata.read_h5ad(folder / "written.h5ad")


def test_the_base_of_the_logarithm_is_taken_into_account(tmp_path: Path) -> None:
    adata = made()
    natural = show_anndata(adata).compare({"kind": "few"})
    adata.uns["log1p"] = {"base": 2}
    of_two = show_anndata(adata).compare({"kind": "few"})
    adata.write_h5ad(tmp_path / "made.h5ad")
    pd.testing.assert_frame_equal(show_anndata(tmp_path / "made.h5ad").compare({"kind": "few"}), of_two)
    assert not np.allclose(natural["logfoldchanges"], of_two["logfoldchanges"])


def test_an_interrupt_stops_the_servers_work(monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = show_anndata(made())
    expected = viewer.compare({"kind": "few"})
    released, asked = threading.Event(), []
    read_block = anndata_source.read_block

    def interrupted(*args: Any) -> Any:
        asked.append(args)
        if len(asked) == 1:
            _thread.interrupt_main()
            assert released.wait(60)
        return read_block(*args)

    monkeypatch.setattr(anndata_source, "read_block", interrupted)
    with pytest.raises(KeyboardInterrupt):
        viewer.compare({"kind": "few"}, method="wilcoxon")
    released.set()
    pd.testing.assert_frame_equal(viewer.compare({"kind": "few"}), expected)
    # Ranks take two passes over the blocks: the second was not asked for.
    assert len(asked) == 2


def test_what_takes_long_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, shown, closed = [], threading.Event(), []
    read_block = anndata_source.read_block

    class Bar:
        def __init__(self, cell: object) -> None:
            pass

        def draw(self, line_of: Any) -> None:
            drawn.append(line_of(80))
            shown.set()

        def close(self) -> None:
            closed.append(True)

    def slow(*args: Any) -> Any:
        assert shown.wait(60)
        return read_block(*args)

    monkeypatch.setattr(_comparison, "ProgressBar", Bar)
    monkeypatch.setattr(anndata_source, "read_block", slow)
    show_anndata(made()).compare({"kind": "few"})
    assert drawn[0] == f"Comparing two groups of cells [{' ' * 30}] 0 %"
    assert closed == [True]
    assert _comparison.progress_line(0.5, 200) == f"Comparing two groups of cells [{'#' * 15}{' ' * 15}] 50 %"
