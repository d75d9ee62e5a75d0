"""One request at the door: who asks, whose socket it is, and what comes back."""

from __future__ import annotations

import inspect
import socket
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.http1connection import HTTP1Connection, HTTP1ConnectionParameters
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream, StreamClosedError

from ._passage import answer_headers, pass_both_ways, request_headers, target_inside
from ._socket_file import socket_file

_CHUNK_BYTES = 1 << 20
#: Nothing is held here but what is on its way, so that sizes are the viewer server's own business.
_PARAMETERS = HTTP1ConnectionParameters(no_keep_alive=True, chunk_size=_CHUNK_BYTES, max_body_size=1 << 50)

#: An answer of ours, where there is none of the viewer server.
_BARE = {"Content-Security-Policy": "sandbox; default-src 'none'", "X-Content-Type-Options": "nosniff"}


@web.stream_request_body
class DoorHandler(JupyterHandler):
    """Passes a request of a user who is logged in to the viewer server of one of this user's kernels."""

    _viewer: HTTP1Connection | None = None
    _is_upgrade = False

    def initialize(self, connection_folder: str) -> None:
        """Take the folder of the kernels' connection files."""
        self._connection_folder = connection_folder

    def set_default_headers(self) -> None:
        """Say nothing but what the viewer server says: its page has a policy of its own."""
        self._headers = HTTPHeaders()

    def check_xsrf_cookie(self) -> None:
        """Leave it to the origin, see `prepare`, and to the page's own key, which no browser sends by itself."""

    async def prepare(self) -> None:  # type: ignore[override] # as tornado has it
        """Let in who is logged in, and begin to ask the viewer server."""
        prepared = super().prepare()
        if inspect.isawaitable(prepared):
            await prepared
        self._is_upgrade = self.request.headers.get("Upgrade", "").lower() == "websocket"
        if self._finished or not await self._may_enter():
            return
        self._note_use()
        await self._ask_viewer(self.path_args[0])

    async def data_received(self, chunk: bytes) -> None:
        """Pass on a piece of the request's body."""
        if self._viewer is not None:
            with suppress(StreamClosedError):  # It has answered already, or is gone: seen when its answer is read.
                await self._viewer.write(chunk)

    async def get(self, _door_id: str) -> None:
        """Answer, or connect both ends."""
        if self._viewer is None:
            return
        if self._is_upgrade:
            viewer = self._viewer.detach()
            self._viewer = None
            browser = self.detach()
            browser.set_nodelay(True)
            await pass_both_ways(browser, viewer, self._note_use)
        else:
            await self._answer(self._viewer)

    head = post = put = get

    def on_finish(self) -> None:
        """Let go of the viewer server, however this request ended."""
        super().on_finish()
        self.let_go()

    def on_connection_close(self) -> None:
        """Nobody waits for the answer any more."""
        super().on_connection_close()
        self.let_go()

    def let_go(self) -> None:
        """End what was asked of the viewer server."""
        if self._viewer is not None:
            self._viewer.close()

    def compute_etag(self) -> None:
        """Add no mark of ours: the viewer server has its own."""

    def write_error(self, status_code: int, **_: Any) -> None:
        """Refuse without a word: a page of Jupyter's would be taken for an answer of the viewer."""
        self.clear()
        self.set_status(status_code)
        for name, value in _BARE.items():
            self.set_header(name, value)
        self.finish()

    async def _may_enter(self) -> bool:
        if not self.current_user:
            if self._is_upgrade:
                raise web.HTTPError(403)
            self._send_to_login()
            return False
        if not self.check_origin():
            raise web.HTTPError(403)
        allowed = self.authorizer.is_authorized(self, self.current_user, "execute", "kernels")
        if not (await allowed if inspect.isawaitable(allowed) else allowed):
            raise web.HTTPError(403)
        return True

    @web.authenticated
    def _send_to_login(self) -> None:
        """Send whoever opens a page to the login; refuse what is no page."""

    def _note_use(self) -> None:
        # Or a Hub would end a server in which somebody works, but runs no cell.
        self.settings["last_activity_times"]["cellucid_notebook_door"] = datetime.now(timezone.utc)

    async def _ask_viewer(self, door_id: str) -> None:
        file = socket_file(self._connection_folder, door_id)
        if file is None:
            raise web.HTTPError(404)
        stream = IOStream(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), read_chunk_size=_CHUNK_BYTES)
        try:
            await stream.connect(str(file))
        except (StreamClosedError, OSError):
            stream.close()
            raise web.HTTPError(404) from None  # A leftover: nobody listens there.
        self._viewer = HTTP1Connection(stream, is_client=True, params=_PARAMETERS)
        start = RequestStartLine(str(self.request.method), target_inside(str(self.request.uri), door_id), "HTTP/1.1")
        await self._viewer.write_headers(start, request_headers(self.request.headers, is_upgrade=self._is_upgrade))

    async def _answer(self, viewer: HTTP1Connection) -> None:
        answer = _Answer(self)
        with suppress(StreamClosedError):  # Seen by what is missing.
            viewer.finish()
            await viewer.read_response(answer)
        if not answer.has_begun:
            raise web.HTTPError(502)
        if not answer.is_whole:
            self.detach().close()  # Half an answer must not pass for a whole one.


class _Answer(HTTPMessageDelegate):
    """Hands over an answer piece by piece, no faster than the browser takes it."""

    def __init__(self, handler: DoorHandler) -> None:
        self._handler = handler
        self.has_begun = False
        self.is_whole = False

    def headers_received(self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders) -> None:
        status, reason = start_line[1:]
        self.has_begun = True
        self._handler.clear()
        self._handler.set_status(int(status), reason)
        for name, value in answer_headers(headers):
            self._handler.add_header(name, value)

    async def data_received(self, chunk: bytes) -> None:
        try:
            self._handler.write(chunk)
            await self._handler.flush()
        except StreamClosedError:
            self._handler.let_go()

    def finish(self) -> None:
        self.is_whole = True
