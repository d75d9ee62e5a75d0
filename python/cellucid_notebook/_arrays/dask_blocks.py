"""Blocks of a dask array, computed where its user computes: by a `dask.distributed` client if there is one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from .turn import Turn, later, no_turn

#: So long one group of blocks may take: between two groups a read hears whether it is still wanted.
_GROUP_S = 0.5
_FIRST_GROUP = 2 * (os.cpu_count() or 1)
_MAX_GROUP = 1024
#: How often a computation that goes on elsewhere is looked at.
_LOOK_EVERY_S = 0.1
#: A cluster that lost all its workers gets new ones within so long, or is given up; one that starts may take longer.
_LOST_AFTER_S = 20.0
_NOT_STARTED_AFTER_S = 60.0
_ASK_TIMEOUT_S = 5.0


class ClusterLostError(RuntimeError):
    """The user's dask cluster does not compute any more; the message says what it was last seen as."""


def is_dask(values: Any) -> bool:
    """Whether ``values`` is a dask array; dask is not imported for the question."""
    return hasattr(values, "__dask_graph__") and hasattr(values, "chunks")


def touched_blocks(values: Any, rows: npt.NDArray[Any]) -> tuple[Any, npt.NDArray[Any]]:
    """Leave out the blocks that hold none of ``rows``; returns the others, and where among them the rows are.

    All blocks stay where dask does not know how long they are.
    """
    lengths = np.asarray(values.chunks[0], dtype=float)
    if np.isnan(lengths).any() or not len(rows):
        return values, rows
    ends = np.cumsum(lengths).astype(np.int64)
    blocks = np.searchsorted(ends, rows, side="right")
    touched, places = np.unique(blocks, return_inverse=True)
    starts = np.cumsum(lengths[touched]) - lengths[touched]
    within = rows - (ends - lengths.astype(np.int64))[blocks]
    return values.blocks[touched.tolist()], starts.astype(np.int64)[places] + within


def needs_all_blocks(values: Any, rows: npt.NDArray[Any] | None) -> bool:
    """Whether ``values`` is a dask array, and no block is without any of ``rows``."""
    if not is_dask(values):
        return False
    return rows is None or touched_blocks(values, rows)[0].numblocks[0] == values.numblocks[0]


def has_known_width(values: Any) -> bool:
    """Whether dask knows how wide each block is."""
    return not np.isnan(values.shape[1:]).any()


def compute_blocks(values: Any, turn: Turn) -> Iterator[list[Any]]:
    """Compute a dask array of one or two dimensions, block row by block row; a turn before each group of them.

    Yields, in order, the blocks that lie side by side. Raises what computing raises, and ``ClusterLostError``.
    """
    blocks = values.to_delayed().reshape(values.numblocks[0], -1)
    done, size = 0, _FIRST_GROUP
    while done < len(blocks):
        turn(done / len(blocks))
        group = blocks[done : done + size]
        begun = time.monotonic()
        computed = _compute(
            group.ravel().tolist(), values, later(turn, done / len(blocks), (done + len(group)) / len(blocks))
        )
        for row in range(len(group)):
            yield list(computed[row * blocks.shape[1] : (row + 1) * blocks.shape[1]])
        done += len(group)
        size = _next_size(size, time.monotonic() - begun)


def known_shape(values: Any) -> tuple[int, ...]:
    """The shape; of an array whose blocks dask does not know the width of, the first row of them tells."""
    if has_known_width(values):
        return tuple(values.shape)
    if values.name not in _widths:
        first = next(compute_blocks(values.blocks[0], no_turn))
        _widths.clear()  # one is enough: it is asked again and again
        _widths[values.name] = sum(int(block.shape[1]) for block in first)
    return (values.shape[0], _widths[values.name])


_widths: dict[str, int] = {}


def _next_size(size: int, took_s: float) -> int:
    if took_s < _GROUP_S / 2:
        return min(size * 2, _MAX_GROUP)
    return max(1, size // 2) if took_s > _GROUP_S * 2 else size


def _compute(group: list[Any], values: Any, turn: Turn) -> Sequence[Any]:
    scheduler = _scheduler_for(values)
    client = getattr(scheduler, "__self__", None)
    if hasattr(client, "scheduler_info"):
        return _compute_on(client, group, turn)
    compute: Any = import_module("dask").compute
    computed: Sequence[Any] = compute(*group, scheduler=scheduler)
    return computed


def _scheduler_for(values: Any) -> Any:
    """What dask itself would compute with here: the `get` of a `dask.distributed` client if there is one."""
    get_scheduler: Any = import_module("dask.base").get_scheduler
    try:
        scheduler = get_scheduler(collections=[values])
    except NotImplementedError:
        # The user's client is asynchronous. What is used of it here waits in this thread, not in its loop.
        scheduler = sys.modules["distributed"].get_client().get
    # A client that was closed may still stand in its `with`.
    is_over = getattr(getattr(scheduler, "__self__", None), "status", None) == "closed"
    return values.__dask_scheduler__ if is_over else scheduler


def _compute_on(client: Any, group: list[Any], turn: Turn) -> Sequence[Any]:
    """Compute on a cluster and look after it: without its workers or its scheduler nothing comes back."""
    futures = client.compute(group)
    watch = _ClusterWatch(client)
    finished = threading.Semaphore(0)
    for future in futures:
        future.add_done_callback(lambda _: finished.release())
    try:
        waiting = len(futures)
        while waiting > 0:
            if finished.acquire(timeout=_LOOK_EVERY_S):
                waiting -= 1
            else:
                turn(1 - waiting / len(futures))
                watch.look()
        gathered: Sequence[Any] = client.gather(futures)
    except ClusterLostError:
        raise
    except Exception as error:
        # While a cluster ends, its client fails in many ways; an array that fails leaves it running.
        if client.status != "running":
            raise ClusterLostError(_status_text(client)) from error
        raise
    else:
        return gathered
    finally:
        for future in futures:
            future.release()  # what nobody waits for is not computed to its end


def _status_text(client: Any) -> str:
    return f"the dask cluster's client is {client.status}"


class _ClusterWatch:
    """Whether a cluster can still answer, asked about once a second."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._had_workers = False
        self._last_seen = time.monotonic()
        self._next_look = self._last_seen + 1

    def look(self) -> None:
        """Raise ``ClusterLostError`` when nothing can be expected any more."""
        now = time.monotonic()
        if self._client.status != "running":
            raise ClusterLostError(_status_text(self._client))
        if now < self._next_look:
            return
        self._next_look = now + 1
        if self._workers() > 0:
            self._had_workers, self._last_seen = True, now
        elif now - self._last_seen > (_LOST_AFTER_S if self._had_workers else _NOT_STARTED_AFTER_S):
            raise ClusterLostError("the dask cluster has no workers (any more)")

    def _workers(self) -> int:
        try:
            identity = self._client.sync(self._client.scheduler.identity, callback_timeout=_ASK_TIMEOUT_S)
        except Exception as error:
            raise ClusterLostError("the dask cluster's scheduler does not answer") from error
        return len(identity["workers"])
