"""What a long read calls between its parts: it tells how far it is, and hears whether anybody still waits for it."""

from __future__ import annotations

from collections.abc import Callable

#: Called between two parts with the share that is read, 0 to 1. Raises ``AbandonedError`` when nobody waits any more.
Turn = Callable[[float], None]


class AbandonedError(Exception):
    """Nobody waits for this read any more; it ends where it is."""


def no_turn(_done: float) -> None:
    """Read on, and tell nobody."""


def later(turn: Turn, start: float, end: float) -> Turn:
    """The same turn for a read that is the part ``start`` to ``end`` of a longer one."""
    return lambda done: turn(start + done * (end - start))
