"""`viewer.debug_connection()`: one sentence first, then everything that is known behind it."""

from __future__ import annotations

import html
import json
import platform
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .._wire.protocol import JsonObject, direct_base
from .._wire.visible_text import visible
from .report_text import carrier_name, lines, title
from .secrets_mask import masked

#: Of each; a server that does not answer one is not asked the next.
_PROBE_TIMEOUT_S = 1.0
_LOG_LINES = 20

_TRANSPORTS = {
    "override": "through the address that you set",
    "server-extension": "through cellucid-notebook in the notebook server",
    "same-origin-proxy": "through jupyter-server-proxy",
    "direct": "directly",
    "cross-origin-proxy": "through a proxy on another address",
    "tunnel": "through the notebook",
}
_PROXY_PACKAGE = "jupyter-server-proxy"
_PACKAGES = ("cellucid-notebook", "anywidget", "ipywidgets", "ipykernel", "anndata", _PROXY_PACKAGE)


class ConnectionReport(dict[str, Any]):
    """What `debug_connection` found, by section; ``report["verdict"]`` says it in one sentence. Holds no secret."""

    def __repr__(self) -> str:
        shown = [self["verdict"]]
        for section, content in self.items():
            if section != "verdict":
                shown += ["", title(section), *(f"  {line}" for line in lines(section, content))]
        return "\n".join(shown)

    def _repr_html_(self) -> str:
        rows = [
            f"<tr><th style='text-align:left;vertical-align:top'>{html.escape(title(section))}</th>"
            f"<td style='text-align:left'><pre style='margin:0;white-space:pre-wrap'>"
            f"{html.escape(chr(10).join(lines(section, content)))}</pre></td></tr>"
            for section, content in self.items()
            if section != "verdict"
        ]
        return f"<p><b>{html.escape(self['verdict'])}</b></p><table>{''.join(rows)}</table>"


@dataclass(frozen=True)
class Facts:
    """What is known of one viewer. Each question to somebody else may be left unanswered: ``None``."""

    port: int
    #: Why the viewer has ended, or ``None``.
    ended: str | None
    was_shown: bool
    was_seen: bool
    #: What each view tried, the newest last.
    views: list[JsonObject]
    #: The server's own report.
    server: JsonObject | None
    #: Answers of its open routes to requests from this kernel, or the reason why there is none.
    health: JsonObject | str
    info: JsonObject | str
    #: Milliseconds from the kernel to the page and back.
    round_trip_ms: float | None
    #: What the page knows of itself; ``None`` where none answered.
    page: JsonObject | None
    #: The server's last log lines as the kernel read them, for when it answers nothing any more.
    log: list[str]
    #: Sections that the kernel adds from its own books.
    books: JsonObject
    #: Whether ``ui="hosted"`` was asked for.
    wants_hosted: bool = False


def report(facts: Facts) -> ConnectionReport:
    """Make the report, secrets removed."""
    server = facts.server or {}
    viewer = server.get("viewer") or {}
    sections = {
        "verdict": visible(verdict(facts)),
        "browser": facts.views or "No notebook page has reported.",
        "server": {
            "url": direct_base(facts.port),
            "health": facts.health,
            "info": facts.info,
            **{name: server.get(name) for name in ("uptimeSeconds", "memory", "eventLoopLateMs", "viewers", "pid")},
        },
        "jupyter_server_proxy": {
            "installed in the kernel's environment": package_version(_PROXY_PACKAGE) or "no",
            "answers on the notebook's server": _proxy_answers(facts.views),
        },
        "hosted_ui": _hosted(viewer, facts),
        "data": viewer.get("source"),
        "pages": viewer.get("pages", []),
        "page": facts.page or "no page answered",
        **facts.books,
        "console": [*viewer.get("console", []), *([_dropped(viewer)] if viewer.get("consoleDropped") else [])],
        "refused_hosts": server.get("refusedHosts", {}),
        "learnt_addresses": viewer.get("learnt", []),
        "requests": server.get("requests", []),
        "server_log": list(server.get("log") or facts.log)[-_LOG_LINES:],
        "versions": {
            **python_facts(),
            "node": server.get("node"),
        },
    }
    return ConnectionReport(masked(sections))


def _hosted(viewer: JsonObject, facts: Facts) -> JsonObject | str:
    if not facts.wants_hosted:
        return "not used; the page comes with this package"
    state = viewer.get("hosted")
    if state is None:
        return "asked for; the viewer server does not answer"
    through_notebook = bool(facts.views) and facts.views[-1]["transport"] == "tunnel"
    embedded_because = (
        "through the notebook only the embedded page can be shown"
        if through_notebook
        else None
        if state["isShown"]
        else "the user went over to the embedded page"
    )
    return {
        "status": state["status"] if embedded_because is None else f"not shown: {embedded_because}",
        "source": state["source"],
        "build": state["build"],
        "generation": state["generation"],
        "files": state["files"],
        "size in bytes": state["bytes"],
        "age in hours": _hours_since(state["storedAt"]),
        "asked for a newer build, hours ago": _hours_since(state["checkedAt"]),
        "fetching": state["progress"],
        "last error": state["lastError"],
        "cache": state["place"],
        "offline": state["isOffline"],
        "pages given out": state["pagesServed"],
        "how it gets the data": "by an address with a key of its own, for reads and events, as long as the viewer",
        "not verified": "the site's present build may expect a newer cellucid; it runs without Trusted Types",
    }


def _hours_since(moment: float | None) -> float | None:
    return None if moment is None else round((time.time() - moment / 1000) / 3600, 2)


def verdict(facts: Facts) -> str:
    """The one sentence."""
    if facts.ended is not None:
        return f"Not connected: {_lower_first(facts.ended)}"
    if facts.server is None:
        why = facts.health if isinstance(facts.health, str) else "its health route answers"
        return (
            f"Not connected: the viewer server does not answer the kernel ({why}). One that crashed is started again "
            "within seconds, by itself; if it stays so, run the cell again."
        )
    pages = [page for page in (facts.server.get("viewer") or {}).get("pages", []) if page.get("isOpen")]
    if pages:
        return _connected(facts, pages[0])
    return _unreachable(facts.views[-1]) if facts.views else _unseen(facts)


def _connected(facts: Facts, page: JsonObject) -> str:
    transport = facts.views[-1]["transport"] if facts.views else None
    how = "from a browser tab" if transport is None else _TRANSPORTS[transport]
    carrier = carrier_name(page)
    trip = "the page did not answer" if facts.round_trip_ms is None else f"{facts.round_trip_ms:.0f} ms"
    return f"Connected {how}; {carrier}; {trip}."


def _unseen(facts: Facts) -> str:
    if not facts.was_shown:
        return "Not connected: the viewer has not been shown. Call viewer.display()."
    if facts.was_seen:
        return "Not connected: the notebook page has found the viewer, but no page of it is open. Look at its cell."
    return (
        "Not connected: no notebook page has answered. Open the notebook in a browser; where the cell shows an error, "
        "install anywidget in the environment that runs JupyterLab and reload the page."
    )


def _unreachable(view: JsonObject) -> str:
    if view["transport"] is not None:
        how = _TRANSPORTS[view["transport"]]
        return f"Not connected: the browser reached the server {how}, but its page is closed. Run the cell again."
    failed = "; ".join(
        f"{candidate.get('base') or candidate.get('kind')}: {candidate.get('reason') or candidate.get('verdict')}"
        for candidate in view["candidates"]
    )
    return (
        "Not connected: the page never loaded, because no address led to the server "
        f"({failed or 'none could be tried'}). The viewer's cell says what to do."
    )


def probe(port: int, route: str) -> JsonObject | str:
    """Ask an open route of the server, ``"health"`` or ``"info"``, from here: its JSON, or why there is none."""
    url = f"{direct_base(port)}_cellucid/{route}"
    # No proxy of the environment has anything to do with this machine's own loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    started = time.monotonic()
    try:
        with opener.open(url, timeout=_PROBE_TIMEOUT_S) as response:
            answer: Any = json.load(response)
    except (OSError, ValueError) as error:
        return f"no answer at {url}: {getattr(error, 'reason', error)}"
    return {**answer, "ms": round((time.monotonic() - started) * 1000, 1)}


def timed(ask: Callable[[], object]) -> float | None:
    """Milliseconds that ``ask`` takes; ``None`` when it gets no answer (returns ``None``)."""
    started = time.monotonic()
    return None if ask() is None else (time.monotonic() - started) * 1000


def python_facts() -> dict[str, str]:
    """Versions of Python and of the packages that a viewer in a notebook needs, in this environment."""
    versions = {package: package_version(package) or "not installed" for package in _PACKAGES}
    return {"python": platform.python_version(), **versions}


def package_version(package: str) -> str | None:
    """The installed version of a package, in the kernel's environment."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _proxy_answers(views: list[JsonObject]) -> str:
    verdicts = [
        candidate.get("verdict")
        for view in views
        for candidate in view["candidates"]
        if candidate.get("kind") == "same-origin-proxy"
    ]
    if "proven" in verdicts:
        return "yes"
    return f"no ({verdicts[-1]})" if verdicts else "unknown: no notebook page has tried"


def _dropped(viewer: JsonObject) -> str:
    return f"{viewer['consoleDropped']} more lines were dropped"


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
