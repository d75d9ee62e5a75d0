"""JSON-RPC over the server's stdin and stdout: one reader thread, one writer thread, answers as futures.

The reader parses and hands on; it never blocks and never writes. The writer sends whole frames with one call each and
lets control messages pass between the parts of bulk answers. Descriptors are raw (no buffer of ours), so that a forked
child can close its copies without a lock and without flushing half a frame into its parent's stream.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from io import FileIO

from ._frame import Buffer, FrameAssembler, FrameError, Message, encode_message
from ._protocol import MAX_FRAME_BYTES, JsonObject
from .errors import ServerError, from_code

#: Answers with arrays that may wait for the writer; a third one makes the source worker wait.
_MAX_BULK = 2


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


_Frames = Iterator[tuple[bytes, memoryview]]


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

    def forget(self) -> None:
        """In a forked child: close this process's copies, and nothing else; the parent may hold any of our locks."""
        self._to_server.close()
        self._from_server.close()

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
            while (frame := self._next_frame()) is not None:
                _write_all(self._to_server, *frame)
        except OSError:
            pass  # The other end is gone: the reader sees it too and reports it.
        finally:
            self._to_server.close()

    def _next_frame(self) -> tuple[bytes, memoryview] | None:
        with self._ready:
            while not self._closed:
                for frames in (self._control, self._bulk):
                    while frames:
                        frame = next(frames[0], None)
                        if frame is not None:
                            return frame
                        frames.popleft()
                        self._ready.notify_all()
                self._ready.wait()
        return None

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
        view = memoryview(data)
        filled = 0
        while filled < length:
            count = self._from_server.readinto(view[filled:])
            if not count:
                return None
            filled += count
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


def _write_all(target: FileIO, head: bytes, body: memoryview) -> None:
    """Write a frame with one system call where the system can, so that it costs one turn at the interpreter lock."""
    if hasattr(os, "writev"):
        written = os.writev(target.fileno(), (head, body))
    else:
        head, body = head + bytes(body), memoryview(b"")
        written = target.write(head)
    rest = memoryview(head)[written:]
    while len(rest):
        rest = rest[target.write(rest) :]
    rest = body[max(0, written - len(head)) :]
    while len(rest):
        rest = rest[target.write(rest) :]
