"""Answer source reads of an AnnData in memory, as the kernel does, without its pipe.

Usage: kernel_reads.py FILE [backed]. A JSON question a line on stdin; on stdout for each a JSON line with `length`,
then so many bytes.
"""

from __future__ import annotations

import json
import sys
import warnings

import anndata
from cellucid_notebook._anndata import AnnDataSource
from cellucid_notebook._source_error import SourceReadError


def main(path: str, backed: str | None = None) -> None:
    """Answer until stdin ends."""
    source = AnnDataSource(anndata.read_h5ad(path, backed="r" if backed else None))
    for line in sys.stdin:
        try:
            result, body = source.read(json.loads(line))
            head: dict[str, object] = {"result": result, "length": len(body)}
        except SourceReadError as error:
            head, body = {"code": error.code, "message": str(error), "length": 0}, b""
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
