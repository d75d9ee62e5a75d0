"""The kernel's end of the widget: pushes `welcome`, takes messages without waiting, carries the tunnel's requests.

Handlers only queue: all widgets of a kernel share one shell, and whoever blocks it freezes every slider in the
notebook. Replies leave from the timetable's thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ._environment import hints
from ._pipe import Answer
from ._presentation import Presentation
from ._protocol import PROTOCOL_VERSION, JsonObject
from ._timetable import Entry, timetable
from .errors import CellucidError

if TYPE_CHECKING:
    from ._link import ViewerLink
    from ._server import Server

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

Buffers = Sequence[Any]


class Widget(Protocol):
    """The widget whose messages these are."""

    def send(self, content: JsonObject, buffers: Buffers | None = None) -> None:
        """Send a custom message on the widget's model; thread-safe."""

    def widget_appeared(self) -> None:
        """A front end gave the first sign of itself."""


class WidgetComm:
    """Messages between one viewer's widget (all its views, in all tabs) and the kernel."""

    def __init__(self, link: ViewerLink, server: Server, presentation: Presentation, widget: Widget) -> None:
        self._link = link
        self._server = server
        self._presentation = presentation
        self._widget = widget
        self._tunnel = _Tunnel(link, server, widget)
        self._next_welcome: Entry | None = None
        self._view_count = 0
        self._closed = False
        #: Whether a widget answered or a browser proved itself since the last `welcome` was due.
        self.seen = False
        # The last `resolved` of each view, by number and content, the newest last.
        self._resolved: OrderedDict[str, tuple[int, JsonObject]] = OrderedDict()

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

    def close(self, reason: str) -> None:
        """Tell the views that the viewer has ended; nothing is sent after it."""
        if not self._closed:
            self._closed = True
            self._cancel_welcome()
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
        return {
            "kind": "welcome",
            "protocol": PROTOCOL_VERSION,
            "viewerId": self._link.viewer_id,
            "viewerToken": self._link.token,
            "port": self._server.port,
            "instanceId": self._server.instance_id,
            "override": self._presentation.override,
            "hints": hints(),
            "height": self._presentation.height,
            "subshells": supports_subshells(),
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
                self._note_resolved(view, content)
                self._widget.send({"kind": "noted", "view": view, "id": content["id"]})
            case "console":
                self._server.send_console(self._link, content["lines"])
            case "fetch":
                self._tunnel.fetch(content, buffers[0] if buffers else b"")
            case "bye":
                self._resolved.pop(view, None)
                self._tunnel.forget(view)

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


#: By request id: the reply, or None while it is under way, to the server or to the browser.
_Answers = OrderedDict[int, tuple[JsonObject, bytes] | None]


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

    def fetch(self, request: JsonObject, body: bytes) -> None:
        view, request_id = request["view"], request["id"]
        answers = self._answers.setdefault(view, OrderedDict())
        self._answers.move_to_end(view)
        while len(self._answers) > _REMEMBERED_VIEWS:
            self._answers.popitem(last=False)
        self.counts["requests"] += 1
        if request_id in answers:
            self.counts["asked again"] += 1
            known = answers[request_id]
            if known is not None:
                self._widget.send(known[0], [known[1]])
            return
        answers[request_id] = None
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

    def _let_go(self, view: str, request_id: int) -> None:
        self._answers.get(view, OrderedDict()).pop(request_id, None)

    def _reply(self, request: JsonObject, future: Future[Answer]) -> None:
        answers = self._answers.get(request["view"])
        if answers is None:
            return
        try:
            answer = future.result()
        except CellucidError:
            # The server is gone; when the view asks again, the next one answers.
            answers.pop(request["id"], None)
            return
        reply = {"kind": "response", "view": request["view"], "id": request["id"], **answer.result}
        body = answer.body
        # A GET may be carried out again: its body is not worth keeping.
        if request["method"] != "GET":
            answers[request["id"]] = (reply, bytes(body))
        elif len(body) > _LARGE_ANSWER_BYTES:
            timetable.later(_ANSWER_TRAVELS_S, partial(self._let_go, request["view"], request["id"]))
        else:
            answers.pop(request["id"], None)
        self.counts["replies"] += 1
        self.counts["reply bytes"] += len(body)
        self._widget.send(reply, [body])


def _forget_oldest(answers: _Answers) -> None:
    """Of what was answered: a request under way that nobody remembers would be carried out twice."""
    oldest = next((request_id for request_id, reply in answers.items() if reply is not None), None)
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
    from ._display import shell

    running = shell()
    return getattr(running, "kernel", None)
