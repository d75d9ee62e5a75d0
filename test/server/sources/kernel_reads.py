"""Answer source reads of an AnnData in memory, as the kernel does, without its pipe.

Usage: kernel_reads.py FILE [backed], or SCRIPT:WORD for what `kernel(WORD)` of a script beside this one makes. A JSON
question a line on stdin; on stdout for each a JSON line with `length`, then so many bytes.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings

import anndata
from cellucid_notebook._arrays.source_error import SourceReadError
from cellucid_notebook._data.anndata_source import AnnDataSource


def main(path: str, backed: str | None = None) -> None:
    """Answer until stdin ends."""
    source = AnnDataSource(opened(path, backed))
    for line in sys.stdin:
        try:
            result, body = source.read(json.loads(line))
            head: dict[str, object] = {"result": result, "length": len(body)}
        except SourceReadError as error:
            head, body = {"code": error.code, "message": str(error), "length": 0}, b""
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
        sys.stdout.buffer.flush()


def opened(path: str, backed: str | None) -> anndata.AnnData:
    """Read a file, or have a script make what no file can hold."""
    script, _, word = path.rpartition(":")
    if script.endswith(".py"):
        made: anndata.AnnData = importlib.import_module(script.removesuffix(".py")).kernel(word)
        return made
    return anndata.read_h5ad(path, backed="r" if backed else None)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
