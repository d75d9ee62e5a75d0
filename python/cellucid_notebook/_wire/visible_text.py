"""Words from data are data: what a terminal, a report or a log would obey is made visible before it is shown."""

from __future__ import annotations

import re

#: Control characters, half surrogates, separators of lines, and what turns the direction of text.
_STEERING = "\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_IN_A_LINE = re.compile(f"[{_STEERING}]")
_IN_LINES = re.compile(f"(?!\n)[{_STEERING}]")


def visible(text: str) -> str:
    """One line of text in which every character that steers, instead of standing in it, is U+FFFD."""
    return _IN_A_LINE.sub("\ufffd", text)


def visible_lines(text: str) -> str:
    """Do the same for a text of several lines."""
    return _IN_LINES.sub("\ufffd", text)
