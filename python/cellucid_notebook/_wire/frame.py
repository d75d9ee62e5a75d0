"""The message frame of the pipe, as `protocol/frame.ts` describes it.

A stream of ``u32`` length and frame; a frame is ``u32`` header length, JSON header padded with spaces so that the body
starts at a multiple of 8, body. Little endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .labels import well_formed
from .protocol import MAX_BODY_BYTES, MAX_FRAME_BYTES, MIN_PART_BYTES, JsonObject

Buffer = bytes | bytearray | memoryview

_LENGTH = struct.Struct("<I")
_HEADS = struct.Struct("<II")
#: Bodies that may be under way at once in one direction.
_MAX_PENDING = 64


class FrameError(ValueError):
    """The bytes are no frame, or a part fits no body: the stream cannot be trusted any more."""


@dataclass(frozen=True, slots=True)
class Message:
    """One whole message. ``body`` belongs to whoever receives it."""

    header: JsonObject
    body: Buffer


@dataclass(slots=True)
class _Partial:
    header: JsonObject
    body: bytearray
    filled: int


def _json(header: JsonObject) -> bytes:
    # A name may hold half a character, which no UTF-8 can.
    return well_formed(json.dumps(header, separators=(",", ":"), ensure_ascii=False, allow_nan=False)).encode()


def _padded(json_bytes: int) -> int:
    return -(-(json_bytes + 4) // 8) * 8 - 4


def _frame_head(header: bytes, body_bytes: int) -> bytes:
    """Stream length, header length and padded header: all of a frame but its body."""
    header_length = _padded(len(header))
    length = 4 + header_length + body_bytes
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes; at most {MAX_FRAME_BYTES}")
    return _HEADS.pack(length, header_length) + header.ljust(header_length)


def encode_message(header: JsonObject, body: Buffer, stream: int) -> Iterator[tuple[bytes, memoryview]]:
    """Cut a message into frames, each as ``(head, part of the body)``, to be written one after the other.

    ``stream`` is unique among the messages under way in this direction. Parts are views on ``body``: nothing is copied.
    Raises ``FrameError`` at once, not while the frames are taken, for a header or a body that is too large.
    """
    view = memoryview(body).cast("B")
    text = _json(header)
    if 4 + _padded(len(text)) + len(view) <= MAX_FRAME_BYTES:
        return iter([(_frame_head(text, len(view)), view)])
    if len(view) > MAX_BODY_BYTES or len(text) > MAX_FRAME_BYTES - MIN_PART_BYTES:
        raise FrameError(f"a message of {len(text)} + {len(view)} bytes; at most {MAX_BODY_BYTES}")
    split_header = _json({**header, "body": {"stream": stream, "length": len(view)}})
    return _parts(split_header, view, stream, MAX_FRAME_BYTES - MIN_PART_BYTES - len(text))


def _parts(header: bytes, body: memoryview, stream: int, first_bytes: int) -> Iterator[tuple[bytes, memoryview]]:
    first = body[:first_bytes]
    yield _frame_head(header, len(first)), first
    part_bytes = MAX_FRAME_BYTES - MIN_PART_BYTES
    for offset in range(len(first), len(body), part_bytes):
        part = body[offset : offset + part_bytes]
        yield _frame_head(_json({"stream": stream, "offset": offset}), len(part)), part


def decode_frame(frame: Buffer) -> Message:
    """Take one frame (without the stream's length) apart; the body is a view on it."""
    view = memoryview(frame)
    if len(view) < _LENGTH.size:
        raise FrameError(f"a frame of {len(view)} bytes")
    (header_length,) = _LENGTH.unpack_from(view)
    if header_length > len(view) - 4:
        raise FrameError(f"a header of {header_length} in {len(view)} bytes")
    try:
        header: Any = json.loads(bytes(view[4 : 4 + header_length]))
    except (ValueError, RecursionError) as error:
        raise FrameError("a header that is not JSON, or nests too deep") from error
    if not isinstance(header, dict):
        raise FrameError("a header that is no object")
    return Message(header, view[4 + header_length :])


class FrameAssembler:
    """Puts messages together from frames; at most 64 bodies under way, each at most ``MAX_BODY_BYTES``."""

    def __init__(self) -> None:
        self._pending: dict[int, _Partial] = {}

    def push(self, frame: Buffer) -> Message | None:
        """Take one frame; the whole message once its last part is here, else ``None``."""
        message = decode_frame(frame)
        split = message.header.get("body")
        stream, offset = message.header.get("stream"), message.header.get("offset")
        if isinstance(split, dict):
            return self._begin(message, split)
        if isinstance(stream, int) and isinstance(offset, int):
            return self._continue(stream, offset, memoryview(message.body))
        return message

    def _begin(self, message: Message, split: JsonObject) -> Message | None:
        stream, length = split.get("stream"), split.get("length")
        if not isinstance(stream, int) or not isinstance(length, int):
            raise FrameError("a split body without stream and length")
        if not len(message.body) <= length <= MAX_BODY_BYTES:
            raise FrameError(f"a body of {length} bytes")
        if len(self._pending) >= _MAX_PENDING:
            raise FrameError("too many bodies under way")
        header = {name: value for name, value in message.header.items() if name != "body"}
        body = bytearray(length)
        body[: len(message.body)] = message.body
        return self._settle(stream, _Partial(header, body, len(message.body)))

    def _continue(self, stream: int, offset: int, part: memoryview) -> Message | None:
        partial = self._pending.get(stream)
        if partial is None or partial.filled != offset or offset + len(part) > len(partial.body):
            raise FrameError(f"a part at {offset} that fits no body")
        partial.body[offset : offset + len(part)] = part
        partial.filled += len(part)
        return self._settle(stream, partial)

    def _settle(self, stream: int, partial: _Partial) -> Message | None:
        if partial.filled < len(partial.body):
            self._pending[stream] = partial
            return None
        self._pending.pop(stream, None)
        return Message(partial.header, partial.body)
