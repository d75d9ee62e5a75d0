"""Write files that lie, lead elsewhere or are damaged, each in one way. Usage: make_hostile.py FOLDER."""

from __future__ import annotations

import sys
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

CELLS = 40
GENES = 6
SECRET = 1234567.0


def write_good(path: Path, form: Callable[..., object]) -> None:
    """Write an AnnData that is in order."""
    random = np.random.default_rng(3)
    counts = random.poisson(1.0, (CELLS, GENES)).astype(np.float32)
    obs = pd.DataFrame(
        {
            "cluster": pd.Categorical([f"k{i % 4}" for i in range(CELLS)]),
            "score": np.arange(CELLS, dtype=np.float64),
            "barcode": [f"b{i}" for i in range(CELLS)],
        },
        index=[f"c{i}" for i in range(CELLS)],
    )
    adata = anndata.AnnData(form(counts), obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(GENES)]))
    adata.obsm["X_umap"] = random.normal(size=(CELLS, 2))
    adata.write_h5ad(path)


def replace(file: h5py.File, path: str, values: object, **options: object) -> h5py.Dataset:
    """Put other values where a dataset was, with its attributes."""
    attributes = dict(file[path].attrs)
    del file[path]
    dataset = file.create_dataset(path, data=values, **options)
    dataset.attrs.update(attributes)
    return dataset


def indptr_falls(file: h5py.File) -> None:
    file["X/indptr"][3] = 0


def indptr_begins_late(file: h5py.File) -> None:
    file["X/indptr"][0] = 1


def indptr_ends_early(file: h5py.File) -> None:
    file["X/indptr"][-1] = file["X/indptr"][-2]


def index_too_large(file: h5py.File) -> None:
    file["X/indices"][5] = 10_000


def index_negative(file: h5py.File) -> None:
    file["X/indices"][5] = -1


def fewer_values_than_indices(file: h5py.File) -> None:
    replace(file, "X/data", file["X/data"][:-1])


def shape_attribute_lies(file: h5py.File) -> None:
    file["X"].attrs["shape"] = [2**40, GENES]


def code_without_category(file: h5py.File) -> None:
    file["obs/cluster/codes"][7] = 4


def code_below_minus_one(file: h5py.File) -> None:
    file["obs/cluster/codes"][7] = -2


def column_of_other_length(file: h5py.File) -> None:
    replace(file, "obs/score", np.arange(CELLS - 1.0))


def column_of_enormous_length(file: h5py.File) -> None:
    del file["obs/score"]
    file.create_dataset("obs/score", shape=(2**40,), dtype="f8", chunks=(1024,))


def index_of_enormous_length(file: h5py.File) -> None:
    del file["obs/_index"]
    file.create_dataset("obs/_index", shape=(2**40,), dtype=h5py.string_dtype(), chunks=(1024,))


def categories_of_enormous_length(file: h5py.File) -> None:
    del file["obs/cluster/categories"]
    file.create_dataset("obs/cluster/categories", shape=(2**40,), dtype=h5py.string_dtype(), chunks=(1024,))


def indices_of_enormous_length(file: h5py.File) -> None:
    for name, dtype in (("indices", "i4"), ("data", "f4")):
        del file[f"X/{name}"]
        file.create_dataset(f"X/{name}", shape=(2**40,), dtype=dtype, chunks=(1024,))
    file["X/indptr"][-1] = 2**31 - 1


def chunk_is_damaged(file: h5py.File) -> None:
    dataset = replace(file, "obs/score", np.arange(CELLS, dtype=np.float64), chunks=(CELLS,), compression="gzip")
    dataset.id.write_direct_chunk((0,), b"this is not what deflate writes" * 3)


def chunk_fails_its_checksum(file: h5py.File) -> None:
    dataset = replace(file, "obs/score", np.arange(CELLS, dtype=np.float64), chunks=(CELLS,), fletcher32=True)
    mask, stored = dataset.id.read_direct_chunk((0,))
    dataset.id.write_direct_chunk((0,), stored[:8] + b"\xff" * 8 + stored[16:], filter_mask=mask)


def filter_is_missing(file: h5py.File) -> None:
    del file["obs/score"]
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((CELLS,))
    plist.set_filter(32024, h5py.h5z.FLAG_OPTIONAL, (1, 2))
    space = h5py.h5s.create_simple((CELLS,))
    dataset = h5py.h5d.create(file["obs"].id, b"score", h5py.h5t.IEEE_F64LE, space, plist)
    dataset.write_direct_chunk((0,), b"\x00" * 64)


def chunk_is_too_large(file: h5py.File) -> None:
    large_chunk(file, 2**28, b"\x00" * 2**20)


def large_chunk_is_short(file: h5py.File) -> None:
    large_chunk(file, 2**24, b"\x00" * 100)


def large_chunk_is_damaged(file: h5py.File) -> None:
    large_chunk(file, 2**24, None)


def large_chunk(file: h5py.File, length: int, values: bytes | None) -> None:
    """Store obs/score in one packed chunk of so many numbers; ``None``: in one of nonsense."""
    del file["obs/score"]
    dataset = file.create_dataset(
        "obs/score", shape=(CELLS,), maxshape=(None,), chunks=(length,), dtype="f8", compression=1
    )
    dataset.id.write_direct_chunk((0,), b"no deflate" * 9 if values is None else zlib.compress(values))


def chunk_inflates_to_more(file: h5py.File) -> None:
    dataset = replace(file, "obs/score", np.arange(CELLS, dtype=np.float64), chunks=(CELLS,), compression="gzip")
    dataset.id.write_direct_chunk((0,), zlib.compress(b"\x00" * 2**28))


def chunk_inflates_without_end(file: h5py.File) -> None:
    dataset = replace(file, "obs/score", np.arange(CELLS, dtype=np.float64), chunks=(CELLS,), compression="gzip")
    deflate = zlib.compressobj(1)
    zeros = b"\x00" * 2**24
    dataset.id.write_direct_chunk((0,), b"".join(deflate.compress(zeros) for _ in range(80)) + deflate.flush())


def external_link(file: h5py.File) -> None:
    del file["obs/score"]
    file["obs/score"] = h5py.ExternalLink(str(Path(file.filename).with_name("secret.h5")), "/secret")


def external_link_to_a_group(file: h5py.File) -> None:
    del file["obsm"]
    file["obsm"] = h5py.ExternalLink(str(Path(file.filename).with_name("secret.h5")), "/obsm")


def external_link_behind_a_soft_one(file: h5py.File) -> None:
    del file["obs/score"]
    file["elsewhere"] = h5py.ExternalLink(str(Path(file.filename).with_name("secret.h5")), "/")
    file["obs/score"] = h5py.SoftLink("/elsewhere/secret")


def external_storage(file: h5py.File) -> None:
    del file["obs/score"]
    secret = str(Path(file.filename).with_name("secret.bin"))
    file.create_dataset("obs/score", shape=(CELLS,), dtype="f8", external=[(secret, 0, CELLS * 8)])


def virtual_dataset(file: h5py.File) -> None:
    del file["obs/score"]
    layout = h5py.VirtualLayout(shape=(CELLS,), dtype="f8")
    layout[:] = h5py.VirtualSource(str(Path(file.filename).with_name("secret.h5")), "secret", shape=(CELLS,))
    file.create_virtual_dataset("obs/score", layout)


def soft_links_in_a_loop(file: h5py.File) -> None:
    del file["obs/score"]
    file["obs/score"] = h5py.SoftLink("/obs/other")
    file["obs/other"] = h5py.SoftLink("/obs/score")


def dangling_link(file: h5py.File) -> None:
    del file["obs/score"]
    file["obs/score"] = h5py.SoftLink("/nowhere/at/all")


def hard_link_cycle(file: h5py.File) -> None:
    del file["obs/score"]
    file["obs/score"] = file["obs"]
    file["obsm/self"] = file["obsm"]
    file["uns/cluster_colors"] = file["uns"]


def column_is_a_group(file: h5py.File) -> None:
    del file["obs/score"]
    file.create_group("obs/score/deeper")


def column_is_complex(file: h5py.File) -> None:
    replace(file, "obs/score", np.ones(CELLS, dtype=np.complex128))


def column_is_records(file: h5py.File) -> None:
    replace(file, "obs/score", np.zeros(CELLS, dtype=[("a", "f4"), ("b", "i4")]))


def column_is_a_table(file: h5py.File) -> None:
    replace(file, "obs/score", np.zeros((CELLS, 3)))


def newer_encoding(file: h5py.File) -> None:
    file["obs/cluster"].attrs["encoding-version"] = "0.9.0"


def column_order_lies(file: h5py.File) -> None:
    file["obs"].attrs["column-order"] = ["cluster", "cluster", "../X", "__proto__", "score"]


def names_are_hostile(file: h5py.File) -> None:
    names = ["<img src=x onerror=alert(1)>", "x" * 60_000, "a\u202egpj.exe", "constructor"]
    for name in names:
        file[f"obs/{name}"] = np.arange(float(CELLS))
    file["obs"].attrs["column-order"] = ["cluster", "score", *names]


CASES = [
    indptr_falls,
    indptr_begins_late,
    indptr_ends_early,
    index_too_large,
    index_negative,
    fewer_values_than_indices,
    shape_attribute_lies,
    indices_of_enormous_length,
    code_without_category,
    code_below_minus_one,
    column_of_other_length,
    column_of_enormous_length,
    index_of_enormous_length,
    categories_of_enormous_length,
    chunk_is_damaged,
    chunk_fails_its_checksum,
    filter_is_missing,
    chunk_is_too_large,
    large_chunk_is_short,
    large_chunk_is_damaged,
    chunk_inflates_to_more,
    chunk_inflates_without_end,
    external_link,
    external_link_to_a_group,
    external_link_behind_a_soft_one,
    external_storage,
    virtual_dataset,
    soft_links_in_a_loop,
    dangling_link,
    hard_link_cycle,
    column_is_a_group,
    column_is_complex,
    column_is_records,
    column_is_a_table,
    newer_encoding,
    column_order_lies,
    names_are_hostile,
]


def write_all(folder: Path) -> None:
    """Write every case, for matrices by rows and, where it differs, by columns."""
    with h5py.File(folder / "secret.h5", "w") as file:
        file["secret"] = np.full(CELLS, SECRET)
        file["obsm/X_umap"] = np.full((CELLS, 2), SECRET)
    (folder / "secret.bin").write_bytes(np.full(CELLS, SECRET).tobytes())
    for case in CASES:
        forms = {"csr": sp.csr_matrix, "csc": sp.csc_matrix} if "ind" in case.__name__[:3] else {"csr": sp.csr_matrix}
        for form, convert in forms.items():
            path = folder / f"{case.__name__}.{form}.h5ad"
            write_good(path, convert)
            with h5py.File(path, "r+") as file:
                case(file)
    disordered = sp.csc_matrix(
        (np.array([1, 2, 3, 4, 5], "f4"), np.array([9, 2, 9, 0, 3]), np.array([0, 3, 3, 5, 5, 5, 5])), (CELLS, GENES)
    )
    write_good(folder / "disordered.csc.h5ad", lambda _: sp.csc_matrix((CELLS, GENES), dtype="f4"))
    with h5py.File(folder / "disordered.csc.h5ad", "r+") as file:
        for name in ("data", "indices", "indptr"):
            replace(file, f"X/{name}", getattr(disordered, name))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
