"""The source worker: one thread that answers the server's reads of arrays that live in this kernel."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._anndata import AnnDataSource
from ._frame import FrameError
from ._pipe import Call, Pipe
from ._source_error import SourceReadError

if TYPE_CHECKING:
    from anndata import AnnData

logger = logging.getLogger(__name__)


class SourceWorker:
    """Sources by id, and the thread that reads them. Viewers of the same AnnData share one source."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._sources: dict[str, tuple[Any, AnnDataSource, int]] = {}
        self._questions: queue.SimpleQueue[tuple[Pipe, Call] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="cellucid-sources", daemon=True).start()

    def acquire(self, adata: AnnData) -> str:
        """Make ``adata`` readable and return the id to ask by; to be released once for each time it was acquired."""
        with self._lock:
            for source_id, (shown, source, users) in self._sources.items():
                if shown is adata:
                    self._sources[source_id] = (shown, source, users + 1)
                    return source_id
            source_id = f"kernel-{next(self._ids)}"
            self._sources[source_id] = (adata, AnnDataSource(adata), 1)
            return source_id

    def release(self, source_id: str) -> None:
        """Give up one use; the last one lets the AnnData go."""
        with self._lock:
            entry = self._sources.pop(source_id, None)
            if entry is not None and entry[2] > 1:
                self._sources[source_id] = (entry[0], entry[1], entry[2] - 1)

    def submit(self, pipe: Pipe, call: Call) -> None:
        """Have a `source.read` answered over ``pipe``; returns at once."""
        self._questions.put((pipe, call))

    def stop(self) -> None:
        """End the thread and let all sources go."""
        self._questions.put(None)
        with self._lock:
            self._sources.clear()

    def _source(self, source_id: str) -> AnnDataSource:
        with self._lock:
            entry = self._sources.get(source_id)
        if entry is None:
            raise SourceReadError("closed", "The viewer of this dataset was stopped. Run its cell again.")
        return entry[1]

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            self._answer(*question)
            del question  # a waiting worker holds on to no pipe

    def _answer(self, pipe: Pipe, call: Call) -> None:
        if call.id is None:
            return
        try:
            result, body = self._source(call.params["sourceId"]).read(call.params["read"])
            pipe.answer(call.id, result, body)
        except SourceReadError as error:
            pipe.refuse(call.id, error.code, str(error))
        except FrameError as error:
            pipe.refuse(call.id, "too_large", f"The dataset has a part too large to send: {error}.")
        except Exception as error:
            # Whatever a user's array does, the server gets an answer; the traceback stays in the kernel's log.
            read = call.params.get("read")
            logger.exception("Reading %s failed", read)
            with suppress(ValueError):
                reason = f"{_place(read)} could not be read: {type(error).__name__}: {error}"
                pipe.refuse(call.id, "malformed", reason)


def _place(read: Any) -> str:
    """What was read, as the user would write it."""
    key = read.get("key") if isinstance(read, dict) else None
    return "The dataset" if key is None else f"adata.{read['what']}[{key!r}]"
