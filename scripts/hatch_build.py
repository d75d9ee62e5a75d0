"""Hatchling's build hook: a wheel or sdist carries the built front end, an editable install does without."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLES = ("widget.js", "page/index.html", "page/hosted.html", "server.mjs", "cli.mjs")
BILL_OF_MATERIALS = "cellucid-notebook.cdx.json"


class FrontEndBuildHook(BuildHookInterface[Any]):
    """Builds `_static/` with npm, only where a bundle is missing: an sdist carries it, and pip needs no npm then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Run before each target; `version` is "editable" for `pip install -e`, whose bundles `npm run build` makes."""
        root = Path(self.root)
        static = root / "python" / "cellucid_notebook" / "_static"
        if version == "editable":
            return
        if self.target_name == "wheel":
            build_data["sbom_files"].append(str((static / BILL_OF_MATERIALS).relative_to(root)))
        if all((static / file).is_file() for file in (*BUNDLES, BILL_OF_MATERIALS)):
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                f"The front end is not built: {static} lacks {', '.join(BUNDLES)}. "
                "Install Node 20 or newer with npm and run `npm ci && npm run build`, or install the published wheel."
            )
        if not (root / "node_modules").is_dir():
            subprocess.run([npm, "ci"], cwd=root, check=True)
        subprocess.run([npm, "run", "build"], cwd=root, check=True)
