"""Columns of obs: every type that pandas has and people put there."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import anndata
import numpy as np
import pandas as pd
from case_table import CELLS, EVERY_FORM, case, cells


def with_column(values: Any, name: str = "column", count: int = CELLS) -> anndata.AnnData:
    """Return plain cells with one more column."""
    adata = cells(count)
    adata.obs[name] = values
    return adata


def repeated(values: list[Any]) -> list[Any]:
    """Return one value for each cell, in turn."""
    return [values[i % len(values)] for i in range(CELLS)]


@case()
def whole_numbers_that_32_bits_of_a_float_cannot_hold() -> anndata.AnnData:
    """Dates as numbers and ids of rows: https://github.com/chanzuckerberg/single-cell-explorer/issues/644."""
    adata = cells()
    adata.obs["visit_date"] = 20_240_100 + np.arange(CELLS)
    adata.obs["soma_joinid"] = 81_000_001 + np.arange(CELLS)
    adata.obs["negative"] = -33_554_433 - np.arange(CELLS)
    adata.obs["unsigned"] = (4_294_967_295 - np.arange(CELLS)).astype(np.uint32)
    adata.obs["umi"] = 16_777_217.0 + np.arange(CELLS)
    return adata


@case()
def whole_numbers_above_32_bits() -> anndata.AnnData:
    """Ids of data sets, with a missing one: https://github.com/microsoft/vscode-jupyter/issues/12538."""
    adata = cells()
    adata.obs["dataset_id"] = pd.array([None, *(10**12 + i % 4 for i in range(CELLS - 1))], dtype="Int64")
    adata.obs["time_ms"] = 1_700_000_000_123 + np.arange(CELLS)
    return adata


@case()
def whole_numbers_above_53_bits() -> anndata.AnnData:
    """Hashes: not even JavaScript has them as numbers."""
    adata = cells()
    adata.obs["few_hashes"] = np.uint64(2**60 + 1) + np.arange(CELLS, dtype=np.uint64) % np.uint64(3)
    return adata


@case(forms=EVERY_FORM)
def numbers_of_every_width() -> anndata.AnnData:
    """From 8 to 64 bits, with their ends; float16 as GPU pipelines leave it."""
    adata = cells()
    for kind in ("int8", "int16", "int32", "uint8", "uint16", "uint32"):
        info = np.iinfo(kind)
        adata.obs[kind] = np.array(repeated([info.min, info.max, 1]), dtype=kind)
    for kind in ("float32", "float64"):
        adata.obs[kind] = np.array(repeated([0.1, -2.5, 1e-7]), dtype=kind)
    return adata


@case()
def numbers_that_32_bits_turn_into_infinity_or_zero() -> anndata.AnnData:
    """Likelihoods and p-values end with 1e300 or 1e-300."""
    return with_column(np.array(repeated([1e300, 1e-300, -1e300, 0.5])), "likelihood")


@case()
def missing_and_endless_numbers() -> anndata.AnnData:
    """log10(0) and 0/0 in a column of quality: https://github.com/chanzuckerberg/cellxgene/issues/1118."""
    return with_column(np.array(repeated([1.5, np.nan, np.inf, -np.inf, 2.0])))


@case()
def a_column_of_missing_numbers_only() -> anndata.AnnData:
    """What an outer join leaves: https://github.com/scverse/anndata/issues/1146."""
    return with_column(np.full(CELLS, np.nan))


@case()
def a_column_of_infinities_only() -> anndata.AnnData:
    """Nothing finite in it."""
    return with_column(np.full(CELLS, np.inf))


@case()
def a_column_of_one_number() -> anndata.AnnData:
    """All alike: one end of the legend is the other."""
    return with_column(np.full(CELLS, 3.25))


@case(forms=EVERY_FORM)
def numbers_that_may_be_missing() -> anndata.AnnData:
    """Nullable integers, booleans and floats: https://github.com/theislab/zellkonverter/issues/87."""
    adata = cells()
    adata.obs["integers"] = pd.array(repeated([1, None, 300]), dtype="Int64")
    adata.obs["unsigned"] = pd.array(repeated([1, 2, None]), dtype="UInt8")
    adata.obs["booleans"] = pd.array(repeated([True, None, False]), dtype="boolean")
    return adata


@case()
def integers_that_are_all_missing() -> anndata.AnnData:
    """A nullable column without a value."""
    adata = with_column(pd.array([None] * CELLS, dtype="Int64"), "integers")
    adata.obs["booleans"] = pd.array([None] * CELLS, dtype="boolean")
    return adata


@case(memory_only="anndata has no way to write pandas' own floats that may be missing")
def floats_that_may_be_missing() -> anndata.AnnData:
    """``convert_dtypes()`` makes Float64 of a column."""
    return with_column(pd.array(repeated([1.5, None, 2.5]), dtype="Float64"))


@case(lacks={"export": "prepare() makes categories of the values that there are"})
def truth_values() -> anndata.AnnData:
    """Flags of doublets; all true, all false, and both."""
    adata = with_column(repeated([True, False, False]), "doublet")
    adata.obs["all"] = True
    adata.obs["none"] = False
    return adata


@case(forms=EVERY_FORM)
def categories_in_an_order_of_their_own() -> anndata.AnnData:
    """Stages sort by time, not by name, and one has no cell: https://github.com/scverse/scanpy/issues/2299."""
    stages = pd.Categorical(repeated(["late", "early", None, "mid"]), ["early", "mid", "late", "never"], ordered=True)
    return with_column(stages, "stage")


@case(forms=EVERY_FORM, lacks={"export": "prepare() writes 1e-05 as 0.00001"})
def categories_that_are_numbers() -> anndata.AnnData:
    """Clusters as integers and as floats: https://github.com/mojaveazure/seurat-disk/issues/109."""
    adata = with_column(pd.Categorical(repeated([10, 2, 1])), "cluster")
    adata.obs["resolution"] = pd.Categorical(repeated([0.1, 1.0, 2.25]))
    adata.obs["tiny"] = pd.Categorical(repeated([1e-05, 1e-10, 123456.789]))
    return adata


@case()
def categories_that_are_large_numbers() -> anndata.AnnData:
    """Sample ids as categories keep all digits: https://github.com/scverse/anndata/issues/33."""
    adata = with_column(pd.Categorical(repeated([20_240_101, 9_007_199_254_740_993])), "sample")
    adata.obs["large"] = pd.Categorical(repeated([1e16, 1e22, 1.5e300]))
    return adata


@case(lacks={"export": "prepare() writes 3.0 as 3"})
def categories_of_floats_with_32_bits() -> anndata.AnnData:
    """A dose of 0.1 is no dose of 0.10000000149."""
    return with_column(pd.Categorical(np.array(repeated([0.1, 0.25, 3.0]), dtype=np.float32)), "dose")


@case()
def categories_that_are_truth_values() -> anndata.AnnData:
    """Made by ``astype("category")`` of flags."""
    return with_column(pd.Categorical(repeated([True, False])), "flag")


@case()
def one_category() -> anndata.AnnData:
    """All cells are of one kind: https://github.com/labsyspharm/scimap/issues/48."""
    return with_column(pd.Categorical(["only"] * CELLS))


@case()
def no_category_at_all() -> anndata.AnnData:
    """Every value is missing, and so is every category: https://github.com/scverse/anndata/issues/84."""
    return with_column(pd.Categorical([None] * CELLS, categories=pd.Index([], dtype=object)))


@case()
def categories_that_are_empty_or_look_missing() -> anndata.AnnData:
    """``""``, ``" "``, ``"nan"``, ``"None"`` and ``"NA"`` are texts: https://github.com/scverse/scanpy/issues/2133."""
    return with_column(pd.Categorical(repeated(["", " ", "nan", "None", "NA", "T", None])))


@case(forms=EVERY_FORM)
def categories_with_any_character() -> anndata.AnnData:
    """Greek, Japanese, an emoji, quotes, markup and a line's end: https://github.com/scverse/anndata/issues/2450."""
    return with_column(pd.Categorical(repeated(["γδ T", "細胞", "🧬", "a'\"b", "<b>x</b>", "two\nlines", "a/b"])))


@case()
def long_names_of_categories() -> anndata.AnnData:
    """Paths of an ontology with thousands of characters."""
    return with_column(pd.Categorical(repeated(["x" * 4000, "y" * 4000 + "1", "y" * 4000 + "2"])))


@case()
def as_many_categories_as_one_byte_tells_apart() -> anndata.AnnData:
    """254, 255 and 256 categories: https://github.com/chanzuckerberg/cellxgene/issues/1797."""
    adata = cells()
    for count in (254, 255, 256, 300):
        codes = [-1, 0, count - 1, *np.arange(CELLS - 3)]
        adata.obs[f"{count}"] = pd.Categorical.from_codes(codes, [f"c{i:03d}" for i in range(count)])
    return adata


@case(notes=["column: 65,535 categories are too many"])
def more_categories_than_two_bytes_tell_apart() -> anndata.AnnData:
    """Clonotypes of which each cell has its own."""
    adata = with_column(pd.Categorical.from_codes([0, 65_534] * (CELLS // 2), [f"c{i}" for i in range(65_535)]))
    adata.obs["fit"] = pd.Categorical.from_codes([0, 65_533] * (CELLS // 2), [f"c{i}" for i in range(65_534)])
    return adata


@case(lacks={"export": "prepare() sorts texts letter by letter"})
def texts_that_repeat() -> anndata.AnnData:
    """Not yet categories: anndata makes them so when it writes, https://github.com/theislab/zellkonverter/issues/6."""
    return with_column(repeated(["t10", "t2", "t1"]))


@case()
def texts_of_their_own() -> anndata.AnnData:
    """Barcodes: every cell has another, here of more than 20 cells."""
    return with_column([f"ACGT{i}" for i in range(CELLS)])


@case(forms=EVERY_FORM)
def texts_some_of_which_are_missing() -> anndata.AnnData:
    """None and NaN among texts: https://github.com/chanzuckerberg/cellxgene/issues/2625."""
    return with_column(pd.array(repeated(["a", None, "b"]), dtype="string"))


@case(memory_only="anndata refuses a column that holds both texts and numbers")
def texts_and_numbers_in_one_column() -> anndata.AnnData:
    """``adata.obs.loc[mask, "x"] = 1`` on texts."""
    return with_column(np.array(repeated(["low", 1, 2.5]), dtype=object))


@case()
def missing_texts_as_nan() -> anndata.AnnData:
    """What a left join leaves in a text column: https://github.com/scverse/anndata/issues/628."""
    return with_column(np.array(repeated(["yes", np.nan, "no"]), dtype=object))


@case(memory_only="anndata refuses truth values with missing ones as objects")
def truth_values_some_of_which_are_missing_as_objects() -> anndata.AnnData:
    """A concat of flags with a data set that lacks them."""
    return with_column(np.array(repeated([True, False, np.nan]), dtype=object))


@case(memory_only="anndata refuses such", lacks={"export": "prepare() takes numbers as objects for texts"})
def numbers_as_objects() -> anndata.AnnData:
    """Rows of a table that was transposed: numbers, with None."""
    return with_column(np.array(repeated([1, 2, None, 40_000_001]), dtype=object))


@case(memory_only="anndata refuses decimals")
def decimals() -> anndata.AnnData:
    """From a database."""
    return with_column([decimal.Decimal(i) / 8 for i in range(CELLS)])


@case(memory_only="anndata refuses dates")
def dates() -> anndata.AnnData:
    """When a sample was taken."""
    return with_column(pd.to_datetime(repeated(["2024-03-01", None, "2023-12-31"])), "taken")


@case(memory_only="anndata refuses dates")
def moments_with_a_time_zone() -> anndata.AnnData:
    """With hours, in Tokyo."""
    return with_column(
        pd.to_datetime(repeated(["2024-03-01 10:30", "2023-12-31 00:00"])).tz_localize("Asia/Tokyo"), "moment"
    )


@case(memory_only="anndata refuses dates as categories")
def categories_that_are_dates() -> anndata.AnnData:
    """``astype("category")`` of dates."""
    return with_column(pd.Categorical(pd.to_datetime(repeated(["2024-03-01", None, "2023-12-31"]))), "day")


@case(memory_only="anndata refuses durations")
def durations() -> anndata.AnnData:
    """Hours since an injection."""
    return with_column(pd.to_timedelta(repeated([1, 24]), unit="h"), "since")


@case(memory_only="anndata refuses periods")
def periods() -> anndata.AnnData:
    """Months of a study."""
    return with_column(pd.PeriodIndex(repeated(["2024-03", "2023-12"]), freq="M"), "month")


@case(memory_only="anndata refuses intervals")
def intervals() -> anndata.AnnData:
    """``pd.cut`` of ages."""
    return with_column(pd.cut(np.arange(CELLS), [-1, 5, 12, 100]), "age")


@case(memory_only="anndata refuses lists as values")
def lists_as_values() -> anndata.AnnData:
    """https://github.com/theislab/zellkonverter/issues/58: each cell has a list."""
    return with_column(pd.Series([["a"], ["a", "b"]] * (CELLS // 2)).to_numpy(), "labels")


@case(notes=["complex"])
def complex_numbers() -> anndata.AnnData:
    """No colour says what they are."""
    return with_column(np.arange(CELLS) * 1j)


@case()
def categories_that_pandas_keeps_as_strings() -> anndata.AnnData:
    """What pandas 3 makes of any text: https://github.com/chanzuckerberg/cellxgene/issues/2625."""
    return with_column(pd.Categorical(pd.array(repeated(["b", "a", None]), dtype="string")), "arrow")


@case()
def nothing_in_obs() -> anndata.AnnData:
    """Names of cells and no column."""
    adata = cells()
    return anndata.AnnData(adata.X, obs=adata.obs[[]], var=adata.var, obsm=dict(adata.obsm))


@case(forms=["h5ad"])
def three_thousand_columns() -> anndata.AnnData:
    """Scores of every pathway in obs: https://github.com/chanzuckerberg/cellxgene/issues/1199."""
    adata = cells()
    scores = np.random.default_rng(1).normal(size=(CELLS, 3000)).astype(np.float32)
    wide = pd.DataFrame(scores, index=adata.obs_names, columns=[f"pathway {i}" for i in range(3000)])
    adata.obs = pd.concat([adata.obs, wide], axis=1)
    return adata


@case(memory_only="anndata refuses pandas' sparse columns")
def sparse_columns() -> anndata.AnnData:
    """One-hot columns of ``pd.get_dummies(sparse=True)``."""
    adata = cells()
    adata.obs["floats"] = pd.arrays.SparseArray(np.arange(CELLS) % 3 * 1.5)
    adata.obs["integers"] = pd.arrays.SparseArray(np.arange(CELLS) % 3)
    adata.obs["booleans"] = pd.arrays.SparseArray(np.arange(CELLS) % 3 == 0)
    return adata


@case(memory_only="anndata refuses dates as objects")
def dates_as_objects() -> anndata.AnnData:
    """``datetime.date`` as a database gives it."""
    return with_column([datetime.date(2024, 1, 1 + i % 3) for i in range(CELLS)], "taken")


@case(memory_only="anndata refuses tuples as categories")
def pairs_as_categories() -> anndata.AnnData:
    """``groupby`` of two columns."""
    return with_column(pd.Categorical(repeated([("a", 1), ("b", 2)])), "pair")


@case(memory_only="anndata refuses numbers and texts among categories")
def categories_that_are_called_alike() -> anndata.AnnData:
    """1 and "1" are two categories: https://github.com/scverse/anndata/issues/33."""
    return with_column(pd.Categorical(repeated([1, "1", None]), categories=[1, "1"]), "sample")


@case(memory_only="anndata refuses durations as categories")
def durations_as_categories() -> anndata.AnnData:
    """Hours since an injection, as groups."""
    return with_column(pd.Categorical(pd.to_timedelta(repeated([1, 24]), unit="h")), "since")


@case(lacks={"export": "prepare() writes 1.0 as 1"})
def numbers_as_categories_with_missing_ones() -> anndata.AnnData:
    """``astype("category")`` of clusters that some cells lack makes floats of them."""
    adata = with_column(pd.Series(repeated([1.0, np.nan, 2.0]), index=cells().obs_names).astype("category"), "cluster")
    adata.obs["nullable"] = pd.Series(repeated([3, None, 1]), dtype="Int64", index=adata.obs_names).astype("category")
    return adata


@case(forms=EVERY_FORM)
def categories_as_some_other_type() -> anndata.AnnData:
    """Integers of eight bits, without a sign, as codes of plates."""
    adata = with_column(pd.Categorical(np.array(repeated([200, 3, 77]), dtype="uint8")), "plate")
    adata.obs["signed"] = pd.Categorical(np.array(repeated([-5, 0, 5]), dtype="int16"))
    return adata


@case(memory_only="anndata cannot write moments")
def moments_beyond_nanoseconds() -> anndata.AnnData:
    """The years 1000 and 3000, in seconds, and a column of none but missing moments."""
    adata = cells()
    far = np.array(repeated(["1000-01-01", "3000-06-30T12:00:00", "NaT"]), dtype="datetime64[s]")
    adata.obs["century"] = pd.Categorical(pd.Series(far, index=adata.obs_names).astype(str))
    adata.obs["moment"] = far
    adata.obs["never"] = np.full(CELLS, np.datetime64("NaT"), dtype="datetime64[ns]")
    return adata


@case(memory_only="anndata cannot write such objects", lacks={"export": "prepare() takes numbers as objects for texts"})
def whole_numbers_without_an_end() -> anndata.AnnData:
    """Python's own, beyond 64 bits, few of which differ."""
    return with_column(np.array(repeated([2**64 - 1, 2**63, None]), dtype=object))


@case()
def numbers_of_16_bits() -> anndata.AnnData:
    """Scores of a model on a GPU."""
    return with_column(np.array(repeated([0.1, 65504.0, np.nan, -1e-7]), dtype=np.float16))


@case(forms=["h5ad"], lacks={"h5ad": "read by us it is refused, as are long doubles in zarr by zarr"})
def numbers_of_more_than_64_bits() -> anndata.AnnData:
    """np.longdouble, as some compilers have it."""
    return with_column(np.array(repeated([0.5, 16_777_217.0, np.nan]), dtype=np.longdouble))


@case()
def whole_numbers_of_8_bits_that_may_be_missing() -> anndata.AnnData:
    """Where a mask is set, what lies below means nothing."""
    adata = with_column(pd.array(repeated([255, None, 0]), dtype="UInt8"), "plate")
    adata.obs["level"] = pd.arrays.IntegerArray(np.full(CELLS, 99, dtype=np.int16), np.arange(CELLS) % 2 == 0)
    return adata


@case(lacks={"export": "prepare() writes inf as a category of its own"})
def categories_that_are_endless_or_negative_zero() -> anndata.AnnData:
    """Doses of infinity, of 0 and below."""
    return with_column(pd.Categorical(repeated([np.inf, -np.inf, 0.0, -1.0, np.nan])))


@case(forms=["h5ad"], lacks={"export": "prepare() prints bytes as Python does"})
def bytes_as_values() -> anndata.AnnData:
    """A column of a file that was read without decoding it."""
    return with_column(np.array(repeated([b"a", b"b"]), dtype="S1"))


@case(forms=EVERY_FORM)
def texts_that_are_all_missing() -> anndata.AnnData:
    """A column that nobody filled in."""
    return with_column(pd.array([None] * CELLS, dtype="string"))


@case()
def one_empty_category() -> anndata.AnnData:
    """Every cell has a text, and it is empty."""
    return with_column(pd.Categorical([""] * CELLS))


@case(forms=EVERY_FORM)
def categories_of_which_none_is_used() -> anndata.AnnData:
    """All cells are missing, the categories are still there, in an order."""
    column = pd.Categorical([None] * CELLS, categories=["low", "high"], ordered=True)
    adata = with_column(column)
    adata.uns["column_colors"] = ["red", "blue"]
    return adata


@case()
def texts_that_look_like_truth_values_and_numbers() -> anndata.AnnData:
    """What a table of texts holds is texts."""
    adata = with_column(pd.Categorical(repeated(["True", "False"])), "flag")
    adata.obs["cluster"] = pd.Categorical(
        repeated(["10", "9", "1e3", "-1", "0.5"]), categories=["10", "9", "1e3", "-1", "0.5"]
    )
    return adata
