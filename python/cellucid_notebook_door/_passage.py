"""What passes the door: headers and targets without the user's credentials, and bytes unread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, StreamClosedError

_CHUNK_BYTES = 256 << 10

#: What the viewer server is told of a request, and nothing else: no cookie, no ``Authorization``, no XSRF token, nor
#: what a login proxy in front of Jupyter has added.
_PASSED = frozenset(
    {"accept", "accept-encoding", "content-length", "content-type", "host", "origin", "range", "upgrade", "user-agent"}
)
_PASSED_FAMILIES = ("if-", "sec-fetch-", "sec-websocket-", "x-cellucid-")

#: Of one connection and not of the answer (RFC 9110, 7.6.1), and what a viewer must not do to Jupyter's own origin.
_NOT_PASSED_BACK = frozenset({"connection", "keep-alive", "set-cookie", "trailer", "transfer-encoding", "upgrade"})

#: Frames of WebSocket (RFC 6455, 5.5) by which a browser answers a ping, empty or with few bytes: no sign of its user.
_PONG = 0x8A
_PONG_BYTES = 16


def request_headers(headers: HTTPHeaders, *, is_upgrade: bool) -> HTTPHeaders:
    """The headers of a request as the viewer server gets them."""
    passed = HTTPHeaders({"Connection": "Upgrade" if is_upgrade else "close"})
    for name, value in headers.get_all():
        lower = name.lower()
        if lower in _PASSED or lower.startswith(_PASSED_FAMILIES):
            passed.add(name, value)
    return passed


def answer_headers(headers: HTTPHeaders) -> list[tuple[str, str]]:
    """The headers of an answer as the browser gets them."""
    return [(name, value) for name, value in headers.get_all() if name.lower() not in _NOT_PASSED_BACK]


def target_inside(uri: str, door_id: str) -> str:
    """The target as the viewer server gets it: what follows the id, byte for byte, without Jupyter's token."""
    path, mark, query = uri.partition("?")
    inside = "/" + path.partition(f"/cellucid/{door_id}/")[2]
    kept = [part for part in query.split("&") if part.partition("=")[0] != "token"]
    return inside + mark + "&".join(kept) if query and kept else inside


async def pass_both_ways(browser: IOStream, viewer: IOStream, note_use: Callable[[], None]) -> None:
    """Copy bytes until either end closes; what one has said by then still reaches the other."""

    def from_browser(chunk: bytes) -> None:
        if len(chunk) > _PONG_BYTES or chunk[0] != _PONG:
            note_use()

    def from_viewer(_: bytes) -> None:
        """What the viewer says is no sign of the user."""

    await asyncio.gather(_copy(browser, viewer, from_browser), _copy(viewer, browser, from_viewer))


async def _copy(source: IOStream, target: IOStream, look: Callable[[bytes], None]) -> None:
    try:
        while True:
            chunk = await source.read_bytes(_CHUNK_BYTES, partial=True)
            look(chunk)
            await target.write(chunk)
    except StreamClosedError:
        target.close()
