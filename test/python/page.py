"""A page without a browser: trades the token, opens the channel in its long-poll form, speaks and listens."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from cellucid_notebook._data.cells import decode_cells, encode_cells
from cellucid_notebook._wire.frame import FrameAssembler, Message, encode_message

TIMEOUT_S = 30
#: One pixel.
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


class Page:
    """One open page of a viewer. Commands are collected by a thread and acknowledged unless told otherwise."""

    def __init__(self, viewer_url: str) -> None:
        parts = urlsplit(viewer_url)
        query = parse_qs(parts.query)
        self.viewer_id = query["viewerId"][0]
        self._authority = parts.netloc
        self._sequence = itertools.count(1)
        self._streams = itertools.count(1)
        self._event_ids = itertools.count(1)
        self._changed = threading.Condition()
        self._posting = threading.Lock()
        self._closed = False
        self._cursor = 0
        self.received: list[Message] = []
        #: Reason by kind of command that this page cannot do.
        self.refuses: dict[str, str] = {}
        self.answers_pings = False
        #: What this page answers to a screenshot command.
        self.picture: bytes | None = None
        answer = self.request(
            "POST", "_cellucid/key", json.dumps({"viewerId": self.viewer_id, "viewerToken": query["viewerToken"][0]})
        )
        self.key: str = json.loads(answer)["pageKey"]
        self.send({"kind": "hello", "protocol": 1})
        self._thread = threading.Thread(target=self._poll, name="page", daemon=True)
        self._thread.start()

    def request(self, method: str, path: str, body: bytes | str = b"", content_type: str | None = None) -> bytes:
        """One HTTP request with this page's key; its body. Fails on anything but 200."""
        connection = http.client.HTTPConnection(self._authority, timeout=TIMEOUT_S)
        is_text = isinstance(body, str)
        headers = {"Content-Type": content_type or ("application/json" if is_text else "application/octet-stream")}
        if hasattr(self, "key"):
            headers["X-Cellucid-Key"] = self.key
        try:
            connection.request(method, f"/{path}", body or None, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        assert response.status == 200, (response.status, content[:500])
        return content

    def json(self, path: str) -> Any:
        """GET a JSON answer."""
        return json.loads(self.request("GET", path))

    def frame(self, path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
        """GET a frame of a column or an embedding: its header, and its sections."""
        content = self.request("GET", path)
        end = 12 + int.from_bytes(content[8:12], "little")
        header = json.loads(content[12:end])
        sections, at = [], end
        for kind, count in header["sections"]:
            sections.append(np.frombuffer(content, f"<{kind}", count, at))
            at += -(-sections[-1].nbytes // 8) * 8
        return header, sections

    def send(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Say one message over the channel, a large one in several posts."""
        with self._posting:  # they are numbered, and must arrive in order
            for head, part in encode_message(header, body, next(self._streams)):
                self.request("POST", f"_cellucid/events?sequence={next(self._sequence)}", head + bytes(part))

    def event(self, kind: str, body: bytes = b"", **fields: Any) -> None:
        """Report something that happened."""
        event_id = f"{self.key[:8]}-{next(self._event_ids)}"
        self.send({"kind": "event", "id": event_id, "event": {"kind": kind, **fields}}, body)

    def ready(self, cell_count: int) -> None:
        """Report the first picture."""
        self.event("ready", nCells=cell_count, dimensions=2)

    def select(self, cells: list[int], cell_count: int) -> None:
        """Report a lasso."""
        head, body = encode_cells(np.array(cells, dtype=np.uint32), cell_count)
        self.event("selection", body, cells=head, source="lasso")

    def wait_command(self, kind: str, number: int = 1) -> tuple[dict[str, Any], np.ndarray | None]:
        """The n-th command of this kind, and its cells."""
        message = self.wait_message(
            lambda: [m for m in self.received if m.header["kind"] == "command" and m.header["command"]["kind"] == kind],
            number,
        )
        command = message.header["command"]
        cells = decode_cells(command["cells"], message.body) if command.get("cells") else None
        return command, cells

    def wait_told_anew(self, number: int = 1) -> None:
        """The page was told to read everything again, so many times: after it the server knows nothing of before."""
        self.wait_message(lambda: [m for m in self.received if m.header.get("isAnew") is True], number)

    def wait_message(self, matching: Callable[[], list[Message]], number: int = 1) -> Message:
        """The n-th of the messages that match, once it is there."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(matching()) >= number, TIMEOUT_S), self.received
            return matching()[number - 1]

    def _answer(self, command: dict[str, Any]) -> None:
        if self.answers_pings and command["kind"] == "ping":
            self.event("pong", requestId=command["requestId"])
        if self.answers_pings and command["kind"] == "debugSnapshot":
            self.event("debugSnapshot", requestId=command["requestId"], report={"embedding": "X_umap"})
        if self.picture is not None and command["kind"] == "screenshot" and command["kind"] not in self.refuses:
            self.request("PUT", f"_cellucid/snapshot?requestId={command['requestId']}", self.picture, "image/png")

    def close(self) -> None:
        """Fall silent."""
        self._closed = True

    def _poll(self) -> None:
        assembler = FrameAssembler()
        while not self._closed:
            try:
                self._ask_once(assembler)
            except (OSError, AssertionError, http.client.HTTPException):
                time.sleep(0.05)  # the server may be restarting; a page tries again, too

    def _ask_once(self, assembler: FrameAssembler) -> None:
        for frame in split(self.request("GET", f"_cellucid/commands?after={self._cursor}")):
            message = assembler.push(frame)
            if message is None:
                continue
            if message.header["kind"] == "poll":
                self._cursor = message.header["cursor"]
            else:
                self._take(message)

    def _take(self, message: Message) -> None:
        with self._changed:
            self.received.append(message)
            self._changed.notify_all()
        if message.header["kind"] == "command":
            reason = self.refuses.get(message.header["command"]["kind"])
            ack = {"kind": "ack", "seq": message.header["seq"], "ok": reason is None}
            self._answer(message.header["command"])
            self.send(ack if reason is None else {**ack, "reason": reason})


def split(stream: bytes) -> list[bytes]:
    """The frames of a whole stream."""
    frames, at = [], 0
    while at < len(stream):
        length = int.from_bytes(stream[at : at + 4], "little")
        frames.append(stream[at + 4 : at + 4 + length])
        at += 4 + length
    return frames
