"""JSON-RPC over the server's stdin and stdout: one reader thread, one writer thread, answers as futures.

The reader parses and hands on; it never blocks and never writes. The writer sends whole frames, several with one call,
and lets control messages pass between the parts of bulk answers. Descriptors are raw (no file object's buffer), so that
a forked child can close its copies without a lock and without flushing half a frame into its parent's stream.

While a cell computes in Python, every return from a system call waits up to 5 ms for the interpreter lock. What counts
here is how many calls there are, not how large they are.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from io import FileIO

from ..errors import ServerError, from_code
from .frame import Buffer, FrameAssembler, FrameError, Message, encode_message
from .protocol import MAX_FRAME_BYTES, JsonObject

#: Answers with arrays that may wait for the writer; a third one makes the source worker wait.
_MAX_BULK = 2
#: What one call writes; a control message waits for one at most.
_WRITE_BYTES = 4 << 20
_WRITE_FRAMES = 64
#: Most of what the server says fits whole: a call for the length and one for the rest would be two.
_READ_BYTES = 64 << 10


class ServerGoneError(ServerError):
    """The process ended before it answered. Its supervisor starts another, of which the same can be asked."""

    def __init__(self) -> None:
        super().__init__("The viewer server ended before it answered. Run the cell again.")


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    result: JsonObject
    body: Buffer


@dataclass(frozen=True, slots=True)
class Call:
    """What the server says or asks: ``id`` is ``None`` where no answer is expected."""

    id: int | str | None
    method: str
    params: JsonObject
    body: Buffer


_Frame = tuple[bytes, memoryview]
_Frames = Iterator[_Frame]


class Pipe:
    """One connection to one server process.

    ``receive`` gets every call of the server and ``ended`` is called once, when the stream is over or broken; both on
    the reader thread, where they must not wait.
    """

    def __init__(
        self, to_server: FileIO, from_server: FileIO, receive: Callable[[Call], None], ended: Callable[[], None]
    ) -> None:
        self._to_server = to_server
        self._from_server = from_server
        self._receive = receive
        self._ended = ended
        self._ids = itertools.count(1)
        self._streams = itertools.count(1)
        self._answers: dict[int, Future[Answer]] = {}
        self._ready = threading.Condition()
        self._control: deque[_Frames] = deque()
        self._bulk: deque[_Frames] = deque()
        self._closed = False
        self._read_buffer = bytearray(_READ_BYTES)
        self._unread = memoryview(b"")

    @property
    def is_open(self) -> bool:
        """Whether what is sent now can arrive."""
        return not self._closed

    def start(self) -> None:
        """Start reading and writing."""
        for target, name in ((self._read, "cellucid-reader"), (self._write, "cellucid-writer")):
            threading.Thread(target=target, name=name, daemon=True).start()

    def request(self, method: str, params: JsonObject, body: Buffer = b"") -> Future[Answer]:
        """Ask; the future gets the answer, the error by its code, or ``ServerError`` when the server is gone.

        Callbacks on the future run on the reader thread.
        """
        future: Future[Answer] = Future()
        future.set_running_or_notify_cancel()
        request_id = next(self._ids)
        with self._ready:
            if self._closed:
                future.set_exception(ServerGoneError())
                return future
            self._answers[request_id] = future
        self._send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}, body)
        return future

    def notify(self, method: str, params: JsonObject, body: Buffer = b"") -> None:
        """Say without waiting for anything; dropped when the connection is over."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params}, body)

    def answer(self, call_id: int | str, result: JsonObject, body: Buffer = b"") -> None:
        """Answer a request of the server; waits while two such answers are on their way."""
        frames = encode_message({"jsonrpc": "2.0", "id": call_id, "result": result}, body, next(self._streams))
        with self._ready:
            self._ready.wait_for(lambda: self._closed or len(self._bulk) < _MAX_BULK)
            if not self._closed:
                self._bulk.append(frames)
                self._ready.notify_all()

    def refuse(self, call_id: int | str, code: str, message: str) -> None:
        """Answer a request of the server with an error of the closed list."""
        self._send({"jsonrpc": "2.0", "id": call_id, "error": {"code": code, "message": message}}, b"")

    def close(self) -> None:
        """End the connection: the server sees the end of its stdin, from the writer, at once. Idempotent."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    def _send(self, header: JsonObject, body: Buffer) -> None:
        frames = encode_message(header, body, next(self._streams))
        with self._ready:
            if not self._closed:
                self._control.append(frames)
                self._ready.notify_all()

    # The writer. It alone closes what it writes to: a number that another thread closed may already name a file of the
    # user's when the system writes to it.

    def _write(self) -> None:
        try:
            # Whether it is over is a state of its own: nothing to write just now is no end.
            while self._is_wanted():
                _write_all(self._to_server, [part for frame in self._take_frames() for part in frame])
        except OSError:
            pass  # The other end is gone: the reader sees it too and reports it.
        finally:
            self._to_server.close()

    def _is_wanted(self) -> bool:
        """Wait until there may be something to write; false when the connection is closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._closed or self._control or self._bulk)
            return not self._closed

    def _take_frames(self) -> list[_Frame]:
        """What is written next, control first; none where all that waited had been taken to its last frame."""
        taken: list[_Frame] = []
        room = _WRITE_BYTES
        with self._ready:
            for waiting in (self._control, self._bulk):
                while waiting and room > 0 and len(taken) < _WRITE_FRAMES:
                    frame = next(waiting[0], None)
                    if frame is None:
                        waiting.popleft()
                        self._ready.notify_all()
                    else:
                        taken.append(frame)
                        room -= len(frame[0]) + len(frame[1])
        return taken

    # The reader.

    def _read(self) -> None:
        assembler = FrameAssembler()
        try:
            while (frame := self._read_frame()) is not None:
                message = assembler.push(frame)
                if message is not None:
                    self._take(message)
        except (OSError, ValueError):
            # A broken stream (FrameError is a ValueError) cannot be mended: it ends like a closed one.
            pass
        finally:
            self._finish()

    def _read_frame(self) -> bytearray | None:
        head = self._read_exactly(4)
        if head is None:
            return None
        length = int.from_bytes(head, "little")
        if not 4 <= length <= MAX_FRAME_BYTES:
            raise FrameError(f"a frame of {length} bytes")
        return self._read_exactly(length)

    def _read_exactly(self, length: int) -> bytearray | None:
        data = bytearray(length)
        rest = memoryview(data)
        while rest:
            if not self._unread:
                # What is larger than the buffer goes where it belongs.
                target = rest if len(rest) >= _READ_BYTES else memoryview(self._read_buffer)
                count = self._from_server.readinto(target)
                if not count:
                    return None
                if target is rest:
                    rest = rest[count:]
                    continue
                self._unread = target[:count]
            part = self._unread[: len(rest)]
            rest[: len(part)] = part
            rest, self._unread = rest[len(part) :], self._unread[len(part) :]
        return data

    def _take(self, message: Message) -> None:
        header = message.header
        method = header.get("method")
        if isinstance(method, str):
            params = header.get("params")
            self._receive(Call(header.get("id"), method, params if isinstance(params, dict) else {}, message.body))
            return
        with self._ready:
            future = self._answers.pop(header.get("id", -1), None)
        if future is None:
            return
        error = header.get("error")
        if isinstance(error, dict):
            future.set_exception(from_code(str(error.get("code")), str(error.get("message"))))
        else:
            result = header.get("result")
            future.set_result(Answer(result if isinstance(result, dict) else {}, message.body))

    def _finish(self) -> None:
        with self._ready:
            self._closed = True
            waiting = list(self._answers.values())
            self._answers.clear()
            self._control.clear()
            self._bulk.clear()
            self._ready.notify_all()
        for future in waiting:
            future.set_exception(ServerGoneError())
        self._from_server.close()
        self._ended()


def wait_for(future: Future[Answer], seconds: float) -> Answer | None:
    """Wait for an answer; ``None`` when it did not come in time. Raises what the server answered."""
    try:
        return future.result(timeout=seconds)
    except FutureTimeoutError:
        if future.done():  # not ours: the answer itself is a timeout
            raise
        return None


def _write_all(target: FileIO, parts: Sequence[bytes | memoryview]) -> None:
    """Write all parts, with one system call where the system can."""
    left = [memoryview(part) for part in parts]
    while left:
        written = os.writev(target.fileno(), left) if hasattr(os, "writev") else target.write(left[0])
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]
