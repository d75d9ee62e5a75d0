"""The pipe between real descriptors: answers, errors, interleaving, and an end that leaves nobody waiting."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any

import pytest
from cellucid_notebook._wire.pipe import Call, Pipe, wait_for
from cellucid_notebook.errors import ServerError, UnknownColumnError


@dataclass
class Ends:
    """Two pipes that talk to each other, and what each received."""

    kernel: Pipe
    server: Pipe
    to_kernel: list[Call] = field(default_factory=list)
    to_server: list[Call] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait(self, calls: list[Call], number: int) -> None:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(calls) >= number, 10)


@pytest.fixture
def ends() -> Iterator[Ends]:
    (server_in, kernel_out), (kernel_in, server_out) = os.pipe(), os.pipe()
    both: list[Ends] = []

    def received(name: str) -> Any:
        def take(call: Call) -> None:
            with both[0].arrived:
                getattr(both[0], name).append(call)
                both[0].arrived.notify_all()

        return take

    def ended() -> None:
        both[0].ended.set()

    kernel = Pipe(FileIO(kernel_out, "w"), FileIO(kernel_in), received("to_kernel"), ended)
    server = Pipe(FileIO(server_out, "w"), FileIO(server_in), received("to_server"), lambda: None)
    both.append(Ends(kernel, server))
    kernel.start()
    server.start()
    yield both[0]
    kernel.close()
    server.close()


def test_a_request_gets_its_own_answer(ends: Ends) -> None:
    first, second = ends.kernel.request("a", {"x": 1}), ends.kernel.request("b", {}, b"body")
    ends.wait(ends.to_server, 2)
    one, two = ends.to_server
    assert (one.method, one.params, two.method, bytes(two.body)) == ("a", {"x": 1}, "b", b"body")
    ends.server.answer(two.id or 0, {"n": 2}, b"two")
    ends.server.refuse(one.id or 0, "unknown_column", 'No gene "CD3X".')
    answer = wait_for(second, 10)
    assert answer is not None
    assert (answer.result, bytes(answer.body)) == ({"n": 2}, b"two")
    with pytest.raises(UnknownColumnError, match="CD3X"):
        wait_for(first, 10)


def test_control_passes_between_the_parts_of_a_large_answer(ends: Ends) -> None:
    body = bytes(8 << 20)
    asked = [ends.server.request("source.read", {}) for _ in range(2)]
    ends.wait(ends.to_kernel, 2)
    heard_before: list[int] = []
    asked[1].add_done_callback(lambda _: heard_before.append(len(ends.to_server)))
    with ends.arrived:  # the server's reader stops at the first message that it is told
        ends.kernel.notify("viewer.command", {"seq": 0})
        for call in ends.to_kernel:
            ends.kernel.answer(call.id or 0, {}, body)
        wait_until_full(ends.kernel._to_server)
        for number in range(1, 50):
            ends.kernel.notify("viewer.command", {"seq": number})
    ends.wait(ends.to_server, 50)
    assert wait_for(asked[1], 10) is not None
    assert heard_before == [50], "fifty small messages went before sixteen megabytes"
    assert [call.params["seq"] for call in ends.to_server] == list(range(50)), "in order"
    for future in asked:
        answer = wait_for(future, 10)
        assert answer is not None
        assert bytes(answer.body) == body


def wait_until_full(pipe: FileIO) -> None:
    """Wait until nothing more can be written: whoever writes a large answer is in the middle of it."""
    deadline = time.monotonic() + 10
    while select.select([], [pipe], [], 0)[1]:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_an_answer_that_does_not_come_in_time_is_none(ends: Ends) -> None:
    assert wait_for(ends.kernel.request("slow", {}), 0.01) is None


def test_the_end_of_the_stream_answers_everybody(ends: Ends) -> None:
    waiting = ends.kernel.request("a", {})
    ends.wait(ends.to_server, 1)
    ends.server.close()
    with pytest.raises(ServerError, match="ended before it answered"):
        wait_for(waiting, 10)
    assert ends.ended.wait(10)
    assert not ends.kernel.is_open
    with pytest.raises(ServerError):
        wait_for(ends.kernel.request("late", {}), 10)
    ends.kernel.notify("late", {})


def test_bytes_that_are_no_frame_end_the_connection(ends: Ends) -> None:
    os.write(ends.server._to_server.fileno(), b"\xff\xff\xff\xff")
    assert ends.ended.wait(10)


def test_a_source_worker_waits_for_its_third_answer(ends: Ends) -> None:
    for _ in range(3):
        ends.server.request("source.read", {})
    ends.wait(ends.to_kernel, 3)
    started = threading.Event()
    with ends.kernel._ready:  # the writer cannot take anything now
        worker = threading.Thread(
            target=lambda: (started.set(), [ends.kernel.answer(c.id or 0, {}) for c in ends.to_kernel])
        )
        worker.start()
        assert started.wait(10)
        assert worker.is_alive()
    worker.join(10)
    assert not worker.is_alive()


def test_what_is_written_while_the_end_comes_never_lands_in_a_file_that_was_opened_meanwhile(
    ends: Ends, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write, written, users = os.writev, threading.Event(), tmp_path / "results.csv"

    def write_late(descriptor: int, parts: Any) -> int:
        ends.kernel.close()
        opened = os.open(users, os.O_RDWR | os.O_CREAT)  # takes the lowest number that is free
        try:
            return write(descriptor, parts)
        finally:
            os.close(opened)
            written.set()

    monkeypatch.setattr(os, "writev", write_late)
    ends.kernel.notify("viewer.open", {"viewerToken": "a secret"})
    assert written.wait(10)
    assert users.read_bytes() == b""
