"""One viewer as the server must know it, and as a restarted server must be told again."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from .._wire.frame import Buffer
from .._wire.protocol import SELECTION, STATE_LIKE_COMMANDS, JsonObject

#: Commands that no page has acknowledged; past either bound the oldest is given up and reported.
_MAX_WAITING = 1000
_MAX_WAITING_BYTES = 64 << 20
_MAX_HELD_CONSOLE = 100
_ANSWERED_BY_ACK = frozenset({"requestSessionBundle", "loadSession"})
#: Ids of events that were seen, so that one sent twice counts once.
_REMEMBERED_EVENTS = 1024


class Listener(Protocol):
    """Whoever owns the link; called on the events thread, where nothing may wait long."""

    def on_event(self, event: JsonObject, body: Buffer) -> None:
        """A page said something; ``body`` holds the cells it speaks of."""

    def on_cells_kept(self, name: str, head: JsonObject, body: Buffer) -> None:
        """A set of cells of the pages' state is another one now, whoever changed it."""

    def on_command_failed(self, call: str, reason: str, request_id: str | None) -> None:
        """A page could not do what ``call``, as the user wrote it, asked for; ``request_id`` of one that is awaited."""

    def on_refused(self, call: str, reason: str) -> None:
        """A page said what cannot be read; ``reason`` is a sentence."""

    def on_command_done(self, request_id: str) -> None:
        """A page did what has no other answer than that it is done."""

    def on_seen(self, base: str) -> None:
        """A browser proved itself at ``base``."""

    def on_snapshot(self, request_id: str | None, png: Buffer) -> None:
        """A picture: the answer to a screenshot, or the one to save when ``request_id`` is ``None``."""

    def on_state(self, state: JsonObject) -> None:
        """The pages' state is this now: embedding, colour, camera."""

    def on_settled(self, kind: str, *, is_done: bool) -> None:
        """A page did a command of this kind, or could not."""

    def on_gone(self, instance_id: str) -> None:
        """The server process has ended, and perhaps another comes; called on the reader thread, which never waits."""

    def on_server(self) -> None:
        """The viewer is open on another server process: its port and instance may have changed."""

    def stop(self) -> None:
        """End it, with the viewer on the server."""

    def on_lost(self, reason: str) -> None:
        """The viewer cannot be kept: its data failed to open, or the server is gone for good."""


@dataclass(slots=True)
class _Waiting:
    command: JsonObject
    body: bytes
    call: str


@dataclass(slots=True)
class Notification:
    """One message to the server."""

    method: str
    params: JsonObject
    body: Buffer = b""


@dataclass
class ViewerLink:
    """Identity, data and state of one viewer, apart from the widget that shows it.

    ``source`` and ``options`` are what ``viewer.open`` takes. The token is in no ``repr``.
    """

    source: JsonObject
    options: JsonObject
    #: Whether pages send pictures for the notebook file.
    saves_pictures: bool = True
    #: The site of the hosted viewer; ``None`` shows the embedded one.
    hosted_source: str | None = None
    viewer_id: str = field(default_factory=lambda: secrets.token_hex(8))
    token: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    listener: Listener | None = field(default=None, repr=False)
    #: How many pages hold a channel now.
    pages: int = 0
    #: How much of the genes has been sorted for quick access, 0 to 1; ``None`` while nothing is being sorted.
    sorting: float | None = None

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._command_seq = 0
        self._waiting: OrderedDict[int, _Waiting] = OrderedDict()
        self._waiting_bytes = 0
        self._state: JsonObject | None = None
        self._cell_sets: dict[str, tuple[JsonObject, Buffer]] = {}
        self._seen_events: OrderedDict[str, None] = OrderedDict()
        self._given_up: deque[str] = deque()
        self._held_console: deque[JsonObject] = deque(maxlen=_MAX_HELD_CONSOLE)

    @property
    def state(self) -> JsonObject | None:
        """What the pages last reported of embedding, colour and camera."""
        return self._state

    def cell_sets(self) -> dict[str, tuple[JsonObject, Buffer]]:
        """The sets of cells of the pages' state, by name: head and body."""
        with self._lock:
            return dict(self._cell_sets)

    @property
    def waiting(self) -> int:
        """How many commands no page has acknowledged yet."""
        return len(self._waiting)

    @property
    def source_ids(self) -> list[str]:
        """What of the dataset lives in the kernel: an AnnData, or a MuData and its modalities."""
        if self.source["kind"] != "kernel":
            return []
        return [self.source["sourceId"], *(each["sourceId"] for each in self.source.get("modalities", []))]

    def awaits(self, kinds: frozenset[str]) -> bool:
        """Whether a command of one of these kinds waits for a page."""
        with self._lock:
            return any(entry.command["kind"] in kinds for entry in self._waiting.values())

    def open_params(self) -> JsonObject:
        """Parameters of ``viewer.open``."""
        hosted = {} if self.hosted_source is None else {"hosted": {"source": self.hosted_source}}
        return {
            **hosted,
            "viewerId": self.viewer_id,
            "viewerToken": self.token,
            "source": self.source,
            "options": self.options,
            "savesPictures": self.saves_pictures,
            "state": self._state,
        }

    def record(self, command: JsonObject, body: bytes, call: str) -> Notification:
        """Keep a command until a page acknowledges it; the message that sends it.

        ``call`` is what the user wrote, for the sentence if it fails. A state-like command replaces one of its kind
        that still waits.
        """
        with self._lock:
            self._command_seq += 1
            seq = self._command_seq
            if command["kind"] in STATE_LIKE_COMMANDS:
                for other in [s for s, w in self._waiting.items() if w.command["kind"] == command["kind"]]:
                    self._settle(other)
            self._waiting[seq] = _Waiting(command, body, call)
            self._waiting_bytes += len(body)
            while len(self._waiting) > _MAX_WAITING or self._waiting_bytes > _MAX_WAITING_BYTES:
                oldest = next(iter(self._waiting))
                if oldest == seq:
                    break
                given_up = self._settle(oldest)
                if given_up:
                    self._given_up.append(given_up.call)
            return self._command_message(seq, command, body)

    def hold_console(self, lines: list[JsonObject]) -> None:
        """Keep console lines until there is a server again."""
        with self._lock:
            self._held_console.extend(lines)

    def replay(self) -> Iterator[Notification]:
        """What a restarted server is told after ``viewer.open``: sets of cells, then the commands that still wait."""
        with self._lock:
            cell_sets = list(self._cell_sets.items())
            waiting = list(self._waiting.items())
            lines = list(self._held_console)
            self._held_console.clear()
        for name, (head, body) in cell_sets:
            yield Notification("viewer.cellSet", {"viewerId": self.viewer_id, "name": name, "cells": head}, body)
        for seq, entry in waiting:
            yield self._command_message(seq, entry.command, entry.body)
        if lines:
            yield Notification("viewer.console", {"viewerId": self.viewer_id, "lines": lines})

    def take(self, method: str, params: JsonObject, body: Buffer) -> None:
        """Apply one call of the server; on the events thread."""
        listener = self.listener
        match method:
            case "viewer.ack":
                self._acknowledge(params)
            case "viewer.state":
                self._state = params["state"]
                if listener is not None:
                    listener.on_state(params["state"])
            case "viewer.cellSet":
                self._keep_cells(params["name"], params["cells"], body)
                if listener is not None:
                    listener.on_cells_kept(params["name"], params["cells"], body)
            case "viewer.refused" if listener is not None:
                listener.on_refused(params["call"], params["reason"])
            case "viewer.sorting":
                self.sorting = params["done"]
            case "viewer.pages":
                self.pages = params["pages"]
            case "viewer.event" if self._is_new(params["id"]):
                self._take_event(params["event"], body)
            case "viewer.seen" if listener is not None:
                listener.on_seen(params["base"])
            case "viewer.snapshot" if listener is not None:
                listener.on_snapshot(params.get("requestId"), body)
        self._report_given_up()

    def _take_event(self, event: JsonObject, body: Buffer) -> None:
        if event["kind"] == "selection":
            self._keep_cells(SELECTION, event["cells"], body)
        if self.listener is not None:
            self.listener.on_event(event, body)

    def _report_given_up(self) -> None:
        while self._given_up and self.listener is not None:
            reason = "too many commands waited for a page, and this was the oldest"
            self.listener.on_command_failed(self._given_up.popleft(), reason, None)

    def _acknowledge(self, params: JsonObject) -> None:
        with self._lock:
            entry = self._settle(params["seq"])
        if entry is None or self.listener is None:
            return
        self.listener.on_settled(entry.command["kind"], is_done=params["ok"])
        if params["ok"]:
            if entry.command["kind"] in _ANSWERED_BY_ACK and not self._awaits_upload(entry.command):
                self.listener.on_command_done(entry.command["requestId"])
        else:
            reason = str(params.get("reason", "no reason was given"))
            self.listener.on_command_failed(entry.call, reason, entry.command.get("requestId"))

    def _awaits_upload(self, command: JsonObject) -> bool:
        # The hosted page answers with a file of its own; that the request reached it is not the answer.
        return self.hosted_source is not None and command["kind"] == "requestSessionBundle"

    def _settle(self, seq: int) -> _Waiting | None:
        entry = self._waiting.pop(seq, None)
        if entry is not None:
            self._waiting_bytes -= len(entry.body)
        return entry

    def _keep_cells(self, name: str, head: JsonObject, body: Buffer) -> None:
        # As it came: of a large set there is one copy here. A small one is part of a frame that is then kept with it.
        with self._lock:
            if head.get("count") == 0:
                self._cell_sets.pop(name, None)
            else:
                self._cell_sets[name] = (head, body)

    def _is_new(self, event_id: str) -> bool:
        if event_id in self._seen_events:
            return False
        self._seen_events[event_id] = None
        if len(self._seen_events) > _REMEMBERED_EVENTS:
            self._seen_events.popitem(last=False)
        return True

    def _command_message(self, seq: int, command: JsonObject, body: Buffer) -> Notification:
        return Notification("viewer.command", {"viewerId": self.viewer_id, "seq": seq, "command": command}, body)
