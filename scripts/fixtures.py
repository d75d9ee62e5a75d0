"""Write the golden files of `protocol/fixtures/`, which vitest and pytest both read.

Frames, cells and signatures come from the Python half; column frames, which Python never sends, are packed here by
hand, so that the TypeScript codec is held against something that is not itself.

Run: python scripts/fixtures.py [folder]
"""

from __future__ import annotations

import hashlib
import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "python"))

from cellucid_notebook._data.cells import encode_cells  # noqa: E402
from cellucid_notebook._data.text_sample import sampled_runs  # noqa: E402
from cellucid_notebook._wire import protocol  # noqa: E402
from cellucid_notebook._wire.frame import encode_message  # noqa: E402
from cellucid_notebook._wire.visible_text import visible  # noqa: E402
from cellucid_notebook.errors import KNOWN_CODES  # noqa: E402

FOLDER = ROOT / "protocol" / "fixtures"
TOKEN = bytes(range(32)).hex()
VIEWER_ID = "0123456789abcdef"


def pattern(length: int) -> bytes:
    """A body that every test can make anew: byte i is (7 i + i // 251) mod 256."""
    index = np.arange(length, dtype=np.uint32)
    return ((index * 7 + index // 251) & 255).astype(np.uint8).tobytes()


def probe() -> dict[str, Any]:
    """Signed probes and their proofs."""
    cases = []
    for instance_id, base, origin, ancestors in (
        ("srv-1", "http://127.0.0.1:8765/", "http://localhost:8888", ""),
        (
            "00ff00ff00ff00ff",
            "https://hub.example/user/alice%40x/proxy/8765/",
            "https://hub.example",
            "https://a.example https://b.example:8443",
        ),
    ):
        claims = protocol.ProbeClaims(VIEWER_ID, "A" * 22, instance_id, base, origin, ancestors)
        question = protocol.probe_text(claims)
        answer = protocol.health_text(viewer_id=VIEWER_ID, nonce=claims.nonce, instance_id=instance_id)
        cases.append(
            {
                "viewerId": VIEWER_ID,
                "nonce": claims.nonce,
                "instanceId": instance_id,
                "base": base,
                "origin": origin,
                "ancestors": ancestors,
                "mac": protocol.sign(TOKEN, question),
                "proof": protocol.sign(TOKEN, answer),
            }
        )
    return {"token": TOKEN, "cases": cases}


def frames() -> tuple[dict[str, Any], bytes]:
    """Small messages as the bytes of one stream, and large ones, cut into parts, by their digest."""
    small: list[tuple[dict[str, Any], bytes]] = [
        ({"kind": "ping"}, b""),
        ({"kind": "pad", "x": "1"}, pattern(5)),
        ({"kind": "pad", "x": "12345678"}, pattern(16)),
        ({"kind": "text", "name": "naïve αβ T-Zellen 🧬"}, pattern(1)),
        ({"jsonrpc": "2.0", "id": 7, "method": "viewer.open", "params": {"a": [1, 2.5, None, True]}}, b""),
    ]
    stream = b"".join(
        head + bytes(part) for header, body in small for head, part in encode_message(header, body, stream=1)
    )
    large = []
    for length in (1_048_536, 1_048_537, 2_500_001):
        header = {"jsonrpc": "2.0", "method": "cells"}
        parts = [head + bytes(part) for head, part in encode_message(header, pattern(length), stream=3)]
        digest = hashlib.sha256(b"".join(parts)).hexdigest()
        large.append({"header": header, "bodyBytes": length, "stream": 3, "frames": len(parts), "sha256": digest})
    messages = [{"header": header, "body": body.hex()} for header, body in small]
    return {"messages": messages, "large": large}, stream


def cells() -> dict[str, Any]:
    """Sets of cells in both forms."""
    cases = []
    for cell_count, indices in (
        (0, []),
        (8, []),
        (9, [8]),
        (700, [0, 1, 699]),
        (700, list(range(0, 700, 3))),
        (17, list(range(17))),
    ):
        head, body = encode_cells(np.array(indices, dtype=np.uint32), cell_count)
        cases.append({"cells": indices, "head": head, "body": body.hex()})
    broken = [
        {"why": "descending", "head": {"encoding": "u32", "count": 2, "cellCount": 9}, "body": "0300000002000000"},
        {"why": "twice", "head": {"encoding": "u32", "count": 2, "cellCount": 9}, "body": "0300000003000000"},
        {"why": "outside", "head": {"encoding": "u32", "count": 1, "cellCount": 9}, "body": "09000000"},
        {"why": "short", "head": {"encoding": "u32", "count": 2, "cellCount": 9}, "body": "03000000"},
        {"why": "bit outside", "head": {"encoding": "bitmap", "count": 1, "cellCount": 9}, "body": "0002"},
        {"why": "miscounted", "head": {"encoding": "bitmap", "count": 2, "cellCount": 9}, "body": "0100"},
        {"why": "more than all", "head": {"encoding": "bitmap", "count": 10, "cellCount": 9}, "body": "ffff"},
    ]
    return {"cases": cases, "broken": broken}


def pack_column(head: dict[str, Any], *sections: np.ndarray) -> bytes:
    """A column frame by hand: magic, u32 header length, header padded to 8, sections aligned to 8."""
    listed = [[section.dtype.str[1:], len(section)] for section in sections]
    header = json.dumps({**head, "sections": listed}, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-(12 + len(header)) % 8)
    frame = b"CELLUCD\x01" + struct.pack("<I", len(header)) + header
    for section in sections:
        frame += b"\0" * (-len(frame) % 8) + section.tobytes()
    return frame + b"\0" * (-len(frame) % 8)


def columns() -> dict[str, tuple[dict[str, Any], bytes]]:
    """Column frames by file name, each with what it must decode to; `null` among values is NaN."""
    nan = float("nan")
    dense = np.array([0.5, nan, -2, 3.25, 0], "<f4")
    rows, stored = np.array([1, 4, 5], "<u4"), np.array([2, 0.25, 7], "<f4")
    few, many = np.array([0, 2, 255, 1], "<u1"), np.array([0, 299, 65535], "<u2")
    names = ["B cells", "T cells <i>", "αβ"]
    many_names = [f"c{number}" for number in range(300)]
    spots = np.array([0, 0, 1, -0.5, nan, 1], "<f4")
    ranged = {"min": -2, "max": 3.25, "missingCells": 1}
    return {
        "column-dense": (
            {"n": 5, "values": [0.5, None, -2, 3.25, 0], **ranged, "kind": "dense"},
            pack_column({"kind": "dense", **ranged, "n": 5}, dense),
        ),
        "column-dense-doubles": (
            {
                "n": 3,
                "values": [1e300, None, 2**53 - 1],
                "min": 2**53 - 1,
                "max": 1e300,
                "missingCells": 1,
                "kind": "dense",
            },
            pack_column(
                {"kind": "dense", "min": 2**53 - 1, "max": 1e300, "missingCells": 1, "n": 3},
                np.array([1e300, nan, 2**53 - 1], "<f8"),
            ),
        ),
        "column-dense-integers": (
            {
                "n": 3,
                "values": [-5, 2**31 - 1, 20230101],
                "min": -5,
                "max": 2**31 - 1,
                "missingCells": 0,
                "kind": "dense",
            },
            pack_column(
                {"kind": "dense", "min": -5, "max": 2**31 - 1, "missingCells": 0, "n": 3},
                np.array([-5, 2**31 - 1, 20230101], "<i4"),
            ),
        ),
        "column-sparse-integers": (
            {
                "n": 6,
                "kind": "sparse",
                "rows": [1, 5],
                "values": [2**32 - 1, 7],
                "min": 0,
                "max": 2**32 - 1,
                "missingCells": 0,
                "note": "rounded",
            },
            pack_column(
                {"kind": "sparse", "n": 6, "min": 0, "max": 2**32 - 1, "missingCells": 0, "note": "rounded"},
                np.array([1, 5], "<u4"),
                np.array([2**32 - 1, 7], "<u4"),
            ),
        ),
        "column-sparse": (
            {
                "n": 6,
                "kind": "sparse",
                "rows": [1, 4, 5],
                "values": [2, 0.25, 7],
                "min": 0,
                "max": 7,
                "missingCells": 0,
            },
            pack_column({"kind": "sparse", "n": 6, "min": 0, "max": 7, "missingCells": 0}, rows, stored),
        ),
        "column-codes": (
            {
                "n": 4,
                "kind": "codes",
                "codes": few.tolist(),
                "categories": names,
                "ordered": True,
                "colors": ["#ff0000", "teal", "#00f"],
                "missingCells": 1,
            },
            pack_column(
                {
                    "kind": "codes",
                    "categories": names,
                    "ordered": True,
                    "colors": ["#ff0000", "teal", "#00f"],
                    "missingCells": 1,
                    "n": 4,
                },
                few,
            ),
        ),
        "column-codes-wide": (
            {
                "n": 3,
                "kind": "codes",
                "codes": many.tolist(),
                "categories": many_names,
                "ordered": False,
                "colors": ["#808080"] * len(many_names),
                "missingCells": 1,
            },
            pack_column(
                {
                    "kind": "codes",
                    "categories": many_names,
                    "ordered": False,
                    "colors": ["#808080"] * len(many_names),
                    "missingCells": 1,
                    "n": 3,
                },
                many,
            ),
        ),
        "embedding": (
            {
                "n": 3,
                "kind": "embedding",
                "key": "X_umap",
                "dimensions": 2,
                "positions": [0, 0, 1, -0.5, None, 1],
                "center": [1.5, -3],
                "scale": 12.5,
                "low": [0, -0.5],
                "high": [1, 0],
                "missingCells": 1,
                "yDown": False,
            },
            pack_column(
                {
                    "kind": "embedding",
                    "key": "X_umap",
                    "dimensions": 2,
                    "center": [1.5, -3],
                    "scale": 12.5,
                    "low": [0, -0.5],
                    "high": [1, 0],
                    "missingCells": 1,
                    "yDown": False,
                    "n": 3,
                },
                spots,
            ),
        ),
    }


def labels() -> list[dict[str, Any]]:
    """Labels of categories that are numbers: what scanpy's legend prints, which is ``str`` of each."""
    doubles = [1.0, 0.5, -2.0, 0.1, 1e-05, 0.0001, 123456789.0, 1e15, 1e16, 1e22, 123456789012345680.0]
    doubles += [1e300, 1e-300, -0.0, float("inf"), float("-inf")]
    singles = [1.0, 0.5, 0.1, 1e-05, 16777216.0, 1e16, 3.4e38, -0.0, float("inf")]
    whole = {
        "int8": [-5, 0, 10],
        "int64": [2**60, -(2**53) - 1, 20230101],
        "uint64": [2**63 + 1, 5],
        "uint16": [65535],
    }
    values = {
        "float64": np.array(doubles),
        "float32": np.array(singles, "f4"),
        "bool": np.array([False, True]),
        **{name: np.array(numbers, name) for name, numbers in whole.items()},
    }
    return [
        {"dtype": name, "bytes": array.tobytes().hex(), "labels": [str(value) for value in array.tolist()]}
        for name, array in values.items()
    ]


def urls() -> dict[str, Any]:
    """URLs of the page, and texts that are or are not a base."""
    base = "https://hub.example/user/alice/proxy/8765/"
    return {
        "page": {
            "base": base,
            "viewerId": VIEWER_ID,
            "token": TOKEN,
            "frameUrl": f"{base}?jupyter=true&viewerId={VIEWER_ID}#viewerToken={TOKEN}",
            "viewerUrl": protocol.viewer_url(base, VIEWER_ID, TOKEN),
        },
        "bases": [
            ["http://127.0.0.1:8765", "http://127.0.0.1:8765/"],
            ["https://your.domain.example/cellucid", "https://your.domain.example/cellucid/"],
            ["https://your.domain.example/cellucid/?a=b#c", "https://your.domain.example/cellucid/"],
            ["ftp://127.0.0.1/", None],
            ["https://user:secret@hub.example/", None],
            ["127.0.0.1:8765", None],
            ["", None],
        ],
    }


def secrets() -> list[dict[str, str]]:
    """Texts that hold secrets, and what may be shown of them, in a log, a console line or a report."""
    token, key = "ab" * 32, "Zz_-" * 10 + "123"
    shown = {
        f"http://a/?viewerId=12&viewerToken={token}&x=1": "http://a/?viewerId=12&viewerToken=[removed]&x=1",
        f"http://a/#viewerToken={token}&nonce=abc": "http://a/#viewerToken=[removed]&nonce=[removed]",
        f"X-Cellucid-Key: {key}": "X-Cellucid-Key: [removed]",
        "x-cellucid-key: short": "x-cellucid-key: [removed]",
        f'{{"pageKey":"{key}"}}': '{"pageKey":"[removed]"}',
        "{'viewerToken': 'abc', 'n': 1}": "{'viewerToken': '[removed]', 'n': 1}",
        "https://hub/lab?token=abc#x": "https://hub/lab?token=[removed]#x",
        "(at https://hub/lab?_xsrf=1|2&access_token=x)": "(at https://hub/lab?_xsrf=[removed]&access_token=[removed])",
        f"token {token}": "token [removed]",
        f"token {token.upper()}": "token [removed]",
        f"of 48: {token[:48]}": "of 48: [removed]",
        f"é{key}é": "é[removed]é",
        f"{token}{token}": "[removed]",
        "8a88bfa56780a12a is a viewer": "8a88bfa56780a12a is a viewer",
        'Gene "CD3D" is not in var_names (765 names).': 'Gene "CD3D" is not in var_names (765 names).',
        "token = abc, as a sentence says it": "token = abc, as a sentence says it",
    }
    return [{"text": text, "shown": rest} for text, rest in shown.items()]


def shown_texts() -> list[dict[str, str]]:
    """Names as data may hold them, and as they are shown."""
    texts = [
        "CD3D",
        "β-cell 细胞 🧬",
        "a\tb\nc\r",
        "\x1b[31mred\x1b[0m",
        "\x00",
        "\x9b2J",
        "a\u202egnp.exe",
        "\u2066x\u2069",
    ]
    texts += ["\u200f\u061c\u200e", "line\u2028next\u2029", "zero\u200bwidth"]
    return [{"text": text, "shown": visible(text)} for text in texts]


def embeddings() -> dict[str, Any]:
    """What can be drawn of obsm, which of it is shown first, and what a name means.

    ``containers``: which forms of a table of two or more columns can be drawn, and how many columns they have.
    ``widths``: NumPy's types of coordinates, and in which they travel before they are centred.
    ``first``: keys of obsm with their columns (and container where it is no array), what ``uns`` says, and the first.
    """
    containers = {
        "float64": [True, 2],
        "float32": [True, 2],
        "float16": [True, 2],
        "whole numbers": [True, 2],
        "all NaN": [True, 2],
        "a list": [True, 1],
        "csr": [True, 2],
        "csc": [True, 2],
        "table": [True, 2],
        "table with a text behind": [True, 4],
        "ten columns": [True, 10],
        "True and False": [False, 2],
        "complex": [False, 2],
        "texts": [False, 2],
        "records": [False, 1],
        "cube": [False, 0],
        "no columns": [False, 0],
        "table with a text": [False, 2],
        "table of True and False": [False, 2],
        "sparse True and False": [False, 2],
    }
    widths = {"f2": "f4", "f4": "f4", "f8": "f8", "i1": "f4", "i2": "f4", "i4": "f8", "i8": "f8"}
    widths |= {"u1": "f4", "u2": "f4", "u4": "f8", "u8": "f8"}
    first: list[tuple[dict[str, Any], str | None, str | None]] = [
        ({"PCA": 20, "TSNE": 2, "UMAP": 2}, None, "UMAP"),
        ({"X_pca": 50, "X_tsne": 2, "X_umap": 2}, None, "X_umap"),
        ({"X_umap": 10}, None, "X_umap"),
        ({"X_umap": 10, "X_tsne": 2}, None, "X_tsne"),
        ({"X_umap": [2, "table"]}, None, "X_umap"),
        ({"X_umap": [2, "csr"], "X_pca": 30}, None, "X_umap"),
        ({"X_umap": [2, "texts"], "X_pca": 30}, None, "X_pca"),
        ({"X_umap_2d": 2, "X_umap_3d": 3, "X_umap": 2}, None, "X_umap_2d"),
        ({"X_pca": 30, "X_pca_harmony": 30, "harmony_umap": 2}, None, "harmony_umap"),
        ({"X_scVI": 30, "X_pca_harmony": 20}, None, "X_pca_harmony"),
        ({"X_scVI": 30, "X_phate": 2, "X_pca": 30}, None, "X_phate"),
        ({"X_scVI": 30, "PHATE": 2, "PCA": 30}, None, "PHATE"),
        ({"X_draw_graph_fa": 2, "X_diffmap": 15}, None, "X_draw_graph_fa"),
        ({"X_lsi": 50, "spatial": 2}, None, "spatial"),
        ({"spatial": 2, "t-SNE": 3}, None, "t-SNE"),
        ({"loadings": 2, "X_scVI": 30}, None, "loadings"),
        ({"loadings": 1, "my map": 2}, None, "my map"),
        ({"humapX": 2, "X_pca": 30}, None, "X_pca"),
        ({"X_scVI": 30, "X_lsi": 50, "X_diffmap": 15}, None, None),
        ({}, None, None),
        ({"X_umap": 2, "X_tsne": 2}, "X_tsne", "X_tsne"),
        ({"X_umap": 2, "X_scVI": 30}, "X_scVI", "X_scVI"),
        ({"X_umap": 2, "X_tsne": 2}, "tsne", "X_tsne"),
        ({"X_umap": 2, "X_tsne": 2}, "X_gone", "X_umap"),
        ({"X_umap": 2, "X_tsne": [2, "texts"]}, "X_tsne", "X_umap"),
    ]
    named = [
        (["X_umap", "X_pca"], "X_umap", ["X_umap"]),
        (["X_umap", "X_pca"], "umap", ["X_umap"]),
        (["X_umap", "X_pca"], "UMAP", ["X_umap"]),
        (["UMAP", "PCA"], "umap", ["UMAP"]),
        (["rna:X_umap", "prot:X_umap"], "rna:umap", ["rna:X_umap"]),
        (["rna:X_umap", "prot:X_umap"], "umap", []),
        (["UMAP", "PCA"], "X_umap", ["UMAP"]),
        (["umap", "X_umap"], "umap", ["umap"]),
        (["umap", "X_umap"], "X_umap", ["X_umap"]),
        (["umap", "X_umap"], "UMAP", ["umap", "X_umap"]),
        (["X_umap", "X_UMAP"], "Umap", ["X_umap", "X_UMAP"]),
        (["X_umap"], "X_unap", []),
        (["X_"], "", ["X_"]),
        ([], "umap", []),
    ]
    return {
        "containers": {name: {"drawn": drawn, "columns": columns} for name, (drawn, columns) in containers.items()},
        "widths": widths,
        "first": [{"obsm": obsm, "own": own, "first": key} for obsm, own, key in first],
        "named": [{"keys": keys, "name": name, "found": found} for keys, name, found in named],
    }


def text_samples() -> dict[str, Any]:
    """Which texts of a column are looked at, and whether what was found there names cells.

    ``runs``: by number of rows, first row and the one behind the last. ``samples``: looked at, different, once,
    twice, of how many rows, and the answer.
    """
    samples: list[tuple[list[int], bool]] = [
        ([0, 0, 0, 0, 0], False),
        ([24, 20, 18, 1, 24], False),
        ([24, 21, 20, 0, 24], True),
        ([1000, 500, 300, 100, 1000], False),
        ([1000, 501, 300, 100, 1000], True),
        ([1000, 1000, 1000, 0, 5000], True),
        ([1000, 787, 606, 152, 5000], False),
        ([1000, 751, 750, 0, 5000], True),
        ([1000, 500, 300, 100, 10**6], False),
        ([1000, 983, 967, 16, 10**6], False),
        ([1000, 995, 990, 5, 10**6], True),
        ([1000, 0, 0, 0, 5000], False),
        ([1000, 100, 100, 0, 5000], False),
        ([1000, 100, 100, 0, 10**6], False),
        ([1000, 600, 600, 0, 5000], True),
    ]
    return {
        "runs": {
            str(rows): [[run.start, run.stop] for run in sampled_runs(rows)] for rows in (0, 1, 1000, 1001, 2500, 10**6)
        },
        "samples": [{"sample": sample, "areIdentifiers": answer} for sample, answer in samples],
    }


def names() -> dict[str, Any]:
    """The closed lists that both languages switch on."""
    return {
        "protocolVersion": protocol.PROTOCOL_VERSION,
        "maxFrameBytes": protocol.MAX_FRAME_BYTES,
        "maxBodyBytes": protocol.MAX_BODY_BYTES,
        "commands": sorted(protocol.COMMANDS),
        "stateLikeCommands": sorted(protocol.STATE_LIKE_COMMANDS),
        "selection": protocol.SELECTION,
        "events": sorted(protocol.EVENTS),
        "kernelCalls": sorted(protocol.KERNEL_CALLS),
        "serverCalls": sorted(protocol.SERVER_CALLS),
        "sourceReads": sorted(protocol.SOURCE_READS),
        "kernelMessages": sorted(protocol.KERNEL_MESSAGES),
        "widgetMessages": sorted(protocol.WIDGET_MESSAGES),
        "knownErrorCodes": sorted(KNOWN_CODES),
    }


def write(folder: Path) -> None:
    """Write all golden files into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    described, stream = frames()
    packed = columns()
    documents = {
        "probe": probe(),
        "frames": described,
        "cells": cells(),
        "embeddings": embeddings(),
        "columns": {name: expected for name, (expected, _) in packed.items()},
        "urls": urls(),
        "names": names(),
        "labels": labels(),
        "text-samples": text_samples(),
        "secrets": secrets(),
        "shown-texts": shown_texts(),
    }
    for name, document in documents.items():
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    for name, content in {"frames": stream, **{name: frame for name, (_, frame) in packed.items()}}.items():
        (folder / f"{name}.bin").write_bytes(content)


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
