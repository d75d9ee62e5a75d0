"""An AnnData in memory answers reads with exactly what it holds, whatever form it holds it in."""

from __future__ import annotations

import json
import threading
import time
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook import _expression
from cellucid_notebook._anndata import AnnDataSource
from cellucid_notebook._origin import layer_names
from cellucid_notebook._source_error import SourceReadError
from packaging.version import Version

RNG = np.random.default_rng(5)
COUNTS = (RNG.poisson(0.6, (40, 7)) * RNG.random((40, 7))).astype(np.float32)
INDEX = pd.Index([f"c{number}" for number in range(40)])


def make(x: Any = COUNTS, **obs: Any) -> anndata.AnnData:
    adata = anndata.AnnData(
        x, obs=pd.DataFrame(obs, index=INDEX), var=pd.DataFrame(index=[f"g{number}" for number in range(7)])
    )
    adata.obsm["X_umap"] = RNG.normal(size=(40, 2))
    return adata


def values_of(answer: tuple[dict[str, Any], bytes]) -> np.ndarray:
    """The column that an answer stands for, NaN where missing; codes as texts."""
    head, body = answer
    if head["form"] == "dense":
        return np.frombuffer(body, "<f4")
    if head["form"] == "sparse":
        rows = np.frombuffer(body[: 4 * head["nnz"]], "<u4")
        assert (np.diff(rows.astype(int)) > 0).all(), "ascending and unique"
        dense = np.zeros(head["n"], np.float32)
        dense[rows] = np.frombuffer(body[4 * head["nnz"] :], "<f4")
        return dense
    codes = np.frombuffer(body, "<u1" if head["width"] == 1 else "<u2")
    missing = 255 if head["width"] == 1 else 65535
    return np.array([None if code == missing else head["categories"][code] for code in codes], dtype=object)


def obs(adata: anndata.AnnData, key: str) -> tuple[dict[str, Any], bytes]:
    return AnnDataSource(adata).read({"what": "obs", "key": key})


def gene(source: AnnDataSource, index: int, layer: str | None = None) -> np.ndarray:
    return values_of(source.read({"what": "var", "index": index, "layer": layer}))


MATRICES = {
    "dense": COUNTS,
    "fortran": np.asfortranarray(COUNTS),
    "f64": COUNTS.astype(np.float64),
    "int": np.ceil(COUNTS).astype(np.int32),
    "csr": sp.csr_matrix(COUNTS),
    "csc": sp.csc_matrix(COUNTS),
}
if Version(version("anndata")) >= Version("0.11"):  # earlier ones refuse sparse arrays
    MATRICES |= {"csr_array": sp.csr_array(COUNTS), "csc_array": sp.csc_array(COUNTS)}


@pytest.mark.parametrize("form", MATRICES)
@pytest.mark.parametrize("is_view", [False, True])
def test_every_gene_of_every_matrix(form: str, is_view: bool) -> None:
    adata = make(MATRICES[form])
    adata.layers["half"] = MATRICES[form] / 2
    adata.raw = adata
    if is_view:
        adata = adata[[5, 3, 3, 39], [6, 0, 2]]
    source = AnnDataSource(adata)
    expected = adata.X.toarray() if sp.issparse(adata.X) else adata.X
    for index in range(adata.n_vars):
        np.testing.assert_allclose(gene(source, index), expected[:, index], rtol=1e-6)
        np.testing.assert_allclose(gene(source, index, "half"), expected[:, index] / 2, rtol=1e-6)
    raw = adata.raw.X.toarray() if sp.issparse(adata.raw.X) else adata.raw.X
    for index in range(adata.raw.n_vars):
        np.testing.assert_allclose(gene(source, index, "raw"), raw[:, index], rtol=1e-6)


def test_a_sparse_matrix_answers_sparse() -> None:
    for form in ("csr", "csc"):
        head, _ = AnnDataSource(make(MATRICES[form])).read({"what": "var", "index": 0, "layer": None})
        assert head["form"] == "sparse"
        assert head["nnz"] == np.count_nonzero(COUNTS[:, 0])


def test_unsorted_and_double_entries_are_summed_as_scipy_does() -> None:
    matrix = sp.csc_matrix((np.array([1, 2, 4, 8], "f4"), np.array([5, 3, 5, 0]), np.array([0, 4] + [4] * 6)), (40, 7))
    matrix.has_sorted_indices = False
    adata = make()
    adata.layers["odd"] = matrix
    expected = np.zeros(40)
    expected[[0, 3, 5]] = 8, 2, 5
    np.testing.assert_array_equal(gene(AnnDataSource(adata), 0, "odd"), expected)


def test_a_matrix_by_cell_gets_one_copy_by_gene_and_answers_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = sp.csr_matrix(COUNTS)
    built, go = threading.Event(), threading.Event()
    convert = matrix.tocsc

    def slow() -> Any:
        go.wait(10)
        copy = convert()
        built.set()
        return copy

    monkeypatch.setattr(matrix, "tocsc", slow, raising=False)
    adata = make()
    adata.layers["by cell"] = matrix
    adata.layers._data["by cell"] = matrix  # anndata may have copied it
    source = AnnDataSource(adata)
    np.testing.assert_array_equal(gene(source, 2, "by cell"), COUNTS[:, 2])
    go.set()
    assert built.wait(10)
    while source._genes._copies["layers/by cell"][1] is None:
        time.sleep(0.001)
    np.testing.assert_array_equal(gene(source, 3, "by cell"), COUNTS[:, 3])


def test_no_copy_is_made_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_expression, "free_memory", lambda: 100)
    others = set(threading.enumerate())
    source = AnnDataSource(make(sp.csr_matrix(COUNTS)))
    np.testing.assert_array_equal(gene(source, 2), COUNTS[:, 2])
    assert source._genes._copies["X"][1] is None
    assert not [thread for thread in set(threading.enumerate()) - others if thread.name == "cellucid-genes"]


def test_embeddings_are_read_by_rows_and_columns() -> None:
    adata = make()
    full = RNG.normal(size=(40, 5))
    adata.obsm["X_pca"] = full
    adata.obsm["frame"] = pd.DataFrame(full[:, :3], index=INDEX, columns=list("abc"))
    adata.obsm["sparse"] = sp.csr_matrix(full)
    source = AnnDataSource(adata)
    for key, columns in (("X_pca", 3), ("frame", 2), ("sparse", 2)):
        head, body = source.read({"what": "obsm", "key": key, "columns": columns, "start": 10, "end": 25})
        assert (head["rows"], head["columns"]) == (15, columns)
        np.testing.assert_allclose(np.frombuffer(body, "<f4").reshape(15, columns), full[10:25, :columns], rtol=1e-6)
    view = AnnDataSource(adata[[7, 1, 1]])
    head, body = view.read({"what": "obsm", "key": "X_pca", "columns": 2, "start": 0, "end": 3})
    np.testing.assert_allclose(np.frombuffer(body, "<f4").reshape(3, 2), full[[7, 1, 1], :2], rtol=1e-6)


@pytest.mark.parametrize(
    ("values", "kind", "categories", "expected"),
    [
        (
            pd.Categorical(["b", "a", None, "b"] * 10, categories=["b", "a", "never"]),
            "categorical",
            ["b", "a", "never"],
            ["b", "a", None, "b"],
        ),
        (pd.Categorical([3, 1, None, 3] * 10), "categorical", ["1", "3"], ["3", "1", None, "3"]),
        (pd.Categorical([0.5, 2.0, 0.5, 2.0] * 10), "categorical", ["0.5", "2"], ["0.5", "2", "0.5", "2"]),
        ([True, False, True, True] * 10, "categorical", ["False", "True"], ["True", "False", "True", "True"]),
        (
            pd.array([True, None, False, True] * 10, dtype="boolean"),
            "categorical",
            ["False", "True"],
            ["True", None, "False", "True"],
        ),
        (np.array(["y", "x", None, "y"] * 10, dtype=object), "categorical", ["x", "y"], ["y", "x", None, "y"]),
        (pd.array(["y", "x", None, "y"] * 10, dtype="string"), "categorical", ["x", "y"], ["y", "x", None, "y"]),
        (
            pd.to_datetime(["2024-05-01", "2023-01-01", None, "2024-05-01"] * 10),
            "date",
            ["2023-01-01", "2024-05-01"],
            ["2024-05-01", "2023-01-01", None, "2024-05-01"],
        ),
        (pd.to_datetime(["2024-05-01 10:30"] * 40), "date", ["2024-05-01T10:30:00"], ["2024-05-01T10:30:00"] * 4),
    ],
)
def test_columns_of_names(values: Any, kind: str, categories: list[str], expected: list[Any]) -> None:
    adata = make(column=values)
    head, body = obs(adata, "column")
    assert head["categories"] == categories
    assert values_of((head, body)).tolist() == expected * 10
    assert kind_of(adata, "column") == kind


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.arange(40, dtype=np.int8), np.arange(40)),
        (np.arange(40, dtype=np.uint64), np.arange(40)),
        (np.linspace(0, 1, 40), np.linspace(0, 1, 40)),
        ([np.nan, np.inf, -np.inf, 1] * 10, [np.nan, np.inf, -np.inf, 1] * 10),
        (pd.array([1, None, 3, 4] * 10, dtype="Int64"), [1, np.nan, 3, 4] * 10),
        (pd.array([1.5, None, 3, 4] * 10, dtype="Float32"), [1.5, np.nan, 3, 4] * 10),
        (np.array([1, 2.5, None, 4] * 10, dtype=object), [1, 2.5, np.nan, 4] * 10),
    ],
)
def test_columns_of_numbers(values: Any, expected: Any) -> None:
    adata = make(column=values)
    head, body = obs(adata, "column")
    assert head["form"] == "dense"
    np.testing.assert_array_equal(values_of((head, body)), np.asarray(expected, dtype=np.float32))
    assert kind_of(adata, "column") == "continuous"


def test_many_categories_get_two_bytes_a_cell() -> None:
    count = 300
    adata = anndata.AnnData(
        np.zeros((count, 1), "f4"), obs=pd.DataFrame({"many": pd.Categorical([f"t{i:03}" for i in range(count)])})
    )
    adata.obs.iloc[7, 0] = None
    head, body = obs(adata, "many")
    assert head["width"] == 2
    assert values_of((head, body))[[0, 7, 299]].tolist() == ["t000", None, "t299"]


def test_order_and_colours_of_categories_travel() -> None:
    adata = make(stage=pd.Categorical(["early", "late"] * 20, categories=["early", "late"], ordered=True))
    adata.uns["stage_colors"] = np.array(["#ff0000", "teal"])
    head, _ = obs(adata, "stage")
    assert head["ordered"] is True
    assert head["colors"] == ["#ff0000", "teal"]


def test_names_of_cells_are_listed_and_not_sent() -> None:
    adata = make(barcode=np.array([f"AAAC-{number}" for number in range(40)], dtype=object))
    assert kind_of(adata, "barcode") == "identifier"
    with pytest.raises(SourceReadError, match="text of its own"):
        obs(adata, "barcode")


def test_two_million_different_texts_are_listed_and_not_sent() -> None:
    count = 2_000_000
    obs_table = pd.DataFrame({"read": np.char.add("r", np.arange(count).astype(str)).astype(object)})
    obs_table["donor"] = np.array(["d1", "d2", "d3", "d4"] * (count // 4), dtype=object)
    obs_table["clone"] = np.array([f"c{i}" for i in range(5_000)] * (count // 5_000), dtype=object)
    adata = anndata.AnnData(obs=obs_table, obsm={"X_umap": np.zeros((count, 2), "f4")})
    fields = {field["key"]: field["kind"] for field in describe(adata)["obs"]}
    assert fields == {"read": "identifier", "donor": "categorical", "clone": "categorical"}
    with pytest.raises(SourceReadError, match="text of its own"):
        obs(adata, "read")


def test_what_cannot_be_shown_says_why_and_the_rest_stays_usable() -> None:
    adata = make(z=np.arange(40) * 1j, wait=pd.to_timedelta(np.arange(40), "h"), group=pd.Categorical(["a", "b"] * 20))
    fields = {field["key"]: field for field in describe(adata)["obs"]}
    assert (fields["z"]["kind"], "complex" in fields["z"]["reason"]) == ("unsupported", True)
    assert (fields["wait"]["kind"], "durations" in fields["wait"]["reason"]) == ("unsupported", True)
    assert fields["group"]["kind"] == "categorical"
    with pytest.raises(SourceReadError, match="complex numbers"):
        obs(adata, "z")


def test_two_columns_of_one_name_do_not_hide_the_others() -> None:
    adata = make(group=pd.Categorical(["a", "b"] * 20))
    adata.obs = pd.concat(
        [adata.obs, adata.obs.rename(columns={"group": "twin"}), adata.obs.rename(columns={"group": "twin"})], axis=1
    )
    kinds = {field["key"]: field["kind"] for field in describe(adata)["obs"]}
    assert kinds == {"group": "categorical", "twin": "unsupported"}


def test_names_of_genes_and_cells() -> None:
    adata = make()
    adata.var["symbol"] = ["A", "B", None, "D", "E", "F", "G"]
    adata.raw = adata
    adata = adata[:, 2:].copy()
    source = AnnDataSource(adata)

    def names(**question: Any) -> list[str]:
        return json.loads(source.read(question)[1])

    assert names(what="varNames", column=None, layer=None) == ["g2", "g3", "g4", "g5", "g6"]
    assert names(what="varNames", column="symbol", layer=None) == ["g2", "D", "E", "F", "G"]
    assert len(names(what="varNames", column=None, layer="raw")) == 7
    assert names(what="obsNames", start=3, end=5) == ["c3", "c4"]


def test_a_replaced_column_is_another_version_and_an_untouched_one_is_not() -> None:
    adata = make(group=pd.Categorical(["a", "b"] * 20), size=np.arange(40.0))
    adata.uns["group_colors"] = ["red", "blue"]
    source = AnnDataSource(adata)

    def versions() -> dict[str, str]:
        described = source.read({"what": "describe"})[0]
        return {"all": described["version"], **{field["key"]: field["version"] for field in described["obs"]}}

    first = versions()
    assert versions() == first
    adata.obs["new"] = 1
    second = versions()
    assert (second["all"] != first["all"], second["group"], second["size"]) == (True, first["group"], first["size"])
    adata.uns["group_colors"] = ["red", "green"]
    third = versions()
    assert (third["group"] != second["group"], third["size"]) == (True, second["size"])
    adata.obs["group"] = adata.obs["group"].cat.rename_categories({"a": "A"})
    assert versions()["group"] != third["group"]
    adata.obsm["X_umap"] = adata.obsm["X_umap"].copy()
    fourth = versions()
    assert fourth["all"] != third["all"]
    del adata.obs["new"]
    adata.obs["other"] = 1
    assert versions()["all"] != fourth["all"], "as many columns, none replaced"


def test_the_views_of_an_unchanged_parent_keep_their_versions() -> None:
    adata = make(sp.csr_matrix(COUNTS))[3:30, :5]
    source = AnnDataSource(adata)
    first = source.read({"what": "describe"})[0]
    assert source.read({"what": "describe"})[0] == first
    assert adata.is_view, "reading a view does not turn it into a copy"


def test_other_cells_are_changed_other_columns_are_not() -> None:
    adata = make()
    source = AnnDataSource(adata)
    adata.obs_names = adata.obs_names.copy()
    source.read({"what": "describe"})
    adata.obs_names = [f"x{number}" for number in range(40)]
    with pytest.raises(SourceReadError, match="other cells than when it was shown") as caught:
        source.read({"what": "describe"})
    assert caught.value.code == "changed"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ({"what": "obs", "key": "none"}, "unknown_column"),
        ({"what": "var", "index": 7, "layer": None}, "unknown_column"),
        ({"what": "var", "index": -1, "layer": None}, "unknown_column"),
        ({"what": "var", "index": 0, "layer": "none"}, "not_found"),
        ({"what": "var", "index": 0, "layer": "raw"}, "not_found"),
        ({"what": "varNames", "column": "none", "layer": None}, "not_found"),
        ({"what": "obsm", "key": "none", "columns": 2, "start": 0, "end": 1}, "unknown_embedding"),
        ({"what": "future"}, "bad_request"),
    ],
)
def test_what_is_not_there_has_a_code_and_a_sentence(question: dict[str, Any], code: str) -> None:
    with pytest.raises(SourceReadError) as caught:
        AnnDataSource(make()).read(question)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_an_embedding_of_words_is_refused_by_its_name() -> None:
    adata = make()
    adata.obsm["words"] = pd.DataFrame({"a": "x", "b": "y"}, index=INDEX)
    with pytest.raises(SourceReadError, match=r"adata\.obsm\['words'\] cannot place the cells: it holds no numbers"):
        AnnDataSource(adata).read({"what": "obsm", "key": "words", "columns": 2, "start": 0, "end": 40})


def test_an_empty_x_says_which_layers_there_are() -> None:
    adata = make()
    adata.layers["counts"] = COUNTS
    adata.X = None
    source = AnnDataSource(adata)
    assert source.read({"what": "describe"})[0]["hasX"] is False
    with pytest.raises(SourceReadError, match=r"Layers: counts\. Show one of them with layer="):
        source.read({"what": "var", "index": 0, "layer": None})


def describe(adata: anndata.AnnData) -> dict[str, Any]:
    return AnnDataSource(adata).read({"what": "describe"})[0]


def kind_of(adata: anndata.AnnData, key: str) -> str:
    return next(field["kind"] for field in describe(adata)["obs"] if field["key"] == key)


def test_a_layer_without_a_name_is_x_itself_and_not_listed() -> None:
    """As anndata 0.13 has it."""
    matrix = np.eye(3)
    assert layer_names(SimpleNamespace(layers={None: matrix, "counts": matrix})) == ["counts"]  # type: ignore[arg-type]
