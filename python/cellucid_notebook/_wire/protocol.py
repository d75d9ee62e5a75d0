"""The wire's names and numbers, as `protocol/*.ts` has them; golden files hold the two together."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import astuple, dataclass
from typing import Any, Final

#: Both ends of every border say it first; see `protocol/version.ts`.
PROTOCOL_VERSION: Final = 1

#: A whole frame, without the stream's length before it.
MAX_FRAME_BYTES: Final = 1 << 20
#: What is put together from the parts of one body.
MAX_BODY_BYTES: Final = 256 << 20
#: Room for the header in a frame that carries a part of a body.
MIN_PART_BYTES: Final = 64 << 10

#: Of these commands only the last that still waits matters.
STATE_LIKE_COMMANDS: Final = frozenset({"setColorBy", "setEmbedding", "select", "resetCamera", "clearHighlights"})

#: The set of cells of the pages' state that holds what is selected.
SELECTION: Final = "selection"
#: Begins the name of each set of highlighted cells; its colour follows.
HIGHLIGHT: Final = "highlight/"

COMMANDS: Final = (
    "highlight",
    "clearHighlights",
    "setColorBy",
    "setEmbedding",
    "select",
    "setVisibility",
    "resetCamera",
    "refresh",
    "freeze",
    "screenshot",
    "requestSessionBundle",
    "loadSession",
    "ping",
    "debugSnapshot",
    "custom",
)

EVENTS: Final = (
    "ready",
    "selection",
    "hover",
    "click",
    "colorBy",
    "embedding",
    "visibility",
    "console",
    "sessionBundle",
    "screenshot",
    "pong",
    "debugSnapshot",
    "custom",
)

#: Kernel → server.
KERNEL_CALLS: Final = (
    "viewer.open",
    "viewer.cellSet",
    "viewer.close",
    "viewer.command",
    "viewer.oneTimeToken",
    "viewer.console",
    "tunnel.fetch",
    "viewer.resolveColor",
    "viewer.compare",
    "compare.progress",
    "compare.cancel",
    "hosted.ensure",
    "hosted.state",
    "hosted.cancel",
    "hosted.forget",
    "source.changed",
    "source.sorting",
    "source.progress",
    "report",
)
#: Server → kernel.
SERVER_CALLS: Final = (
    "server.ready",
    "server.failed",
    "viewer.seen",
    "viewer.event",
    "viewer.ack",
    "viewer.state",
    "viewer.cellSet",
    "viewer.refused",
    "viewer.sorting",
    "viewer.pages",
    "viewer.snapshot",
    "source.read",
    "source.cancel",
)
#: What `source.read` may ask for.
SOURCE_READS: Final = (
    "describe",
    "obsm",
    "obs",
    "var",
    "varNames",
    "obsNames",
    "sorting",
    "giveBack",
    "cellMap",
    "layout",
    "block",
)

#: Kernel → widget, widget → kernel: `kind` of custom messages on the widget's model.
KERNEL_MESSAGES: Final = ("welcome", "response", "bodyLost", "noted", "cell", "gone", "stopped")
WIDGET_MESSAGES: Final = ("hello", "resolved", "saving", "console", "fetch", "alive", "bye")

JsonObject = dict[str, Any]


def sign(token: str, text: str) -> str:
    """HMAC-SHA256 of ``text`` under the 64 ASCII characters of ``token``, as 43 base64url characters."""
    digest = hmac.new(token.encode("ascii"), text.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


@dataclass(frozen=True, slots=True)
class ProbeClaims:
    """What a signed probe says: who asks for whom, and where the asker stands."""

    viewer_id: str
    nonce: str
    instance_id: str
    base: str
    origin: str
    ancestors: str


def probe_text(claims: ProbeClaims) -> str:
    """The text under a signed probe's mac."""
    return "\n".join(("cellucid-probe/1", *astuple(claims)))


def health_text(*, viewer_id: str, nonce: str, instance_id: str) -> str:
    """The text under the proof of a health answer."""
    return "\n".join(("cellucid-health/1", viewer_id, nonce, instance_id))


def link_token(token: str, viewer_id: str, instance_id: str) -> str:
    """The secret in a viewer's links, 64 hex characters: good for one server process, and none that comes after it."""
    text = "\n".join(("cellucid-link/1", viewer_id, instance_id))
    return hmac.new(token.encode("ascii"), text.encode(), hashlib.sha256).hexdigest()


def direct_base(port: int) -> str:
    """The base that reaches the server from the kernel's own machine."""
    return f"http://127.0.0.1:{port}/"


def viewer_url(base: str, viewer_id: str, token: str) -> str:
    """The URL that users are promised, to open in a tab."""
    return f"{base}?jupyter=true&viewerId={viewer_id}&viewerToken={token}"


def one_time_url(base: str, viewer_id: str, token: str) -> str:
    """A link to one page; the secret stands in the fragment, which reaches no log."""
    return f"{base}?jupyter=true&viewerId={viewer_id}#viewerToken={token}"
