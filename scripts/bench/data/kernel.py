"""A kernel that shows an AnnData in memory, and is then idle, busy, or holds its lock. Commands and answers by line.

Usage: kernel.py FILE. `show` answers with the viewer's URL, `busy SECONDS` and `hold SECONDS` with `begun` and `done`.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
import warnings

import anndata
from cellucid_notebook import show_anndata

#: What is printed for people goes elsewhere.
answers = os.fdopen(os.dup(1), "w")
sys.stdout = sys.stderr


def say(answer: object) -> None:
    """Answer one line."""
    print(json.dumps(answer), file=answers, flush=True)


def busy(seconds: float) -> None:
    """Compute in Python, as a cell does."""
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        count += sum(i * i for i in range(1000)) % 7


def hold(seconds: float) -> None:
    """Let no other thread of this process run, as some extensions in C do."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))


def main(path: str) -> None:
    """Answer until stdin ends."""
    adata = anndata.read_h5ad(path)
    viewers = []
    for line in sys.stdin:
        command, _, given = line.strip().partition(" ")
        if command == "show":
            viewers.append(show_anndata(adata, snapshot=False))
            say(viewers[-1].viewer_url)
            continue
        say("begun")
        {"busy": busy, "hold": hold}[command](float(given))
        say("done")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
