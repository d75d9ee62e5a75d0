"""The sections of a report as lines to read; whoever wants the values reads them from the report itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from .._wire.protocol import JsonObject
from .._wire.visible_text import visible

_CARRIERS = {"socket": "WebSocket", "poll": "long-polling"}
_OWN_FIELDS_OF_A_LOG_LINE = ("time", "level", "message")


def title(section: str) -> str:
    """A section's name, or a value's, in words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", section).replace("_", " ").lower()


def lines(section: str, content: Any) -> list[str]:
    """One section as lines of text; never empty."""
    return [visible(line) for line in _lines(section, content)]


def _lines(section: str, content: Any) -> list[str]:
    one_line = _LINES.get(section)
    if one_line is not None and isinstance(content, list):
        return [line for entry in content for line in one_line(entry)] or ["none"]
    if isinstance(content, dict):
        return [f"{title(name)}: {_value(name, value)}" for name, value in content.items()] or ["none"]
    if isinstance(content, list):
        return [_text(entry) for entry in content] or ["none"]
    return [_text(content)]


def carrier_name(page: JsonObject) -> str:
    """How a page's channel is carried."""
    return _CARRIERS.get(str(page.get("carrier")), "no channel")


def _view(view: JsonObject) -> Iterator[str]:
    yield f"the notebook page at {view.get('page_origin') or 'an unknown address'} took: {view['transport'] or 'none'}"
    for candidate in view["candidates"]:
        took = "" if candidate.get("ms") is None else f" after {candidate['ms']:.0f} ms"
        reason = f": {candidate['reason']}" if candidate.get("reason") else ""
        address = candidate.get("base") or "no address"
        yield f"  {candidate.get('kind')}, {address}: {candidate.get('verdict')}{took}{reason}"


def _page(page: JsonObject) -> Iterator[str]:
    counts = ", ".join(f"{page[name]:,} {title(name)}" for name in ("received", "sent", "connections") if name in page)
    unknown = f", {page['unknownMessages']} that were not understood" if page.get("unknownMessages") else ""
    yield f"{carrier_name(page)}, {'open' if page.get('isOpen') else 'closed'}: {counts}{unknown}"


def _console_line(line: JsonObject | str) -> Iterator[str]:
    if isinstance(line, str):
        yield line
        return
    times = f" \u00d7{line['count']}" if line.get("count", 1) > 1 else ""
    place = f" ({line['filename']}:{line.get('lineno')}:{line.get('colno')})" if line.get("filename") else ""
    yield f"{_clock(line['ts'] / 1000)} {line['level']}{times}, {line.get('from')}: {line['message']}{place}"


def _lesson(lesson: JsonObject) -> Iterator[str]:
    frames = " inside ".join([str(lesson.get("origin")), *lesson.get("ancestors", [])])
    yield f"{lesson.get('base')}, asked as {lesson.get('host')}, in a page of {frames}"


def _route(route: JsonObject) -> Iterator[str]:
    yield f"{route['method']} {route['route']} {route['status']}: {route['count']:,}"


def _log_line(line: JsonObject | str) -> Iterator[str]:
    try:
        entry = json.loads(line) if isinstance(line, str) else line
        moment = datetime.fromisoformat(entry["time"].replace("Z", "+00:00")).timestamp()
        rest = {name: value for name, value in entry.items() if name not in _OWN_FIELDS_OF_A_LOG_LINE}
        yield f"{_clock(moment)} {entry['level']}: {entry['message']} {_text(rest) if rest else ''}".rstrip()
    except (ValueError, KeyError, TypeError, AttributeError):
        yield _text(line)  # the last words of a process that crashed


_LINES: dict[str, Callable[[Any], Iterator[str]]] = {
    "browser": _view,
    "pages": _page,
    "console": _console_line,
    "learnt_addresses": _lesson,
    "requests": _route,
    "server_last_words": _log_line,
    "server_log": _log_line,
}


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%H:%M:%S")


def _value(name: str, value: Any) -> str:
    return f"{value / 1e6:,.0f} MB" if name == "memory" and isinstance(value, int) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{title(name)} {_text(entry)}" for name, entry in value.items())
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
