"""Whatever holds the values of an AnnData, a page gets what anndata itself reads from it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import zarr
from cellucid_notebook._arrays.array_parts import StoredValues, read_column, read_rows, shape_of
from cellucid_notebook._arrays.kept_blocks import KeptBlocks
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._arrays.turn import AbandonedError, no_turn
from cellucid_notebook._data.anndata_source import AnnDataSource
from column_answers import places_of, values_of

da = pytest.importorskip("dask.array")
RNG = np.random.default_rng(11)
COUNTS = RNG.poisson(0.7, (60, 12)).astype(np.float32)
CELLS = pd.Index([f"c{number}" for number in range(60)])
GENES = pd.Index([f"g{number}" for number in range(12)])
#: As a view may name them: in any order, one twice.
ROWS, COLUMNS = [5, 3, 3, 40], [7, 0]


def blocks_of(make: Any, rows: int, columns: int) -> Any:
    return da.from_array(COUNTS, chunks=(rows, columns)).map_blocks(make, dtype=np.float32, meta=make((0, 0)))


def in_file(folder: Path, make: Any) -> Any:
    anndata.AnnData(make(COUNTS)).write_h5ad(folder / "stored.h5ad")
    return anndata.io.sparse_dataset(h5py.File(folder / "stored.h5ad")["X"])


def in_store(folder: Path, make: Any) -> Any:
    anndata.AnnData(make(COUNTS)).write_zarr(folder / "stored.zarr")
    return anndata.io.sparse_dataset(zarr.open(folder / "stored.zarr", mode="r")["X"])


def zarr_array(folder: Path) -> Any:
    array = zarr.open_array(str(folder / "z"), mode="w", shape=COUNTS.shape, chunks=(9, 4), dtype="f4")
    array[...] = COUNTS
    return array


MATRICES = {
    "dask with dense chunks, split over genes": lambda _: da.from_array(COUNTS, chunks=(7, 5)),
    "dask with chunks of all genes": lambda _: da.from_array(COUNTS, chunks=(7, 12)),
    "dask in one chunk": lambda _: da.from_array(COUNTS, chunks=-1),
    "dask of whole numbers": lambda _: da.from_array(COUNTS.astype(int), chunks=(7, 5)),
    "dask with CSR chunks": lambda _: blocks_of(sp.csr_matrix, 20, 12),
    "dask with CSC chunks": lambda _: blocks_of(sp.csc_matrix, 7, 5),
    "dask with chunks of sparse arrays": lambda _: blocks_of(sp.csr_array, 7, 5),
    "h5py, chunked": lambda folder: h5py.File(folder / "a.h5", "w").create_dataset("a", data=COUNTS, chunks=(9, 4)),
    "h5py, in one piece": lambda folder: h5py.File(folder / "a.h5", "w").create_dataset("a", data=COUNTS),
    "zarr": zarr_array,
    "CSR in a file": lambda folder: in_file(folder, sp.csr_matrix),
    "CSC in a file": lambda folder: in_file(folder, sp.csc_matrix),
    "CSR in a store": lambda folder: in_store(folder, sp.csr_matrix),
    "CSC in a store": lambda folder: in_store(folder, sp.csc_matrix),
    "a sparse array": lambda _: sp.csr_array(COUNTS),
    "np.matrix": lambda _: np.matrix(COUNTS),
}


def wire(layer: str | None) -> dict[str, str]:
    return {"in": "X"} if layer is None else {"in": "raw"} if layer == "raw" else {"in": "layers", "layer": layer}


def gene(source: AnnDataSource, index: int, layer: str | None = None) -> np.ndarray:
    return values_of(source.read({"what": "var", "index": index, "matrix": wire(layer)}))


def embedding(source: AnnDataSource, key: str, columns: int, start: int, end: int) -> np.ndarray:
    question = {"what": "obsm", "key": key, "columns": columns, "start": start, "end": end}
    return places_of(source.read(question))


@pytest.mark.parametrize("name", MATRICES)
@pytest.mark.parametrize("is_view", [False, True])
def test_genes_and_positions_are_those_of_the_array(name: str, is_view: bool, tmp_path: Path) -> None:
    adata = anndata.AnnData(COUNTS, obs=pd.DataFrame(index=CELLS), var=pd.DataFrame(index=GENES))
    matrix = MATRICES[name](tmp_path)
    adata.X = matrix
    adata.layers["same"] = matrix
    adata.obsm["X_umap"] = matrix
    expected = COUNTS[ROWS][:, COLUMNS] if is_view else COUNTS
    positions = COUNTS[ROWS] if is_view else COUNTS
    source = AnnDataSource(adata[ROWS, COLUMNS] if is_view else adata)
    described = source.read({"what": "describe"})[0]
    assert [(entry["key"], entry["columns"]) for entry in described["obsm"]] == [("X_umap", 12)]
    for index in range(expected.shape[1]):
        np.testing.assert_array_equal(gene(source, index), expected[:, index])
        np.testing.assert_array_equal(gene(source, index, "same"), expected[:, index])
    np.testing.assert_array_equal(embedding(source, "X_umap", 2, 1, len(positions)), positions[1:, :2])


def test_raw_may_be_dask_too() -> None:
    adata = anndata.AnnData(da.from_array(COUNTS, chunks=(7, 5)), var=pd.DataFrame(index=GENES))
    adata.raw = adata
    adata = adata[:, :3].copy()
    np.testing.assert_array_equal(gene(AnnDataSource(adata), 9, "raw"), COUNTS[:, 9])
    np.testing.assert_array_equal(gene(AnnDataSource(adata[ROWS]), 9, "raw"), COUNTS[ROWS, 9])


def test_masked_values_are_missing() -> None:
    expected = np.where(COUNTS == 0, np.nan, COUNTS)
    masked = np.ma.masked_equal(COUNTS, 0)
    for matrix in (masked, masked.astype(int), da.from_array(masked, chunks=(7, 5))):
        np.testing.assert_array_equal(gene(AnnDataSource(anndata.AnnData(matrix)), 4), expected[:, 4])


def test_an_array_of_unknown_chunks_is_read_as_it_comes() -> None:
    known = da.from_array(COUNTS, chunks=(7, 12))
    narrow = known[:, known.max(axis=0) > 0]
    assert np.isnan(narrow.shape[1])
    expected = COUNTS[:, COUNTS.max(axis=0) > 0]
    assert shape_of(narrow) == expected.shape
    np.testing.assert_array_equal(read_rows(narrow, slice(2, 30), 2, no_turn), expected[2:30, :2])
    short = known[known.max(axis=1) > 2]
    np.testing.assert_array_equal(read_column(short, 3, no_turn), COUNTS[COUNTS.max(axis=1) > 2, 3])
    adata = anndata.AnnData(COUNTS)
    adata.obsm["X_umap"] = narrow
    assert AnnDataSource(adata).read({"what": "describe"})[0]["obsm"][0]["columns"] == expected.shape[1]


def test_of_a_dask_matrix_only_the_chunks_of_the_gene_and_of_the_cells_are_computed() -> None:
    computed: list[tuple[int, int]] = []

    def note(block: np.ndarray, block_info: Any = None) -> np.ndarray:
        computed.append(tuple(block_info[0]["chunk-location"]))
        return block

    lazy = da.from_array(COUNTS, chunks=(20, 4)).map_blocks(note, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    adata = anndata.AnnData(lazy, obs=pd.DataFrame(index=CELLS), var=pd.DataFrame(index=GENES))
    AnnDataSource(adata).read({"what": "describe"})
    assert computed == []
    np.testing.assert_array_equal(gene(AnnDataSource(adata), 5), COUNTS[:, 5])
    assert sorted(computed) == [(0, 1), (1, 1), (2, 1)]
    computed.clear()
    np.testing.assert_array_equal(gene(AnnDataSource(adata[25:30]), 11), COUNTS[25:30, 11])
    assert computed == [(1, 2)]


def lazily(tmp_path: Path, form: str) -> tuple[anndata.AnnData, anndata.AnnData]:
    """The same file, read lazily and into memory."""
    pytest.importorskip("xarray")
    if not hasattr(anndata.experimental, "read_lazy"):
        pytest.skip("this anndata does not read lazily")
    count = 60
    obs = pd.DataFrame(
        {
            "few": pd.Categorical(["x", "y", None] * 20, categories=["y", "x"]),
            "text": [f"t{number % 5}" for number in range(count)],
            "each": [f"t{number}" for number in range(count)],
            "flag": np.arange(count) % 2 == 0,
            "gaps": pd.array([None if number % 7 == 0 else number for number in range(count)], dtype="Int64"),
            "maybe": pd.array(
                [None if number % 7 == 0 else number % 2 == 0 for number in range(count)], dtype="boolean"
            ),
            "whole": np.arange(count),
            "score": np.where(np.arange(count) % 9 == 0, np.nan, np.linspace(0, 1, count)),
            "order": pd.Categorical(["a", "b", None] * 20, categories=["b", "a", "never"], ordered=True),
        },
        index=CELLS,
    )
    adata = anndata.AnnData(
        sp.csr_matrix(COUNTS), obs=obs, var=pd.DataFrame({"symbol": GENES.str.upper()}, index=GENES)
    )
    adata.layers["csc"] = sp.csc_matrix(COUNTS)
    adata.layers["dense"] = COUNTS
    adata.raw = adata
    adata.obsm["X_umap"] = RNG.normal(size=(count, 2))
    adata.obsm["frame"] = pd.DataFrame(RNG.normal(size=(count, 3)), index=CELLS, columns=list("zab"))
    adata.uns["order_colors"] = ["#ff0000", "#00ff00", "#0000ff"]
    path = tmp_path / f"data.{form}"
    getattr(adata, f"write_{form}")(path)
    return anndata.experimental.read_lazy(path), getattr(anndata, f"read_{form}")(path)


@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_read_lazily_an_anndata_is_the_same_as_in_memory(form: str, tmp_path: Path) -> None:
    lazy, loaded = map(AnnDataSource, lazily(tmp_path, form))
    described, expected = lazy.read({"what": "describe"})[0], loaded.read({"what": "describe"})[0]
    for part in ("nObs", "nVar", "varColumns", "notes"):
        assert described[part] == expected[part]
    found, wanted = ([(e["matrix"], e["genes"]) for e in each["matrices"]] for each in (described, expected))
    assert found == wanted
    assert kinds(described) == kinds(expected)
    assert sorted(e["key"] for e in described["obsm"]) == sorted(e["key"] for e in expected["obsm"])
    assert lazy.read({"what": "describe"})[0]["version"] == described["version"], "nothing changed"
    for layer in (None, "csc", "dense", "raw"):
        np.testing.assert_array_equal(gene(lazy, 8, layer), COUNTS[:, 8])
    for key in ("X_umap", "frame"):
        np.testing.assert_array_equal(embedding(lazy, key, 2, 3, 60), embedding(loaded, key, 2, 3, 60))
    for column in (None, "symbol"):
        question = {"what": "varNames", "column": column, "table": "var"}
        assert lazy.read(question)[1] == loaded.read(question)[1]


def kinds(description: dict[str, Any]) -> list[tuple[str, str]]:
    return [(field["key"], field["kind"]) for field in description["obs"]]


@pytest.mark.parametrize("form", ["h5ad", "zarr"])
def test_obs_columns_read_lazily_are_those_in_memory(form: str, tmp_path: Path) -> None:
    lazy, loaded = map(AnnDataSource, lazily(tmp_path, form))
    for key in ("few", "text", "flag", "gaps", "maybe", "whole", "score", "order"):
        found, expected = (source.read({"what": "obs", "key": key}) for source in (lazy, loaded))
        assert {**found[0], "version": ""} == {**expected[0], "version": ""}
        assert bytes(found[1]) == bytes(expected[1]), key
    with pytest.raises(SourceReadError, match="text of its own"):
        lazy.read({"what": "obs", "key": "each"})


class OnGpu:
    """What cupy's arrays are to us: they become NumPy by `get` alone."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self.shape, self.dtype = host.shape, host.dtype

    def __getitem__(self, key: Any) -> OnGpu:
        return OnGpu(self._host[key])

    def get(self) -> Any:
        return self._host.copy()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


class OnGpuSparse(OnGpu):
    def tocoo(self) -> Any:
        raise TypeError("a matrix on the GPU")


def test_arrays_on_a_gpu_are_fetched_part_by_part() -> None:
    np.testing.assert_array_equal(read_column(OnGpu(COUNTS), 3, no_turn), COUNTS[:, 3])
    np.testing.assert_array_equal(read_rows(OnGpu(COUNTS), np.array(ROWS), 2, no_turn), COUNTS[ROWS, :2])
    column = read_column(OnGpuSparse(sp.csr_matrix(COUNTS)), 3, no_turn)
    assert isinstance(column, StoredValues)
    assert column.values.tolist() == COUNTS[COUNTS[:, 3] > 0, 3].tolist()


GPU = """
import sys, types
import numpy as np
sys.path.insert(0, sys.argv[1])
import anndata, cupy, pandas as pd
from cellucid_notebook._data import checks
from cellucid_notebook._data.anndata_source import AnnDataSource
counts = np.arange(60, dtype="f4").reshape(20, 3)
adata = anndata.AnnData(cupy.ndarray(counts), var=pd.DataFrame(index=list("abc")))
adata.obsm["X_umap"] = cupy.ndarray(counts[:, :2])
checks.check_anndata(adata, color="b", embedding=None, gene_symbols=None, matrix=None)
source = AnnDataSource(adata)
source.read({"what": "describe"})
_, body = source.read({"what": "var", "index": 1, "matrix": {"in": "X"}})
assert np.array_equal(np.frombuffer(body, "<f4"), counts[:, 1])
_, body = source.read({"what": "obsm", "key": "X_umap", "columns": 2, "start": 5, "end": 9})
assert np.array_equal(np.frombuffer(body, "<f4").reshape(4, 2), counts[5:9, :2])
"""
STAND_IN = """
import numpy as np
class ndarray:
    def __init__(self, host): self._host = np.asarray(host)
    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    ndim = property(lambda self: self._host.ndim)
    size = property(lambda self: self._host.size)
    def __getitem__(self, key): return ndarray(self._host[key])
    def __len__(self): return len(self._host)
    def get(self): return self._host.copy()
    def copy(self): return ndarray(self._host.copy())
    def __array__(self, *_, **__): raise TypeError("Implicit conversion to a NumPy array is not allowed.")
"""


def test_an_anndata_on_a_gpu_is_read(tmp_path: Path) -> None:
    """In a process of its own: anndata looks for cupy when it is imported. Where cupy is not, a stand-in is."""
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy/__init__.py").write_text(STAND_IN)
    sparse = tmp_path / "cupyx/scipy/sparse"
    sparse.mkdir(parents=True)
    for folder in (sparse, sparse.parent, sparse.parent.parent):
        (folder / "__init__.py").write_text("")
    classes = "class spmatrix: pass\nclass csr_matrix(spmatrix): pass\nclass csc_matrix(spmatrix): pass\n"
    (sparse / "__init__.py").write_text(classes)
    done = subprocess.run([sys.executable, "-c", GPU, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def failing(error: BaseException) -> anndata.AnnData:
    def fail(_: np.ndarray) -> np.ndarray:
        raise error

    lazy = da.from_array(COUNTS, chunks=(7, 12)).map_blocks(fail, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    adata = anndata.AnnData(lazy, var=pd.DataFrame(index=GENES))
    adata.obsm["X_umap"] = lazy
    return adata


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (OSError(28, "No space left on device"), "its array says “[Errno 28] No space left on device”. Evaluate"),
        (KeyError("k"), "its array says “'k'”. Evaluate"),
        (ValueError(), "its array failed with a ValueError. Evaluate"),
        (MemoryError("Unable to allocate 4 GiB"), "there is not enough memory"),
    ],
)
def test_whatever_an_array_raises_is_a_sentence(error: BaseException, sentence: str) -> None:
    with pytest.raises(SourceReadError) as refused:
        gene(AnnDataSource(failing(error)), 4)
    assert str(refused.value).startswith(f"Gene 'g4' of adata.X could not be read: {sentence}")
    with pytest.raises(SourceReadError) as refused:
        embedding(AnnDataSource(failing(error)), "X_umap", 2, 0, 60)
    assert str(refused.value).startswith(f"adata.obsm['X_umap'] could not be read: {sentence}")
    assert refused.value.__cause__ is not None


@pytest.mark.parametrize("name", ["dask with dense chunks, split over genes", "dask with CSR chunks"])
def test_a_read_that_nobody_waits_for_ends_at_its_next_part(name: str, tmp_path: Path) -> None:
    def leave(_: float) -> None:
        raise AbandonedError

    source = AnnDataSource(anndata.AnnData(MATRICES[name](tmp_path)))
    with pytest.raises(AbandonedError):
        source.read({"what": "var", "index": 1, "matrix": {"in": "X"}}, leave)


def test_of_a_matrix_in_a_file_the_parts_are_small_and_tell_how_far_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellucid_notebook._arrays.array_parts._PART_BYTES", 9 * 4 * 4)
    monkeypatch.setattr("cellucid_notebook._arrays.array_parts._PART_STORED", 50)
    for name in ("h5py, chunked", "zarr", "CSR in a file", "CSR in a store"):
        told: list[float] = []
        found = read_column(MATRICES[name](tmp_path), 5, told.append)
        if isinstance(found, StoredValues):
            dense = np.zeros(60, np.float32)
            dense[found.rows] = found.values
            found = dense
        np.testing.assert_array_equal(found, COUNTS[:, 5])
        assert len(told) > 3
        assert told == sorted(told)
        assert 0 <= told[0] <= told[-1] < 1


def counted(chunks: tuple[int, int], make: Any = np.asarray) -> tuple[Any, list[tuple[int, int]]]:
    """A dask matrix, and the places of the blocks that were computed of it."""
    computed: list[tuple[int, int]] = []

    def note(block: np.ndarray, block_info: Any = None) -> Any:
        computed.append(tuple(block_info[0]["chunk-location"]))
        return make(block)

    lazy = da.from_array(COUNTS, chunks=chunks)
    return lazy.map_blocks(note, dtype=np.float32, meta=make(np.empty((0, 0), np.float32))), computed


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix])
def test_chunks_that_span_many_genes_are_computed_once(make: Any) -> None:
    lazy, computed = counted((20, 6), make)
    source = AnnDataSource(anndata.AnnData(lazy))
    for index in range(12):
        np.testing.assert_array_equal(gene(source, index), COUNTS[:, index])
    assert sorted(computed) == [(row, column) for row in range(3) for column in range(2)]
    kept = source.read({"what": "sorting"})[0]["bytes"]
    assert kept > 0
    assert source.give_back() == kept
    computed.clear()
    np.testing.assert_array_equal(gene(source, 3), COUNTS[:, 3])
    np.testing.assert_array_equal(gene(source, 4), COUNTS[:, 4])
    assert len(computed) == 6, "nothing is kept any more"


def test_what_does_not_fit_is_not_kept_and_what_was_kept_longest_leaves_first() -> None:
    stripe = 60 * 6 * 4
    available = [4 * stripe]
    lazy, computed = counted((20, 6))
    blocks = KeptBlocks(lambda: None, lambda: available[0] - blocks.size if computed else available[0])
    np.testing.assert_array_equal(blocks.column("X", "1", lazy, 0, no_turn), COUNTS[:, 0])
    np.testing.assert_array_equal(blocks.column("X", "1", lazy, 7, no_turn), COUNTS[:, 7])
    assert blocks.size == stripe, "the first one left"
    np.testing.assert_array_equal(blocks.column("X", "1", lazy, 8, no_turn), COUNTS[:, 8])
    assert len(computed) == 6
    np.testing.assert_array_equal(blocks.column("X", "2", lazy, 8, no_turn), COUNTS[:, 8])
    assert len(computed) == 9, "another version was computed anew"
    available[0] = stripe
    blocks.check_memory()
    assert blocks.size == 0
    assert blocks.column("layers/a", "1", lazy, 8, no_turn) is None
    assert len(computed) == 9


def test_of_sparse_chunks_the_first_tells_whether_the_others_fit() -> None:
    lazy, computed = counted((10, 12), sp.csr_matrix)
    blocks = KeptBlocks(lambda: None, lambda: 1000)
    assert blocks.column("X", "1", lazy, 0, no_turn) is None
    assert computed == [(0, 0)]
    assert blocks.column("X", "1", lazy, 1, no_turn) is None
    assert computed == [(0, 0)], "it is known"
