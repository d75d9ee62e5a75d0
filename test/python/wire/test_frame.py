"""Frames: as the golden files have them, cut and put together, and refused when they are none."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from cellucid_notebook._wire.frame import FrameAssembler, FrameError, decode_frame, encode_message
from cellucid_notebook._wire.protocol import MAX_BODY_BYTES
from golden import read_bytes, read_json
from hypothesis import given
from hypothesis import strategies as st

from page import split

GOLDEN = read_json("frames")


def pattern(length: int) -> bytes:
    index = np.arange(length, dtype=np.uint32)
    return ((index * 7 + index // 251) & 255).astype(np.uint8).tobytes()


def joined(header: dict[str, Any], body: bytes, stream: int) -> bytes:
    return b"".join(head + bytes(part) for head, part in encode_message(header, body, stream))


def test_the_golden_stream_is_written_and_read() -> None:
    stream = read_bytes("frames")
    messages = [decode_frame(frame) for frame in split(stream)]
    assert [message.header for message in messages] == [entry["header"] for entry in GOLDEN["messages"]]
    assert [bytes(message.body).hex() for message in messages] == [entry["body"] for entry in GOLDEN["messages"]]
    written = [joined(entry["header"], bytes.fromhex(entry["body"]), 1) for entry in GOLDEN["messages"]]
    assert b"".join(written) == stream


@pytest.mark.parametrize("entry", GOLDEN["large"], ids=lambda entry: str(entry["bodyBytes"]))
def test_large_bodies_are_cut_as_the_golden_file_says(entry: dict[str, Any]) -> None:
    body = pattern(entry["bodyBytes"])
    parts = list(encode_message(entry["header"], body, entry["stream"]))
    assert len(parts) == entry["frames"]
    stream = b"".join(head + bytes(part) for head, part in parts)
    assert hashlib.sha256(stream).hexdigest() == entry["sha256"]
    assembler = FrameAssembler()
    messages = [assembler.push(frame) for frame in split(stream)]
    assert messages[:-1] == [None] * (len(parts) - 1)
    assert messages[-1] is not None
    assert messages[-1].header == entry["header"]
    assert bytes(messages[-1].body) == body


def test_parts_of_two_bodies_may_interleave() -> None:
    first, second = (split(joined({"n": n}, pattern(2_000_000 + n), n)) for n in (1, 2))
    assembler = FrameAssembler()
    done = [m for pair in zip(first, second, strict=True) for m in map(assembler.push, pair) if m is not None]
    assert [(m.header["n"], len(m.body)) for m in done] == [(1, 2_000_001), (2, 2_000_002)]


def test_a_body_is_not_copied_on_its_way_out() -> None:
    body = bytearray(pattern(3_000_000))
    parts = [part for _, part in encode_message({}, body, 1)]
    assert all(part.obj is body for part in parts)


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (b"\x01", "1 bytes"),
        (b"\xff\x00\x00\x00{}", "a header of 255"),
        (b"\x04\x00\x00\x00\x01\x02\x03\x04", "not JSON"),
        (b"\x04\x00\x00\x00[1]\x20", "no object"),
    ],
)
def test_what_is_no_frame_is_refused(frame: bytes, found: str) -> None:
    with pytest.raises(FrameError, match=found):
        FrameAssembler().push(frame)


def test_parts_that_fit_no_body_are_refused() -> None:
    first, part, _ = split(joined({}, pattern(2_500_000), 9))
    assembler = FrameAssembler()
    with pytest.raises(FrameError, match="fits no body"):
        assembler.push(part)
    assembler.push(first)
    assembler.push(part)
    with pytest.raises(FrameError, match="fits no body"):
        assembler.push(part)


def test_what_is_too_large_is_refused_at_once_and_not_in_the_writer() -> None:
    with pytest.raises(FrameError, match="at most"):
        encode_message({"names": ["x" * 1000] * 2000}, b"", 1)
    with pytest.raises(FrameError, match="at most"):
        encode_message({}, np.empty(MAX_BODY_BYTES + 1, dtype=np.uint8).data, 1)


@given(st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.none()), st.binary(max_size=300))
def test_any_message_survives(header: dict[str, Any], body: bytes) -> None:
    header.pop("body", None)
    (frame,) = split(joined({**header, "kind": "x"}, body, 1))
    message = decode_frame(frame)
    assert message.header == {**header, "kind": "x"}
    assert bytes(message.body) == body
    assert (len(frame) - len(body)) % 8 == 0
