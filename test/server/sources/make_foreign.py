"""Write what people pass that is no AnnData, or an AnnData inside of something, and the words that each is met with.

Usage: make_foreign.py FOLDER. ``table.json`` lists for each name the parts of its message, with ``PATH`` for the path
that was passed; ``null`` for what is shown.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import shutil
import sys
import tarfile
import warnings
import zipfile
from pathlib import Path

import anndata
import h5py
import numpy as np
import zarr

Table = dict[str, list[str] | None]


def cells(embedding: str = "X_umap") -> anndata.AnnData:
    """Return a small AnnData that can be shown."""
    adata = anndata.AnnData(np.ones((30, 4), np.float32))
    adata.obsm[embedding] = np.random.default_rng(1).normal(size=(30, 2))
    return adata


def write_texts(folder: Path, table: Table) -> None:
    """Write files that are told by their first bytes or their names."""
    csv = b"cell,GENE1\nc1,3\n"
    page = b"\n<!DOCTYPE html>\n<html><title>Sign in</title></html>"
    rds = b"X\n\x00\x00\x00\x03\x00\x04\x02\x01"
    files: dict[str, tuple[bytes, list[str]]] = {
        "counts.csv": (csv, ["is a table of text (CSV)", 'adata = scanpy.read_csv("PATH")']),
        "counts.csv.gz": (gzip.compress(csv), ["a table of text (CSV), packed with gzip", 'scanpy.read_csv("PATH")']),
        "counts.tsv": (csv, ["is a table of text", r'scanpy.read_text("PATH", delimiter="\t")']),
        "counts.txt.gz": (gzip.compress(csv), ["is a table of text, packed with gzip", 'scanpy.read_text("PATH"']),
        "matrix.mtx": (b"%%MatrixMarket matrix\n", ["Matrix Market", 'scanpy.read_mtx("PATH").T']),
        "matrix.mtx.gz": (gzip.compress(b"%%MatrixMarket m\n"), ["Matrix Market", 'scanpy.read_mtx("PATH").T']),
        "atlas.rds": (gzip.compress(rds), ["an object of R (RDS)", 'anndataR::write_h5ad(readRDS("PATH"), "']),
        "ATLAS.RDS": (rds, ["an object of R (RDS)", 'readRDS("PATH")']),
        "workspace.RData": (gzip.compress(b"RDX3\nX\n"), ["a workspace of R", 'get(load("PATH"))']),
        "atlas.qs": (b"\x0b\x0e\x0a\x0c\x00\x00", ["an object of R (qs)", 'qs::qread("PATH")']),
        "object.pkl": (pickle.dumps({"a": 1}), ["a Python pickle", 'pandas.read_pickle("PATH")']),
        "page.h5ad": (page, ["is a web page", "Download the file itself again"]),
        "denied.h5ad": (b"<?xml version='1.0'?><Error/>", ["the message of a web server"]),
        "pointer.h5ad": (b"version https://git-lfs.github.com/spec/v1\n", ["a pointer of Git LFS", "lfs pull"]),
        "empty.h5ad": (b"", ["is empty (0 bytes)", "Write or download it again"]),
        "noise.h5ad": (bytes(range(256)), ["is not an HDF5 file", "adata.write_h5ad()"]),
        "table.parquet": (b"PAR1\x00", ["a Parquet table", 'pandas.read_parquet("PATH")']),
        "table.feather": (b"ARROW1\x00\x00", ["a Feather table", 'pandas.read_feather("PATH")']),
        "x.h5ad.bz2": (b"BZh91AY", ["packed with bzip2", 'bunzip2 -k "PATH"']),
        "x.h5ad.xz": (b"\xfd7zXZ\x00\x00", ["packed with xz", 'unxz -k "PATH"']),
        "x.h5ad.zst": (b"\x28\xb5\x2f\xfd\x00", ["packed with zstd", 'unzstd "PATH"']),
        ".far.h5ad.icloud": (b"bplist00", ["is in iCloud and not on this computer", "brctl download"]),
    }
    for name, (content, words) in files.items():
        (folder / name).write_bytes(content)
        table[name] = words
    table["far.h5ad"] = ["is in iCloud and not on this computer", 'brctl download "PATH"']


def write_packed(folder: Path, table: Table) -> None:
    """Write datasets inside of archives, and archives without any."""
    plain = folder / "plain.h5ad"
    cells().write_h5ad(plain)
    table["plain.h5ad"] = None
    (folder / "GSE1_data.h5ad.gz").write_bytes(gzip.compress(plain.read_bytes()))
    table["GSE1_data.h5ad.gz"] = ["packed with gzip", 'gunzip -k "PATH"', 'GSE1_data.h5ad"']
    (folder / "renamed.h5ad").write_bytes(gzip.compress(plain.read_bytes()))
    table["renamed.h5ad"] = ["packed with gzip", 'gunzip -c "PATH" > "']
    (folder / "half.h5ad").write_bytes(plain.read_bytes()[: plain.stat().st_size // 2])
    table["half.h5ad"] = ["truncated", "still being copied", "Copy or download it again"]
    for name, mode in (("GSE1_RAW.tar", "w"), ("store.tar.gz", "w:gz")):
        with tarfile.open(folder / name, mode) as archive:  # type: ignore[call-overload]
            archive.addfile(tarfile.TarInfo("a.txt"), io.BytesIO())
        table[name] = ["an archive (tar)", 'tar -xf "PATH"']
    with zipfile.ZipFile(folder / "files.zip", "w") as archive:
        archive.write(plain, "plain.h5ad")
    table["files.zip"] = ['a zip archive of 1 files ("plain.h5ad") without a zarr store', 'unzip "PATH"']
    with zipfile.ZipFile(folder / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
    table["book.xlsx"] = ["an Excel workbook", 'pandas.read_excel("PATH"']
    np.savez(folder / "arrays.npz", x=np.ones(3))
    table["arrays.npz"] = ["arrays of NumPy", 'numpy.load("PATH")["x"]']


def write_hdf5(folder: Path, table: Table) -> None:
    """Write HDF5 files of other kinds: what stands at their top."""
    matrix = ["barcodes", "data", "indices", "indptr", "shape"]
    kinds: dict[str, tuple[list[str], list[str]]] = {
        "filtered_gene_bc_matrices_h5.h5": (
            [f"GRCh38/{part}" for part in [*matrix, "gene_names", "genes"]],
            ["from Cell Ranger (10x)", 'scanpy.read_10x_h5("PATH")'],
        ),
        "two_genomes.h5": (
            [f"{genome}/{part}" for genome in ("hg19", "mm10") for part in [*matrix, "genes"]],
            ["from Cell Ranger (10x)", 'scanpy.read_10x_h5("PATH", genome="hg19")'],
        ),
        "filtered_feature_bc_matrix.h5": (
            [f"matrix/{part}" for part in [*matrix, "features/id"]],
            ["from Cell Ranger (10x)", 'scanpy.read_10x_h5("PATH")'],
        ),
        "molecule_info.h5": (
            ["barcode_idx", "feature_idx", "count", "umi", "barcodes"],
            ["a list of molecules", "filtered_feature_bc_matrix.h5"],
        ),
        "old_molecule_info.h5": (["barcode", "gene", "umi", "reads"], ["a list of molecules"]),
        "atlas.h5Seurat": (
            ["assays/RNA/counts/data", "cell.names", "meta.data/_index", "reductions/umap/x"],
            ["a Seurat object (h5Seurat)", 'SeuratDisk::Convert("PATH", dest = "h5ad")', "atlas.h5ad"],
        ),
        "cells.loom": (
            ["matrix", "row_attrs/Gene", "col_attrs/CellID", "layers/spliced"],
            ["a loom file", 'scanpy.read_loom("PATH")'],
        ),
        "image.h5": (["image"], ['lacks "obs"', '"image"']),
    }
    for name, (parts, words) in kinds.items():
        with h5py.File(folder / name, "w") as file:
            for part in parts:
                file[part] = np.arange(3)
        table[name] = words
    write_open(folder / "open.h5ad")
    table["open.h5ad"] = ["still open for writing in another program", 'h5clear -s "PATH"']


def write_open(path: Path) -> None:
    """Write a file as it is while somebody writes it."""
    with h5py.File(path, "w", libver="latest") as file:
        file["x"] = np.arange(3)
        file.flush()
        shutil.copy(path, path.with_suffix(".copy"))
    path.with_suffix(".copy").replace(path)


def write_folders(folder: Path, table: Table) -> None:
    """Write folders that hold datasets, and such that hold none."""
    for name, files, words in (
        ("nothing", [], ["is empty"]),
        ("texts", ["a.md"], ["holds no dataset"]),
        (
            "filtered_feature_bc_matrix",
            ["matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz"],
            ["from Cell Ranger (10x)", 'scanpy.read_10x_mtx("PATH")'],
        ),
        (
            "filtered_gene_bc_matrices",
            ["GSM1_matrix.mtx", "GSM1_barcodes.tsv", "GSM1_genes.tsv"],
            ['scanpy.read_10x_mtx("PATH", prefix="GSM1_")'],
        ),
        (
            "outs",
            ["filtered_feature_bc_matrix.h5", "web_summary.html"],
            ["what Cell Ranger (10x) wrote", "read_10x_h5("],
        ),
        ("soma", ["__group", "__meta"], ["TileDB-SOMA", 'tiledbsoma.open("PATH")']),
        ("saved_by_r", ["se.rds", "assays.h5"], ['loadHDF5SummarizedExperiment("PATH")']),
    ):
        (folder / name).mkdir()
        for file in files:
            (folder / name / file).write_bytes(b"x")
        table[name] = words
    for name, files in (("study", ["a.h5ad", "b.h5ad"]), ("one_file", ["a.h5ad"])):
        (folder / name).mkdir()
        for file in files:
            cells().write_h5ad(folder / name / file)
    # The command line offers all of them.
    table["study"] = ['holds 2 datasets: "a.h5ad", "b.h5ad"', 'Pass the path of one of them, such as "PATH/a.h5ad"']
    table["one_file"] = None
    write_stores(folder, table)


def write_stores(folder: Path, table: Table) -> None:
    """Write zarr stores of other kinds."""
    (folder / "stores").mkdir()
    for name in ("a.zarr", "b.zarr"):
        cells().write_zarr(folder / "stores" / name)
    table["stores"] = ['holds 2 datasets: "a.zarr", "b.zarr"', 'such as "PATH/a.zarr"']
    for version in (2, 3):
        anndata.settings.zarr_write_format = version
        for name, tables in (("sample", ["table"]), ("samples", ["a", "b"]), ("pictures", [])):
            path = folder / f"{name}-{version}.zarr"
            group = zarr.open_group(path, mode="w", zarr_format=version)
            group.attrs["spatialdata_attrs"] = {"version": "0.2"}
            group.create_group("images")
            inside = group.create_group("tables")
            for each in tables:
                anndata.io.write_elem(inside, each, cells("spatial"))
            zarr.consolidate_metadata(path)
            words = ["is a SpatialData store", 'with 2 tables: "tables/a", "tables/b"', 'such as "PATH/tables/a"']
            none = ["is a SpatialData store without a table of cells"]
            table[path.name] = {"sample": None, "samples": words, "pictures": none}[name]
        array = zarr.open_array(folder / f"array-{version}.zarr", mode="w", shape=(3,), zarr_format=version, dtype="f4")
        array[...] = 1
        table[f"array-{version}.zarr"] = ["one zarr array, not an AnnData", 'zarr.open("PATH")']
        image = zarr.open_group(folder / f"image-{version}.zarr", mode="w", zarr_format=version)
        for level in ("0", "1", "2"):
            image.create_array(level, shape=(2, 2), dtype="u1")
        table[f"image-{version}.zarr"] = ["an image (OME-Zarr)"]


def write_all(folder: Path) -> None:
    """Write every file and the table."""
    table: Table = {}
    for write in (write_texts, write_packed, write_hdf5, write_folders):
        write(folder, table)
    (folder / "table.json").write_text(json.dumps(table))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_all(Path(sys.argv[1]))
