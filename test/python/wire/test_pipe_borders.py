"""Every border of batch, frame and part: bodies one byte below, at and above it pass the pipe and leave it open."""

from __future__ import annotations

import itertools
import json
import os
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from io import FileIO
from typing import Any

import pytest
from cellucid_notebook._wire import pipe as _pipe
from cellucid_notebook._wire.frame import FrameAssembler, encode_message
from cellucid_notebook._wire.pipe import Answer, Call, Pipe, wait_for
from cellucid_notebook._wire.protocol import MAX_FRAME_BYTES, MIN_PART_BYTES
from hypothesis import given, settings
from hypothesis import strategies as st

PART = MAX_FRAME_BYTES - MIN_PART_BYTES
WAIT_S = 30
HEADER: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "result": {}}


def frames(body_bytes: int) -> list[int]:
    """Length of each frame of an answer with such a body, with the stream's length before it."""
    return [len(head) + len(part) for head, part in encode_message(HEADER, bytes(body_bytes), 1)]


def largest(fits: Any, low: int, high: int) -> int:
    """The largest body that still fits."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


#: Bodies that fill exactly: nothing, one frame, 1 to 12 frames, one batch of the writer, two of them.
FULL = {
    "nothing": 0,
    **{f"{n} frames": largest(lambda size, n=n: len(frames(size)) <= n, 0, (n + 1) * PART) for n in range(1, 13)},
    "a batch": largest(lambda size: sum(frames(size)) <= _pipe._WRITE_BYTES, 0, 5 * PART),
    "two batches": largest(lambda size: sum(frames(size)) <= 2 * _pipe._WRITE_BYTES, 0, 10 * PART),
}
BORDERS = sorted({max(0, full + step) for full in FULL.values() for step in (-1, 0, 1)} | {1, 4, 7, 8, 9})


class Ends:
    """The kernel's pipe, and another one in the server's place that answers `echo` with the body it got."""

    def __init__(self) -> None:
        (server_in, kernel_out), (kernel_in, server_out) = os.pipe(), os.pipe()
        self.ended = threading.Event()
        self.heard: list[Call] = []
        self.arrived = threading.Condition()
        self.kernel = Pipe(FileIO(kernel_out, "w"), FileIO(kernel_in), self._serve, self.ended.set)
        self.server = Pipe(FileIO(server_out, "w"), FileIO(server_in), self._hear, self.ended.set)
        self.bodies: dict[str, bytes] = {}
        self.kernel.start()
        self.server.start()

    def _serve(self, call: Call) -> None:
        if call.id is not None:  # as the source worker: the reader's own thread must not wait
            body = self.bodies[call.params["body"]]
            threading.Thread(target=self.kernel.answer, args=(call.id, {"size": len(body)}, body)).start()

    def _hear(self, call: Call) -> None:
        with self.arrived:
            self.heard.append(call)
            self.arrived.notify_all()

    def ask(self, body: bytes) -> Future[Answer]:
        name = f"b{len(self.bodies)}"
        self.bodies[name] = body
        return self.server.request("source.read", {"body": name})

    def wait_heard(self, number: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.heard) >= number, WAIT_S), (len(self.heard), number)

    def close(self) -> None:
        self.kernel.close()
        self.server.close()
        assert self.ended.wait(WAIT_S)


@pytest.fixture
def ends() -> Iterator[Ends]:
    both = Ends()
    yield both
    both.close()


def pattern(length: int) -> bytes:
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def check(future: Future[Answer], body: bytes) -> None:
    answer = wait_for(future, WAIT_S)
    assert answer is not None, f"no answer of {len(body)} bytes"
    assert answer.result == {"size": len(body)}
    assert bytes(answer.body) == body


@pytest.mark.parametrize("size", BORDERS)
def test_an_answer_that_ends_at_a_border_arrives_and_the_next_one_too(size: int, ends: Ends) -> None:
    body = pattern(size)
    check(ends.ask(body), body)
    check(ends.ask(b"next"), b"next")
    assert ends.kernel.is_open
    assert not ends.ended.is_set()


@pytest.mark.parametrize(
    "count", [n + step for n in (_pipe._WRITE_FRAMES, 2 * _pipe._WRITE_FRAMES) for step in (-1, 0, 1)]
)
def test_as_many_messages_at_once_as_a_batch_has_frames_all_arrive(count: int, ends: Ends) -> None:
    with ends.kernel._ready:  # the writer waits, so that all are there when it looks
        for number in range(count):
            ends.kernel.notify("viewer.command", {"seq": number})
    ends.wait_heard(count)
    ends.kernel.notify("viewer.command", {"seq": count})
    ends.wait_heard(count + 1)
    assert [call.params["seq"] for call in ends.heard] == list(range(count + 1))
    assert ends.kernel.is_open


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(BORDERS[:24]), st.integers(0, 70)), min_size=1, max_size=4))
@settings(max_examples=40)
def test_whatever_is_said_at_once_arrives_whole_and_in_order(said: list[tuple[bool, int, int]]) -> None:
    ends = Ends()
    try:
        sequence = itertools.count()
        sent: list[tuple[int, int]] = []
        with ends.kernel._ready:
            asked = [(ends.ask(pattern(size)), pattern(size)) for is_bulk, size, _ in said if is_bulk]
            for is_bulk, size, notes in said:
                for length in [0] * notes + ([] if is_bulk else [size]):
                    sent.append((next(sequence), length))
                    ends.kernel.notify("viewer.command", {"seq": sent[-1][0]}, pattern(length))
        for future, body in asked:
            check(future, body)
        ends.wait_heard(len(sent))
        assert [(call.params["seq"], len(call.body)) for call in ends.heard] == sent
        assert all(bytes(call.body) == pattern(len(call.body)) for call in ends.heard)
        assert ends.kernel.is_open
    finally:
        ends.close()


@given(st.data())
@settings(max_examples=30)
def test_a_stream_is_read_the_same_however_it_is_cut(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.sampled_from(BORDERS[:20]), min_size=1, max_size=3))
    stream = b"".join(
        head + bytes(part)
        for number, size in enumerate(sizes)
        for head, part in encode_message({"method": "m", "params": {"n": number}}, pattern(size), number + 1)
    )
    buffer = _pipe._READ_BYTES
    cuts = data.draw(
        st.lists(st.sampled_from([1, 3, 4, 5, 4096, buffer - 1, buffer, buffer + 1]), min_size=1, max_size=6)
    )
    got: list[tuple[int, bytes]] = []
    done = threading.Event()
    (read_end, write_end), (unread, unwritten) = os.pipe(), os.pipe()
    pipe = Pipe(
        FileIO(unwritten, "w"),
        FileIO(read_end),
        lambda call: got.append((call.params["n"], bytes(call.body))),
        done.set,
    )
    pipe.start()
    at = 0
    for length in itertools.chain(cuts, itertools.repeat(1 << 16)):
        if at >= len(stream):
            break
        at += os.write(write_end, stream[at : at + length])
    os.close(write_end)
    assert done.wait(WAIT_S)
    os.close(unread)
    assert got == [(number, pattern(size)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("size", [0, 1, 2, PART - 1, PART, PART + 1])
def test_a_body_that_is_announced_in_parts_is_whole_with_its_last_byte_however_small_it_is(size: int) -> None:
    body, half = pattern(size), size // 2
    assembler = FrameAssembler()
    message = assembler.push(frame({"m": 1, "body": {"stream": 5, "length": size}}, body[:half]))
    if size > half:
        assert message is None
        message = assembler.push(frame({"stream": 5, "offset": half}, body[half:]))
    assert message is not None
    assert (message.header, bytes(message.body)) == ({"m": 1}, body)


def frame(header: dict[str, Any], part: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<I", len(text)) + text + part
