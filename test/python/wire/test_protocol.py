"""The wire's names, signatures and URLs, and that the golden files are what the code writes today."""

from __future__ import annotations

import filecmp
import runpy
from pathlib import Path

from cellucid_notebook._wire import protocol
from golden import FOLDER, ROOT, read_json


def test_the_golden_files_are_what_the_script_writes(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "scripts" / "fixtures.py"))["write"](tmp_path)
    names = sorted(path.name for path in FOLDER.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    different = filecmp.cmpfiles(FOLDER, tmp_path, names, shallow=False)[1:]
    assert different == ([], []), "run: python scripts/fixtures.py"


def test_probes_are_signed_as_the_widget_signs_them() -> None:
    golden = read_json("probe")
    assert golden["cases"][0]["proof"] == "3U-zjcm6CF1wWwn5EIZajR9fSUMSYjeTvgH32xkvO-M", "the published vector"
    for case in golden["cases"]:
        claims = protocol.ProbeClaims(
            case["viewerId"], case["nonce"], case["instanceId"], case["base"], case["origin"], case["ancestors"]
        )
        assert protocol.sign(golden["token"], protocol.probe_text(claims)) == case["mac"]
        answer = protocol.health_text(viewer_id=case["viewerId"], nonce=case["nonce"], instance_id=case["instanceId"])
        assert protocol.sign(golden["token"], answer) == case["proof"]


def test_the_viewer_url_is_the_promised_one() -> None:
    page = read_json("urls")["page"]
    assert protocol.viewer_url(page["base"], page["viewerId"], page["token"]) == page["viewerUrl"]
    assert protocol.direct_base(8765) == "http://127.0.0.1:8765/"
