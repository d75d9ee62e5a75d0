"""What a user is told when an array of hers cannot be read: what was read, what failed, what to do."""

from __future__ import annotations

from asyncio import CancelledError as LoopCancelledError
from concurrent.futures import CancelledError
from typing import Any

from .dask_blocks import ClusterLostError
from .source_error import SourceReadError

_MAX_REASON = 200


def unreadable(place: str, expression: str, error: BaseException) -> SourceReadError:
    """The refusal of a read; ``expression`` reads the same in a cell, where Python tells everything.

    The traceback stays with the error, for the kernel's log.
    """
    if isinstance(error, MemoryError):
        return SourceReadError(
            "too_large", f"{place} could not be read: there is not enough memory. Free some, then choose it again."
        )
    if _is_of_the_cluster(error):
        return SourceReadError(
            "malformed",
            f"{place} could not be read: {_of_cluster(error)}. Start the cluster again and wait for it with "
            "client.wait_for_workers(1), or close its client so that dask computes in this kernel; then choose it "
            "again.",
        )
    return SourceReadError(
        "malformed",
        f"{place} could not be read: {_reason(error)}. Evaluate {expression} in a cell to see where it fails; the "
        "kernel's log has the details.",
    )


def _is_of_the_cluster(error: BaseException) -> bool:
    if isinstance(error, (ClusterLostError, CancelledError, LoopCancelledError)):
        return True
    kinds: list[Any] = [*type(error).__mro__]
    return any(kind.__module__.startswith("distributed") for kind in kinds)


def _of_cluster(error: BaseException) -> str:
    if isinstance(error, ClusterLostError):
        return str(error)
    if type(error).__name__ == "KilledWorker":
        return "the workers of the dask cluster ended again and again while they computed it"
    return "the dask cluster stopped computing it"


def _reason(error: BaseException) -> str:
    """The first line of what the array said, without the name of its class."""
    lines = str(error).strip().splitlines()
    said = lines[0].strip().rstrip(".") if lines else ""
    if not said:
        return f"its array failed with a {type(error).__name__}"
    return f"its array says “{said[:_MAX_REASON]}”"
