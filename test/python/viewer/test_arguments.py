"""Every public argument is checked where it comes in: what was asked, what was found, what to do."""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from typing import Any

import anndata
import cellucid_notebook
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from cellucid_notebook import SessionBundle, Viewer, show, show_anndata
from cellucid_notebook._server import process
from cellucid_notebook.errors import CellucidError, UnknownCellError

OURS = str(Path(cellucid_notebook.__file__).parent)


@pytest.mark.parametrize(
    ("height", "px"),
    [(600, 600), (np.int64(640), 640), (600.0, 600), (np.float32(500.4), 500), ("450px", 450), (7, 100)],
)
def test_a_height_may_be_any_number_of_pixels(pbmc: anndata.AnnData, height: Any, px: int) -> None:
    assert show_anndata(pbmc, height=height).height == px


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"height": "100%"}, ValueError, r"height='100%' is no height: .*height=600 or height='600px'"),
        (
            {"colour": "louvain"},
            TypeError,
            r"unexpected keyword argument 'colour'; most like it: color\. It takes",
        ),
        ({"height": None}, ValueError, r"height=None \(NoneType\) is not a positive number"),
        ({"height": float("nan")}, ValueError, "height=nan"),
        ({"color": ["louvain", "CD3D"]}, TypeError, r"found \['louvain', 'CD3D'\] \(list\)\. One is shown at a time"),
        ({"color": ("louvain", "CD3D")}, TypeError, "One is shown at a time"),
        ({"color": np.array(["louvain"])}, TypeError, "One is shown at a time"),
        ({"color": 5}, LookupError, r"color=5 \(int\) is no column of obs"),
        ({"embedding": 2}, TypeError, r"embedding takes a key of adata.obsm, as a text; found 2 \(int\)"),
        ({"embedding": ["X_umap"]}, TypeError, "embedding takes"),
        ({"gene_symbols": 1}, TypeError, "gene_symbols takes a column of adata.var"),
        ({"layer": 3}, TypeError, "layer takes a key of adata.layers"),
        ({"use_raw": "yes"}, TypeError, r"use_raw takes True or False; found 'yes' \(str\)"),
        ({"port": "8765"}, ValueError, r"port='8765' \(str\) is not a port number"),
        ({"snapshot": "no"}, TypeError, "snapshot takes True or False"),
        ({"ui": 3}, ValueError, "ui=3 is no viewer"),
        ({"client_server_url": 8765}, TypeError, "client_server_url takes an http"),
    ],
)
def test_what_show_anndata_cannot_use_is_refused_in_words(
    pbmc: anndata.AnnData, asked: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        show_anndata(pbmc, **asked)
    assert isinstance(caught.value, CellucidError)


def test_numpys_own_kinds_are_as_good_as_pythons(pbmc: anndata.AnnData) -> None:
    viewer = show_anndata(
        pbmc,
        color=np.str_("louvain"),
        embedding=np.str_("UMAP"),
        use_raw=np.False_,
        snapshot=np.True_,
        height=np.int8(9),
    )
    viewer.set_visibility([1], np.False_)
    viewer.highlight_cells([np.int64(1)], color=np.array([1, 0.5, 0]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda v: v.set_color_by(3), LookupError, r"color=3 \(int\) is no column of obs"),
        (lambda v: v.set_color_by(["louvain"]), TypeError, "One is shown at a time"),
        (lambda v: v.set_color_by("louvain", layers="X"), TypeError, "'layers'; most like it: layer"),
        (lambda v: v.set_embedding(), TypeError, r"missing 1 required positional argument: 'name'\. It takes name"),
        (lambda v: v.set_embedding(None), TypeError, "embedding takes a key of adata.obsm"),
        (lambda v: v.highlight_cells([1], color=(255, 0, 0)), ValueError, r"from 0 to 1; found \(255, 0, 0\)"),
        (lambda v: v.highlight_cells([1], color=(1, 0, 0, 0.5)), ValueError, "Highlights are opaque"),
        (lambda v: v.highlight_cells([1], color=5), TypeError, "A colour is a text"),
        (lambda v: v.highlight_cells("AAAGCCTGGCTAAC-1"), ValueError, "one list or one mask; found 'AAAG"),
        (lambda v: v.select_cells([[1], [2, 3]]), ValueError, "lists of different lengths"),
        (lambda v: v.select_cells(pd.array([True, None], dtype="boolean")), TypeError, "some of them missing"),
        (lambda v: v.set_visibility([1], "no"), TypeError, "visible takes True or False"),
        (lambda v: v.send_message(5), ValueError, r"needs a type.*found 5 \(int\)"),
        (lambda v: v.screenshot(5), TypeError, "path takes the path of a file to write; found 5"),
        (lambda v: v.screenshot("/no/such/folder/x.png"), FileNotFoundError, "no folder /no/such/folder"),
        (lambda v: v.screenshot(scale="2"), TypeError, "scale takes pixels"),
        (lambda v: v.screenshot(timeout=-1), ValueError, "timeout=-1"),
        (lambda v: v.load_session(5), TypeError, "path takes the path of a file to read"),
        (lambda v: v.selected("louvain"), TypeError, "selected takes the AnnData that was shown; found str"),
        (lambda v: v.on_selection(None), TypeError, "takes a function to call; found None"),
        (lambda v: v.on_ready(3), TypeError, "takes a function"),
        (lambda v: v.register_hook("selecton", print), ValueError, "most like it: selection"),
        (lambda v: v.wait_for_event("clik", 1), ValueError, "most like it: click"),
        (lambda v: v.wait_for_event("click", "1"), TypeError, "timeout takes how many seconds"),
        (lambda v: v.wait_for_event("click", 1, predicate=3), TypeError, "predicate takes a function"),
        (lambda v: v.wait_for_ready("soon"), TypeError, "timeout takes how many seconds"),
        (lambda v: v.apply_session_to_anndata(3), TypeError, "adata takes the AnnData"),
        (lambda v: v.ensure_web_ui_cached(force="y"), TypeError, "force takes True or False"),
    ],
)
def test_what_a_method_cannot_use_is_refused_in_words(
    pbmc: anndata.AnnData, call: Any, error: type[Exception], message: str
) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(error, match=message) as caught:
        call(viewer)
    assert isinstance(caught.value, CellucidError)
    assert viewer._link.waiting == 0


def test_rgb_is_a_colour_as_matplotlib_writes_it(pbmc: anndata.AnnData, open_page: Any) -> None:
    viewer = show_anndata(pbmc)
    viewer.highlight_cells([1], color=(1, 0.5, 0))
    viewer.highlight_cells([2], color=[0, 0, 1, 1])
    page = open_page(viewer)
    assert page.wait_command("highlight")[0]["color"] == "#ff8000"
    assert page.wait_command("highlight", 2)[0]["color"] == "#0000ff"


def cells_of(adata: anndata.AnnData) -> dict[str, Any]:
    """The same cells, 3 and 5, in all the ways that they may be named."""
    mask = np.zeros(adata.n_obs, dtype=bool)
    mask[[3, 5]] = True
    return {
        "a view": adata[[3, 5]],
        "a view of a view": adata[[1, 3, 5]][[1, 2]],
        "a view in another order": adata[[5, 3]],
        "another AnnData": adata[[3, 5]].copy(),
        "an index": adata.obs_names[[3, 5]],
        "rows of obs": adata.obs.iloc[[3, 5]],
        "a mask": mask,
        "a list of bools": mask.tolist(),
        "a Series": pd.Series(mask, index=adata.obs_names),
        "a nullable mask": pd.array(mask, dtype="boolean"),
        "a sparse column": scipy.sparse.csr_matrix(mask[:, None]),
        "a dense column": mask[:, None],
        "positions": [3, 5],
        "a range": range(3, 6, 2),
        "a slice": slice(3, 6, 2),
        "a set": {3, 5},
        "a generator": (cell for cell in (3, 5)),
        "names": adata.obs_names[[3, 5]].tolist(),
        "a categorical": pd.Categorical(adata.obs_names[[3, 5]]),
    }


def test_cells_may_be_named_in_every_way_everywhere(pbmc: anndata.AnnData, tmp_path: Path) -> None:
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad")
    in_memory, in_a_file = show_anndata(pbmc), show_anndata(tmp_path / "pbmc.h5ad")
    for viewer in (in_memory, in_a_file):
        in_a_file._data.learn_cell_count(700)
        for name, cells in cells_of(pbmc).items():
            assert viewer._indices(cells).tolist() == [3, 5], name
        for name, cells in cells_of(pbmc).items():
            viewer.highlight_cells(cells)
            assert name
        assert viewer._indices(pbmc).tolist() == list(range(700))


def test_rows_of_a_view_count_among_the_cells_that_are_shown(pbmc: anndata.AnnData) -> None:
    viewer = show_anndata(pbmc[100:200])
    assert viewer._indices(pbmc[[105, 103]]).tolist() == [3, 5]
    with pytest.raises(UnknownCellError, match=r"shows 100 cells, not '.*' among them"):
        viewer.select_cells(pbmc[:10])


def test_cells_without_names_of_their_own_are_told_by_position_or_not_at_all(pbmc: anndata.AnnData) -> None:
    pbmc.obs_names = ["same"] * 700
    viewer = show_anndata(pbmc)
    assert viewer._indices(pbmc[[3, 5]]).tolist() == [3, 5]
    with pytest.raises(ValueError, match="not unique"):
        viewer.select_cells(pbmc[[3, 5]].copy())


def lines_of_ours(error: BaseException) -> list[str]:
    seen = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    while (error := error.__context__ if not error.__suppress_context__ else None) is not None:  # type: ignore[assignment]
        seen += [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    assert not [name for name in seen if "concurrent" in name]
    return [name for name in seen if name.startswith(OURS)]


@pytest.mark.parametrize(
    "call",
    [
        lambda v, _: v.set_color_by("scor"),
        lambda v, _: v.set_color_by(["a"]),
        lambda v, _: v.highlight_cells(["no"]),
        lambda v, _: v.screenshot(timeout=0.01),
        lambda v, _: v.apply_session_to_anndata(None),
        lambda v, _: v.on_click(3),
        lambda v, _: setattr(v, "selection", ["no"]),
        lambda v, _: setattr(v, "height", "100%"),
        lambda _, adata: show_anndata(adata, color="scor"),
        lambda _, adata: show_anndata(adata, height="x"),
        lambda _, adata: show(adata),
        lambda _, __: SessionBundle.load("/no/such"),
    ],
)
def test_an_error_shows_the_users_line_and_at_most_one_of_ours(pbmc: anndata.AnnData, call: Any) -> None:
    viewer = show_anndata(pbmc)
    with pytest.raises(CellucidError) as caught:
        call(viewer, pbmc)
    assert len(lines_of_ours(caught.value)) == 1


def test_every_public_method_stands_behind_the_border() -> None:
    public = [name for name in dir(Viewer) if name in Viewer.__dir__(Viewer.__new__(Viewer))]
    methods = [name for name in public if inspect.isfunction(inspect.getattr_static(Viewer, name))]
    assert "set_color_by" in methods
    bare = [name for name in methods if not hasattr(getattr(Viewer, name), "__wrapped__")]
    assert set(bare) <= {"observe", "unobserve"}  # those of traitlets


SCRIPT = """
    from pathlib import Path
    from cellucid_notebook import show_anndata
    from cellucid_notebook._server import process
    process.SERVER_FILE = Path({server!r})
    import anndata, numpy as np
    adata = anndata.AnnData(np.eye(5, dtype="f4"), obsm={{"X_umap": np.eye(5)[:, :2]}})
    viewer = show_anndata(adata)
    viewer.set_color_by("scor")
"""


@pytest.mark.parametrize("runner", [["-c"], ["-m", "IPython", "--colors=NoColor", "-c"]], ids=["script", "IPython"])
def test_in_a_script_and_in_ipython_a_typo_takes_few_lines(runner: list[str]) -> None:
    code = textwrap.dedent(SCRIPT.format(server=str(process.SERVER_FILE)))
    ended = subprocess.run([sys.executable, *runner, code], capture_output=True, text=True, timeout=60, check=False)
    said = ended.stdout + ended.stderr
    assert "UnknownColumnError" in said
    assert "concurrent" not in said
    assert "_pipe.py" not in said
    assert said.count("cellucid_notebook/") <= 1, said


def test_a_viewer_takes_what_show_anndata_takes_and_raises_what_that_raises(pbmc: anndata.AnnData) -> None:
    taken = inspect.signature(show_anndata).parameters
    assert [*inspect.signature(Viewer).parameters.values()] == [
        parameter for name, parameter in taken.items() if name != "display"
    ]
    viewer = Viewer(pbmc, color="louvain", height=300)
    assert (viewer.color, viewer.height) == ("louvain", 300)
    with pytest.raises(LookupError, match="louvain") as caught:
        Viewer(pbmc, color="louvian")
    assert len(lines_of_ours(caught.value)) == 1


def test_nothing_is_printed_or_shown_unless_asked_for(
    pbmc: anndata.AnnData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pbmc.write_h5ad(tmp_path / "pbmc.h5ad")
    for viewer in (Viewer(pbmc), show_anndata(pbmc, display=False), show(tmp_path / "pbmc.h5ad", display=False)):
        assert viewer.server_url.startswith("http")
    assert capsys.readouterr().out == ""
    viewer.display()
    assert "Open the viewer" in capsys.readouterr().out
    with pytest.raises(TypeError, match="display takes True or False"):
        show_anndata(pbmc, display="no")  # type: ignore[arg-type]
