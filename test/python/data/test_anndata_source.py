"""An AnnData in memory answers reads with exactly what it holds, whatever form it holds it in."""

from __future__ import annotations

import json
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import anndata
import matplotlib as mpl
import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._data.anndata_source import AnnDataSource
from cellucid_notebook._data.origin import layer_names
from column_answers import places_of, values_of
from packaging.version import Version

RNG = np.random.default_rng(5)
X = {"in": "X"}
RAW = {"in": "raw"}
COUNTS = (RNG.poisson(0.6, (40, 7)) * RNG.random((40, 7))).astype(np.float32)
INDEX = pd.Index([f"c{number}" for number in range(40)])


def make(x: Any = COUNTS, **obs: Any) -> anndata.AnnData:
    adata = anndata.AnnData(
        x, obs=pd.DataFrame(obs, index=INDEX), var=pd.DataFrame(index=[f"g{number}" for number in range(7)])
    )
    adata.obsm["X_umap"] = RNG.normal(size=(40, 2))
    return adata


def obs(adata: anndata.AnnData, key: str) -> tuple[dict[str, Any], bytes]:
    return AnnDataSource(adata).read({"what": "obs", "key": key})


def gene(source: AnnDataSource, index: int, layer: str | None = None) -> np.ndarray:
    matrix = X if layer is None else RAW if layer == "raw" else {"in": "layers", "layer": layer}
    return values_of(source.read({"what": "var", "index": index, "matrix": matrix}))


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
        head, _ = AnnDataSource(make(MATRICES[form])).read({"what": "var", "index": 0, "matrix": X})
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


def test_embeddings_are_read_by_rows_and_columns() -> None:
    adata = make()
    full = RNG.normal(size=(40, 5))
    adata.obsm["X_pca"] = full
    adata.obsm["frame"] = pd.DataFrame(full[:, :3], index=INDEX, columns=list("abc"))
    adata.obsm["sparse"] = sp.csr_matrix(full)
    source = AnnDataSource(adata)
    for key, columns in (("X_pca", 3), ("frame", 2), ("sparse", 2)):
        places = places_of(source.read({"what": "obsm", "key": key, "columns": columns, "start": 10, "end": 25}))
        np.testing.assert_array_equal(places, full[10:25, :columns])
    view = AnnDataSource(adata[[7, 1, 1]])
    places = places_of(view.read({"what": "obsm", "key": "X_pca", "columns": 2, "start": 0, "end": 3}))
    np.testing.assert_array_equal(places, full[[7, 1, 1], :2])


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
        (pd.Categorical([0.5, 2.0, 0.5, 2.0] * 10), "categorical", ["0.5", "2.0"], ["0.5", "2.0", "0.5", "2.0"]),
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

    assert names(what="varNames", column=None, table="var") == ["g2", "g3", "g4", "g5", "g6"]
    assert names(what="varNames", column="symbol", table="var") == ["g2", "D", "E", "F", "G"]
    assert len(names(what="varNames", column=None, table="raw")) == 7
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
        ({"what": "var", "index": 7, "matrix": X}, "unknown_column"),
        ({"what": "var", "index": -1, "matrix": X}, "unknown_column"),
        ({"what": "var", "index": 0, "matrix": {"in": "layers", "layer": "raw"}}, "unknown_layer"),
        ({"what": "var", "index": 0, "matrix": RAW}, "not_found"),
        ({"what": "varNames", "column": "none", "table": "var"}, "not_found"),
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
    described = source.read({"what": "describe"})[0]["matrices"]
    assert [entry["matrix"] for entry in described] == [{"in": "layers", "layer": "counts"}]
    with pytest.raises(SourceReadError, match=r"Layers: counts\. Show one of them with layer="):
        source.read({"what": "var", "index": 0, "matrix": X})


def describe(adata: anndata.AnnData) -> dict[str, Any]:
    return AnnDataSource(adata).read({"what": "describe"})[0]


def kind_of(adata: anndata.AnnData, key: str) -> str:
    return next(field["kind"] for field in describe(adata)["obs"] if field["key"] == key)


def test_a_layer_without_a_name_is_x_itself_and_not_listed() -> None:
    """As anndata 0.13 has it."""
    matrix = np.eye(3)
    assert layer_names(SimpleNamespace(layers={None: matrix, "counts": matrix})) == ["counts"]  # type: ignore[arg-type]


def test_the_embedding_that_the_dataset_says_to_show_first_is_told() -> None:
    adata = make()
    source = AnnDataSource(adata)
    first, _ = source.read({"what": "describe"})
    adata.uns["default_embedding"] = np.str_("X_umap")
    second, _ = source.read({"what": "describe"})
    assert (first["defaultEmbedding"], second["defaultEmbedding"]) == (None, "X_umap")
    assert first["version"] != second["version"]


def test_nullable_and_object_columns_place_the_cells() -> None:
    adata = make()
    columns = {"a": pd.array([1, None] * 20, dtype="Int64"), "b": pd.array([0.5] * 40, dtype="Float64")}
    adata.obsm["nullable"] = pd.DataFrame(columns, index=INDEX)
    adata.obsm["objects"] = np.ones((40, 2), dtype=object)
    source = AnnDataSource(adata)
    described = {entry["key"]: entry for entry in source.read({"what": "describe"})[0]["obsm"]}
    assert "reason" not in described["nullable"]
    assert "reason" not in described["objects"]
    places = places_of(source.read({"what": "obsm", "key": "nullable", "columns": 2, "start": 0, "end": 2}))
    np.testing.assert_array_equal(places, [[1, 0.5], [np.nan, 0.5]])


def test_other_colors_in_the_settings_of_matplotlib_are_another_version() -> None:
    adata = make(group=pd.Categorical(["a", "b"] * 20), colored=pd.Categorical(["a", "b"] * 20))
    adata.uns["colored_colors"] = ["red", "blue"]
    source = AnnDataSource(adata)
    before, _ = source.read({"what": "describe"})
    with mpl.rc_context({"axes.prop_cycle": mpl.cycler(color=["red", "#00f"])}):
        after, _ = source.read({"what": "describe"})
    assert (before["colorCycle"][0], after["colorCycle"]) == ("#1f77b4", ["#ff0000", "#0000ff"])
    versions = [{field["key"]: field["version"] for field in described["obs"]} for described in (before, after)]
    assert versions[0]["group"] != versions[1]["group"]
    assert versions[0]["colored"] == versions[1]["colored"]


def test_colors_of_every_form_are_sent_as_they_stand() -> None:
    adata = make(group=pd.Categorical(["a", "b", "c", "d"] * 10))
    for stored, sent in [
        (["red", "#00F"], ["red", "#00F"]),
        ([(1, 0, 0.5), np.array([0.25, 0, 1])], [[1.0, 0.0, 0.5], [0.25, 0.0, 1.0]]),
        ([("red", 0.5), ["red", 0.5]], [["red", 0.5], None]),
        (np.array(["red", "blue"]), ["red", "blue"]),
        ({"a": "red"}, ["a"]),
        ("rgb", ["r", "g", "b"]),
        ([None, float("nan"), (0.1, float("nan"), 0), (1, 2)], [None, None, None, None]),
        (3, []),
    ]:
        adata.uns["group_colors"] = stored
        assert AnnDataSource(adata).read({"what": "obs", "key": "group"})[0]["colors"] == sent


def test_a_wide_table_is_described_without_asking_it_for_attributes(monkeypatch):
    """A DataFrame looks for each among its columns: of thousands of fields that was a fifth of the time."""
    asked: list[str] = []

    def ask(table, name):
        asked.append(name)
        return found(table, name)

    def attributes_asked(columns):
        obs = pd.DataFrame({f"field {i}": np.arange(9.0) for i in range(columns)}, index=list("abcdefghi"))
        source = AnnDataSource(anndata.AnnData(np.ones((9, 2)), obs=obs))
        asked.clear()
        head, _ = source.read({"what": "describe"})
        assert len(head["obs"]) == columns
        return len(asked)

    found = pd.DataFrame.__getattr__
    monkeypatch.setattr(pd.DataFrame, "__getattr__", ask)
    assert attributes_asked(40) == attributes_asked(20)
