"""Files as other programs write them; what anndata reads from them is right."""

from __future__ import annotations

from pathlib import Path

import anndata
import h5py
import numpy as np
from case_table import CELLS, case, cells


def with_seurat_var(path: Path) -> None:
    """SeuratDisk writes var without the attributes of a table, names in a column ``features``."""
    with h5py.File(path, "r+") as file:
        for table in ("var", "raw/var"):
            group = file[table]
            names = group["_index"][...]
            for attribute in list(group.attrs):
                del group.attrs[attribute]
            group["features"] = names
        file["X"].attrs["shape"] = np.array(file["X"].attrs["shape"], dtype=np.int32)


@case(
    rewrite=with_seurat_var,
    notes=["features"],
    lacks={"h5ad": "read by us it says more: the names are there, where anndata does not look"},
)
def var_of_seuratdisk() -> anndata.AnnData:
    """https://github.com/mojaveazure/seurat-disk/issues/138 and its neighbours: anndata calls genes 0, 1, 2 …"""
    adata = cells()
    adata.raw = adata
    adata.obs["seurat_clusters"] = np.arange(CELLS, dtype=np.int32) % 3
    return adata


def in_one_chunk(path: Path) -> None:
    """R's writers make one chunk of a whole array, and compress it."""
    with h5py.File(path, "r+") as file:
        for name in ("X/data", "X/indices", "obsm/X_umap"):
            values, attributes = file[name][...], dict(file[name].attrs)
            del file[name]
            made = file.create_dataset(name, data=values, chunks=values.shape, compression="gzip", shuffle=True)
            made.attrs.update(attributes)


@case(rewrite=in_one_chunk)
def one_chunk_an_array() -> anndata.AnnData:
    """https://github.com/scverse/anndataR/issues/415."""
    return cells()


def with_fixed_texts(path: Path) -> None:
    """Texts of a fixed length, in bytes, padded."""
    with h5py.File(path, "r+") as file:
        for name in ("obs/_index", "var/_index", "obs/cell_type/categories"):
            values, attributes = [text.encode() for text in file[name].asstr()[...]], dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=np.array(values)).attrs.update(attributes)


@case(rewrite=with_fixed_texts)
def texts_of_a_fixed_length() -> anndata.AnnData:
    """hdf5r and older h5py write them so."""
    return cells()


def with_wide_codes(path: Path) -> None:
    """Codes of categories as int32, as R counts."""
    with h5py.File(path, "r+") as file:
        codes, attributes = file["obs/cell_type/codes"][...], dict(file["obs/cell_type/codes"].attrs)
        del file["obs/cell_type/codes"]
        file.create_dataset("obs/cell_type/codes", data=codes.astype(np.int32)).attrs.update(attributes)


@case(rewrite=with_wide_codes)
def codes_of_32_bits() -> anndata.AnnData:
    """Wider than they need to be."""
    return cells()


def with_booleans_of_r(path: Path) -> None:
    """Truth values as an enum of its own, and as integers."""
    with h5py.File(path, "r+") as file:
        values, attributes = file["obs/flag"][...], dict(file["obs/flag"].attrs)
        del file["obs/flag"]
        kind = h5py.enum_dtype({"FALSE": 0, "TRUE": 1}, basetype="i1")
        file.create_dataset("obs/flag", data=values.astype("i1"), dtype=kind).attrs.update(attributes)


@case(rewrite=with_booleans_of_r)
def truth_values_of_r() -> anndata.AnnData:
    """https://github.com/theislab/zellkonverter/pull/86."""
    adata = cells()
    adata.obs["flag"] = [True, False, False] * (CELLS // 3)
    return adata


def with_unlimited_arrays(path: Path) -> None:
    """Arrays that may grow, as those that were concatenated on disk."""
    with h5py.File(path, "r+") as file:
        for name in ("X/data", "X/indices", "X/indptr"):
            values, attributes = file[name][...], dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=values, maxshape=(None,), chunks=(7,)).attrs.update(attributes)


@case(rewrite=with_unlimited_arrays)
def arrays_that_may_grow() -> anndata.AnnData:
    """https://github.com/scverse/anndata/issues/1600: concat_on_disk writes such."""
    return cells()


def without_column_order(path: Path) -> None:
    """No obs column is listed, though there are some: only listed ones are columns."""
    with h5py.File(path, "r+") as file:
        file["obs"].attrs["column-order"] = np.array(["score"], dtype=h5py.string_dtype())


@case(rewrite=without_column_order)
def a_column_that_is_not_listed() -> anndata.AnnData:
    """Left by a program that deleted a column from the list alone."""
    return cells()


def with_empty_groups(path: Path) -> None:
    """Groups that anndata 0.12 makes are not there."""
    with h5py.File(path, "r+") as file:
        for name in ("layers", "obsp", "varm", "varp", "uns"):
            del file[name]


@case(rewrite=with_empty_groups)
def no_groups_for_what_is_not_there() -> anndata.AnnData:
    """Smaller writers leave out what is empty."""
    return cells()
