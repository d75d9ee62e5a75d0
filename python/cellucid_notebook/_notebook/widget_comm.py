"""The kernel's end of the widget: pushes `welcome`, takes messages without waiting, carries the tunnel's requests.

Handlers only queue: all widgets of a kernel share one shell, and whoever blocks it freezes every slider in the
notebook. Replies leave from the timetable's thread.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from .._scheduler import Entry, timetable
from .._wire.frame import Buffer
from .._wire.pipe import Answer
from .._wire.protocol import PROTOCOL_VERSION, JsonObject
from ..errors import CellucidError
from .environment import hints, loses_buffers
from .presentation import Presentation
from .running_cell import running_cell

if TYPE_CHECKING:
    from .._server.supervisor import Server
    from .._server.viewer_record import ViewerLink

#: Seconds between welcomes until the widget is seen; then it asks by itself, with `hello`.
_WELCOME_AFTER_S = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 12, 24, 48, 96)
#: Answers that are kept per view, so that a request which is asked again is not carried out again.
_REMEMBERED_ANSWERS = 64

#: An answer of more bytes may still be on its way when it is asked for again, and a second would make both later.
_LARGE_ANSWER_BYTES = 64 << 10
#: For so many seconds; then it counts as lost.
_ANSWER_TRAVELS_S = 2.0

#: A view that vanished without a word (a closed tab) stays listed until this many newer ones came.
_REMEMBERED_VIEWS = 8
#: One that used the tunnel says every 20 seconds that it is there: it is gone when nothing came for so many seconds.
_VIEW_SILENT_S = 60.0

Buffers = Sequence[Any]


class Widget(Protocol):
    """The widget whose messages these are."""

    def send(self, content: JsonObject, buffers: Buffers | None = None) -> None:
        """Send a custom message on the widget's model; thread-safe."""

    def widget_appeared(self) -> None:
        """A front end gave the first sign of itself."""

    def document_is_shared(self) -> None:
        """Several people edit the notebook at once."""

    def document_saved(self) -> None:
        """The notebook is being saved."""


class WidgetComm:
    """Messages between one viewer's widget (all its views, in all tabs) and the kernel."""

    def __init__(self, link: ViewerLink, server: Server, presentation: Presentation, widget: Widget) -> None:
        self._link = link
        self._server = server
        self._presentation = presentation
        #: Of the frame in the cell, in CSS pixels.
        self.height = presentation.height
        self._widget = widget
        self._tunnel = _Tunnel(link, server, widget)
        # When something last came from each view of the tunnel, by the monotonic clock; and the next look at them.
        self._heard_at: dict[str, float] = {}
        self._next_look: Entry | None = None
        self._next_welcome: Entry | None = None
        self._view_count = 0
        self._closed = False
        #: Whether a widget answered or a browser proved itself since the last `welcome` was due.
        self.seen = False
        # The last `resolved` of each view, by number and content, the newest last.
        self._resolved: OrderedDict[str, tuple[int, JsonObject]] = OrderedDict()
        #: What the widget heard last of the running cell.
        self._told_runs = False
        running_cell.listen(self)

    def receive(self, content: JsonObject, buffers: Buffers) -> None:
        """Take a message of a view; returns at once, from whatever thread it comes."""
        timetable.soon(partial(self._handle, content, [bytes(buffer) for buffer in buffers]))

    def views(self) -> list[JsonObject]:
        """What each open view tried and took, the newest last."""
        return [content for _, content in self._resolved.values()]

    @property
    def counts(self) -> JsonObject:
        """What went through the tunnel, and how many views there have been."""
        return {"views so far": self._view_count, **self._tunnel.counts}

    def was_seen(self) -> None:
        """A sign of the widget: a message of it, or a proven probe at the server."""
        if not self.seen:
            self.seen = True
            self._widget.widget_appeared()

    def push_welcome(self) -> None:
        """Send `welcome` again and again until the widget is seen."""
        self.seen = False
        self._cancel_welcome()
        self._next_welcome = timetable.later(_WELCOME_AFTER_S[0], partial(self._push, 1))

    def push_gone(self, instance_id: str) -> None:
        """Tell the views at once that this server process has ended: nobody is to ask its port any more."""
        timetable.soon(partial(self._send_gone, instance_id))

    def _send_gone(self, instance_id: str) -> None:
        if not self._closed:
            self._widget.send({"kind": "gone", "instanceId": instance_id})

    def set_height(self, height: int) -> None:
        """Tell the views that are open, and those to come."""
        self.height = height
        if self.seen and not self._closed:
            self._widget.send(self._welcome())

    def cell_runs(self, runs: bool) -> None:
        """Tell the views that wait for answers of the kernel, and take it back."""
        if runs == self._told_runs or self._closed or (runs and not self._tunnel.is_used):
            return
        self._told_runs = runs
        self._widget.send({"kind": "cell", "runs": runs})

    def close(self, reason: str) -> None:
        """Tell the views that the viewer has ended; nothing is sent after it."""
        if not self._closed:
            self._closed = True
            self._cancel_welcome()
            if self._next_look is not None:
                self._next_look.cancel()
            self._widget.send({"kind": "stopped", "reason": reason})

    def _push(self, attempt: int) -> None:
        if self._closed or self.seen:
            return
        self._widget.send(self._welcome())
        if attempt < len(_WELCOME_AFTER_S):
            self._next_welcome = timetable.later(_WELCOME_AFTER_S[attempt], partial(self._push, attempt + 1))

    def _cancel_welcome(self) -> None:
        if self._next_welcome is not None:
            self._next_welcome.cancel()

    def _welcome(self) -> JsonObject:
        door = self._server.door
        self._told_runs = running_cell.runs
        return {
            **({} if door is None else {"door": door}),
            "kind": "welcome",
            "protocol": PROTOCOL_VERSION,
            "viewerId": self._link.viewer_id,
            "viewerToken": self._link.token,
            "port": self._server.port,
            "instanceId": self._server.instance_id,
            "override": self._presentation.override,
            "hints": hints(),
            "height": self.height,
            "buffers": not loses_buffers(),
            "cellRuns": self._told_runs,
        }

    def _handle(self, content: JsonObject, buffers: list[bytes]) -> None:
        if self._closed:
            return
        view = str(content.get("view"))
        self.was_seen()
        match content.get("kind"):
            case "hello":
                self._widget.send(self._welcome())
            case "resolved":
                if content.get("isShared"):
                    self._widget.document_is_shared()
                self._note_resolved(view, content)
                self._widget.send({"kind": "noted", "view": view, "id": content["id"]})
            case "saving":
                self._widget.document_saved()
            case "console":
                self._server.send_console(self._link, content["lines"])
            case "fetch":
                self._hear(view)
                self._fetch(content, buffers)
            case "alive":
                self._hear(view)
            case "bye":
                self._let_go(view)

    def _let_go(self, view: str) -> None:
        self._heard_at.pop(view, None)
        self._resolved.pop(view, None)
        self._tunnel.forget(view)

    def _hear(self, view: str) -> None:
        self._heard_at.pop(view, None)
        self._heard_at[view] = time.monotonic()
        while len(self._heard_at) > _REMEMBERED_VIEWS:
            self._let_go(next(iter(self._heard_at)))
        if self._next_look is None:
            self._next_look = timetable.later(_VIEW_SILENT_S, self._look)

    def _look(self) -> None:
        """Let go of the views that vanished. While a cell runs, messages may wait for its end: that is no silence."""
        self._next_look = None
        if self._closed:
            return
        now = time.monotonic()
        ended_at = now if running_cell.runs else running_cell.ended_at
        silences = {view: now - max(heard_at, ended_at) for view, heard_at in self._heard_at.items()}
        for view, silence in silences.items():
            if silence >= _VIEW_SILENT_S:
                self._let_go(view)
        if self._heard_at:
            longest = max(silences[view] for view in self._heard_at)
            self._next_look = timetable.later(_VIEW_SILENT_S - longest, self._look)

    def _fetch(self, request: JsonObject, buffers: list[bytes]) -> None:
        sent = [b64decode(request["text"])] if "text" in request else buffers
        body = b"".join(sent)
        if len(body) == request["bytes"]:
            self._tunnel.fetch(request, body)
        else:
            self._widget.send({"kind": "bodyLost", "view": request["view"], "id": request["id"]})

    def _note_resolved(self, view: str, content: JsonObject) -> None:
        known = self._resolved.get(view)
        if known is None:
            self._view_count += 1
        elif known[0] == content["id"]:
            return  # Asked again: only the answer was lost, and newer views stay the newest.
        record = {
            "transport": content.get("transport"),
            "base": content.get("base"),
            "page_origin": content.get("pageOrigin"),
            "candidates": content.get("candidates", []),
        }
        self._resolved[view] = (content["id"], record)
        self._resolved.move_to_end(view)
        while len(self._resolved) > _REMEMBERED_VIEWS:
            self._resolved.popitem(last=False)


#: Names a request of a view: its id, and whether it is a question whose answer is to come as text.
_RequestKey = tuple[int, bool]
#: The reply, or None while it is under way, to the server or to the browser.
_Answers = OrderedDict[_RequestKey, tuple[JsonObject, bytes] | None]


class _Tunnel:
    """Requests of views that reach the server through the notebook: same routes, same gate, one reply each."""

    def __init__(self, link: ViewerLink, server: Server, widget: Widget) -> None:
        self._link = link
        self._server = server
        self._widget = widget
        # By view. Only the timetable's thread touches it.
        self._answers: OrderedDict[str, _Answers] = OrderedDict()
        #: For the report.
        self.counts = {"requests": 0, "asked again": 0, "replies": 0, "reply bytes": 0}

    @property
    def is_used(self) -> bool:
        """Whether a view is there that gets its answers from the kernel."""
        return bool(self._answers)

    def fetch(self, request: JsonObject, body: bytes) -> None:
        view, key = request["view"], _key(request)
        answers = self._answers.setdefault(view, OrderedDict())
        self._answers.move_to_end(view)
        while len(self._answers) > _REMEMBERED_VIEWS:
            self._answers.popitem(last=False)
        self.counts["requests"] += 1
        if key in answers:
            self.counts["asked again"] += 1
            known = answers[key]
            if known is not None:
                self._send(request, *known)
            return
        answers[key] = None
        if len(answers) > _REMEMBERED_ANSWERS:
            _forget_oldest(answers)
        params = {
            "viewerId": self._link.viewer_id,
            "view": view,
            "httpMethod": request["method"],
            "path": request["path"],
            "headers": request["headers"],
        }
        answered = self._server.request("tunnel.fetch", params, body)
        answered.add_done_callback(lambda future: timetable.soon(partial(self._reply, request, future)))

    def forget(self, view: str) -> None:
        self._answers.pop(view, None)

    def _let_go(self, view: str, key: _RequestKey) -> None:
        self._answers.get(view, OrderedDict()).pop(key, None)

    def _reply(self, request: JsonObject, future: Future[Answer]) -> None:
        answers = self._answers.get(request["view"])
        if answers is None:
            return
        try:
            answer = future.result()
        except CellucidError:
            # The server is gone; when the view asks again, the next one answers.
            answers.pop(_key(request), None)
            return
        body = answer.body
        reply = {
            "kind": "response",
            "view": request["view"],
            "id": request["id"],
            **answer.result,
            "bytes": len(body),
        }
        # A GET may be carried out again: its body is not worth keeping.
        if request["method"] != "GET":
            answers[_key(request)] = (reply, bytes(body))
        elif len(body) > _LARGE_ANSWER_BYTES:
            timetable.later(_ANSWER_TRAVELS_S, partial(self._let_go, request["view"], _key(request)))
        else:
            answers.pop(_key(request), None)
        self.counts["replies"] += 1
        self.counts["reply bytes"] += len(body)
        self._send(request, reply, body)

    def _send(self, request: JsonObject, reply: JsonObject, body: Buffer) -> None:
        if request["asText"] or loses_buffers():
            self._widget.send({**reply, "text": b64encode(body).decode("ascii")})
        else:
            self._widget.send(reply, [body])


def _key(request: JsonObject) -> _RequestKey:
    """A question is asked anew when its answer was lost with a buffer; what changes something is done once."""
    return request["id"], request["asText"] and request["method"] == "GET"


def _forget_oldest(answers: _Answers) -> None:
    """Of what was answered: a request under way that nobody remembers would be carried out twice."""
    oldest = next((key for key, reply in answers.items() if reply is not None), None)
    if oldest is not None:
        del answers[oldest]


def supports_subshells() -> bool:
    """Whether comm messages are answered while a cell runs."""
    kernel = _kernel()
    return bool(getattr(kernel, "_supports_kernel_subshells", False))


def drop_subshell_pin(comm: Any) -> None:
    """Let ipykernel answer this comm's messages on a subshell again.

    ipykernel 7 sends what arrives on a comm to the shell of our last send on it; after one send from a cell that is the
    main shell, and messages wait until the cell ends. Other kernels have no such attribute.
    """
    vars(comm).pop("_reply_subshell_id", None)


def _kernel() -> Any:
    from .display import shell

    running = shell()
    return getattr(running, "kernel", None)
