"""What was changed in place is another version, though it is the same memory; what was not changed is the same one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anndata
import numpy as np
import pandas as pd
import pytest
import scanpy
import scipy.sparse as sp
from cellucid_notebook._arrays.fingerprint import fingerprint
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._data.anndata_source import AnnDataSource

CELLS, GENES = 200, 60
FORMS: dict[str, Callable[[Any], Any]] = {"csr": sp.csr_matrix, "csc": sp.csc_matrix, "dense": lambda x: x.toarray()}
Adata = anndata.AnnData


def make(form: str = "csr") -> Adata:
    rng = np.random.default_rng(1)
    counts = sp.random(CELLS, GENES, 0.4, "csr", np.float32, rng, data_rvs=lambda n: rng.integers(1, 9, n))
    adata = anndata.AnnData(
        FORMS[form](counts),
        obs=pd.DataFrame(
            {"score": rng.normal(size=CELLS), "kind": pd.Categorical(rng.choice(["a", "b"], CELLS))},
            index=[f"c{i}" for i in range(CELLS)],
        ),
        var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]),
        obsm={"X_umap": rng.normal(size=(CELLS, 2))},
        layers={"counts": FORMS[form](counts.copy())},
    )
    adata.uns["kind_colors"] = ["#ff0000", "#0000ff"]
    adata.raw = adata.copy()
    return adata


def described(source: AnnDataSource) -> dict[str, str]:
    return dict(source._part_versions())


def changed(source: AnnDataSource, before: dict[str, str]) -> set[str]:
    after = described(source)
    return {name for name in {*before, *after} if before.get(name) != after.get(name)}


def _assign(adata: Adata) -> None:
    adata.X[:, :30] = 3


def _add(adata: Adata) -> None:
    values = adata.X.data if sp.issparse(adata.X) else adata.X
    values += 1


def _obs(adata: Adata) -> None:
    adata.obs["score"].to_numpy()[:] *= -1


def _umap(adata: Adata) -> None:
    adata.obsm["X_umap"] *= 2


def _rename(adata: Adata) -> None:
    adata.obs["kind"] = adata.obs["kind"].cat.rename_categories({"a": "z"})


def _color(adata: Adata) -> None:
    adata.uns["kind_colors"][0] = "#00ff00"


def _layer(adata: Adata) -> None:
    adata.layers["counts"][:] = adata.layers["counts"] * 2


def _raw(adata: Adata) -> None:
    adata.raw = scanpy.pp.log1p(adata, copy=True)


def _genes(adata: Adata) -> None:
    adata.var_names = [*adata.var_names[1:], adata.var_names[0]]


MATRICES = {"matrix/X", "matrix/layers/counts"}
ALL = {*MATRICES, "matrix/raw", "obs/score", "obs/kind", "obsm/X_umap"}
IN_PLACE: list[tuple[Callable[[Adata], Any], set[str]]] = [
    (scanpy.pp.log1p, {"matrix/X"}),
    (scanpy.pp.normalize_total, {"matrix/X"}),
    (scanpy.pp.scale, {"matrix/X"}),
    (lambda adata: scanpy.pp.regress_out(adata, "score"), {"matrix/X"}),
    # anndata copies all that it keeps: other arrays are other versions, whatever they hold.
    (lambda adata: scanpy.pp.filter_genes(adata, min_cells=82), ALL),
    (_genes, MATRICES),
    (_assign, {"matrix/X"}),
    (_add, {"matrix/X"}),
    (_obs, {"obs/score"}),
    (_umap, {"obsm/X_umap"}),
    (_rename, {"obs/kind"}),
    (_color, {"obs/kind"}),
    (_layer, {"matrix/layers/counts"}),
    (_raw, {"matrix/raw"}),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("change", "parts"), IN_PLACE)
@pytest.mark.filterwarnings("ignore")
def test_what_changes_in_place_has_another_version_and_nothing_else_has(
    form: str, change: Callable[[Adata], Any], parts: set[str]
) -> None:
    adata = make(form)
    source = AnnDataSource(adata)
    before = described(source)
    assert described(source) == before
    change(adata)
    found = changed(source, before)
    assert {part for part in found if part in before and not part.startswith(("names", "var/"))} == parts


def test_a_change_that_no_sample_sees_is_seen_when_all_begins_anew() -> None:
    adata = make()
    source = AnnDataSource(adata)
    read = {"what": "var", "index": 0, "matrix": {"in": "X"}}
    version, before = source.read(read)[0]["version"], described(source)
    source.begin_anew()
    assert changed(source, before) == set(before)
    assert source.read(read)[0]["version"] != version


def test_a_change_in_the_middle_of_a_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    adata = make("dense")
    source = AnnDataSource(adata)
    read = source._genes.read

    def torn(*args: Any) -> Any:
        answer = read(*args)
        adata.X *= 2
        return answer

    monkeypatch.setattr(source._genes, "read", torn)
    with pytest.raises(SourceReadError, match="changed while it was read"):
        source.read({"what": "var", "index": 0, "matrix": {"in": "X"}})


def test_who_looks_hears_of_every_change_once() -> None:
    adata = make()
    source = AnnDataSource(adata)
    assert (source.has_changed(1), source.has_changed(1)) == (True, False)
    adata.obs["new"] = 1
    source.read({"what": "describe"})
    assert (source.has_changed(1), source.has_changed(1)) == (True, False)


def test_a_look_that_ends_early_has_been_at_the_columns_that_were_read() -> None:
    source = AnnDataSource(make())
    assert [*described(source)][-2:] == ["obs/score", "obs/kind"]
    source.read({"what": "obs", "key": "kind"})
    assert [*described(source)][-2:] == ["obs/kind", "obs/score"]
    before = source.read({"what": "describe"})[0]["version"]
    source.read({"what": "obs", "key": "score"})
    assert source.read({"what": "describe"})[0]["version"] == before


def test_a_matrix_that_stayed_in_its_file_is_not_read(tmp_path: Any) -> None:
    adata = make()
    adata.write_h5ad(tmp_path / "a.h5ad")
    backed = anndata.read_h5ad(tmp_path / "a.h5ad", backed="r+")
    assert fingerprint(backed.X) is None
    backed.file.close()


def test_looking_at_a_large_dataset_takes_no_time_that_grows_with_it() -> None:
    cells = 1_000_000
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 2000, cells * 5).astype(np.int32)
    x = sp.csr_matrix((rng.random(cells * 5, np.float32), columns, np.arange(0, cells * 5 + 1, 5)), (cells, 2000))
    adata = anndata.AnnData(x, obsm={"X_umap": rng.random((cells, 2))})
    for number in range(10):
        adata.obs[f"n{number}"] = rng.random(cells)
    source = AnnDataSource(adata)
    described(source)
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        described(source)
        times.append(time.perf_counter() - begin)
    # It takes about 1 ms; to read the values once would take over 10.
    assert min(times) < 0.005
