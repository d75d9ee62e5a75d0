"""Change a session file in many ways, and read each as the kernel does: whole, or refused in words.

Usage: session_files.py SEED COUNT. What is neither ends this program, with the input.
"""

from __future__ import annotations

import random
import struct
import sys
from contextlib import suppress

import numpy as np
from cellucid_notebook._wire.frame import FrameAssembler, FrameError
from cellucid_notebook.errors import DataError
from cellucid_notebook.session_bundle import MAGIC, SessionBundle

WHOLE = SessionBundle(700, "pbmc", {"color": None}, {"group/a": np.arange(9, dtype=np.uint32)}).to_bytes()
HOSTILE = [
    b"1e400",
    b"-1",
    b"NaN",
    b"Infinity",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'"x"',
    b"[" * 100_000,
    b"9" * 5_000,
    b'{"stream":0,"length":268435457}',
    b'{"stream":[],"length":1}',
]


def changed(choose: random.Random) -> bytes:
    """Return a session with some bytes, or one value of a header, changed."""
    if choose.random() < 0.5:
        return with_value(choose)
    content = bytearray(WHOLE)
    for _ in range(choose.randint(1, 4)):
        content[choose.randrange(len(MAGIC), len(content))] = choose.randrange(256)
    return bytes(content[: choose.randrange(len(content))] if choose.random() < 0.1 else content)


def with_value(choose: random.Random) -> bytes:
    """Return a session of two messages, one value of which says something else."""
    value = choose.choice(HOSTILE)
    heads = [
        b'{"kind":"session","version":1,"cellCount":700,"name":"x","state":{},"cellSets":1}',
        b'{"kind":"cellSet","name":"a","cells":{"encoding":"u32","count":1,"cellCount":700}}',
    ]
    which = choose.randrange(2)
    values = [b"1", b"700", b'"x"', b"{}", b'"a"', b'"u32"', b'{"encoding":"u32","count":1,"cellCount":700}']
    heads[which] = heads[which].replace(choose.choice(values), value, 1)
    if choose.random() < 0.2:
        heads[which] = heads[which][:-1] + b',"body":' + value + b"}"
    return MAGIC + framed(heads[0], b"") + framed(heads[1], b"\0\0\0\0")


def framed(head: bytes, body: bytes) -> bytes:
    """Return one frame with its length before it."""
    return struct.pack("<II", 4 + len(head) + len(body), len(head)) + head + body


def main(seed: int, count: int) -> None:
    """Print how many inputs there were."""
    choose = random.Random(seed)
    for _ in range(count):
        content = changed(choose)
        try:
            with suppress(DataError):
                SessionBundle.from_bytes(content)
            with suppress(FrameError):
                FrameAssembler().push(content[len(MAGIC) + 4 :])
        except BaseException:
            sys.stderr.write(f"seed {seed}: {content[:300]!r}\n")
            raise
    sys.stdout.write(f"{count} sessions\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
