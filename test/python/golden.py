"""The golden files that vitest reads too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "protocol" / "fixtures"


def read_json(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def read_bytes(name: str) -> bytes:
    return (FOLDER / f"{name}.bin").read_bytes()
