"""The source worker: one thread that answers the server's reads of arrays that live in this kernel."""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .._arrays.source_error import SourceReadError
from .._arrays.turn import AbandonedError
from .._data.anndata_source import AnnDataSource
from .._data.checks import is_mudata
from .._data.mudata_source import MuDataSource
from .._wire.frame import FrameError
from .._wire.pipe import Call, Pipe

if TYPE_CHECKING:
    from anndata import AnnData
    from mudata import MuData

logger = logging.getLogger(__name__)

#: A read that takes longer tells how far it is, so often.
_TELL_EVERY_S = 0.25
#: So many reads may wait within one another: while one waits between its parts, those that came later are answered.
_MAX_NESTED = 8


class _Question:
    """A `source.read` and whether anybody waits for it."""

    def __init__(self, pipe: Pipe, call: Call) -> None:
        self.pipe = pipe
        self.call = call
        self.read_id = call.params.get("readId")
        self.is_cancelled = False
        self._told_at = time.monotonic()

    @property
    def is_wanted(self) -> bool:
        """Whether an answer would arrive anywhere."""
        return not self.is_cancelled and self.pipe.is_open

    def tell(self, done: float) -> None:
        """Say how far the read is, if that was not said just now."""
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self.pipe.notify("source.progress", {"readId": self.read_id, "done": round(done, 3)})


class SourceWorker:
    """Sources by id, and the thread that reads them. Viewers of the same AnnData share one source."""

    def __init__(self, sorting_changed: Callable[[str], None]) -> None:
        """``sorting_changed`` gets the id of a source whose genes were sorted, or are not kept sorted any more."""
        self._sorting_changed = sorting_changed
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._sources: dict[str, tuple[Any, AnnDataSource, int]] = {}
        self._questions: queue.SimpleQueue[_Question | None] = queue.SimpleQueue()
        #: Asked and not answered, by pipe and id.
        self._unanswered: dict[tuple[Pipe, Any], _Question] = {}
        self._nested = 0
        self._is_stopped = False
        threading.Thread(target=self._run, name="cellucid-sources", daemon=True).start()

    def acquire(self, adata: AnnData | MuData, called: str = "adata") -> str:
        """Make ``adata`` readable and return the id to ask by; to be released once for each time it was acquired.

        Of a MuData what stands in itself: its modalities are acquired each. ``called`` is what the user calls it.
        """
        with self._lock:
            for source_id, (shown, source, users) in self._sources.items():
                if shown is adata:
                    source.begin_anew()
                    self._sources[source_id] = (shown, source, users + 1)
                    return source_id
            source_id = f"kernel-{next(self._ids)}"
            changed = partial(self._sorting_changed, source_id)
            made = MuDataSource(adata) if is_mudata(adata) else AnnDataSource(adata, changed, called=called)
            self._sources[source_id] = (adata, made, 1)
            return source_id

    def release(self, source_id: str) -> None:
        """Give up one use; the last one lets the AnnData go."""
        with self._lock:
            entry = self._sources.pop(source_id, None)
            if entry is not None and entry[2] > 1:
                self._sources[source_id] = (entry[0], entry[1], entry[2] - 1)
                return
        if entry is not None:
            entry[1].give_back()  # what is being sorted ends

    def give_back(self, source_id: str) -> int:
        """Give back the memory that keeps a dataset's genes sorted; how many bytes that was."""
        with self._lock:
            entry = self._sources.get(source_id)
        return 0 if entry is None else entry[1].give_back()

    def check_memory(self) -> None:
        """Give back all such memory where little is left."""
        with self._lock:
            sources = [source for _, source, _ in self._sources.values()]
        for source in sources:
            source.check_memory()

    def begin_anew(self, source_id: str) -> None:
        """Have it read as it is now, whatever was read of it before."""
        with self._lock:
            entry = self._sources.get(source_id)
        if entry is not None:
            entry[1].begin_anew()

    def changed(self, budget_s: float) -> list[str]:
        """Ids of those seen to be other than when this was asked last; looks at all of them for ``budget_s``."""
        with self._lock:
            sources = [(source_id, source) for source_id, (_, source, _) in self._sources.items()]
        return [source_id for source_id, source in sources if source.has_changed(budget_s / len(sources))]

    def submit(self, pipe: Pipe, call: Call) -> None:
        """Have a `source.read` answered over ``pipe``; returns at once."""
        question = _Question(pipe, call)
        with self._lock:
            self._unanswered[pipe, question.read_id] = question
        self._questions.put(question)

    def cancel(self, pipe: Pipe, read_id: int) -> None:
        """Nobody waits any more for the read that was asked under ``read_id``: it ends at its next part."""
        with self._lock:
            question = self._unanswered.get((pipe, read_id))
        if question is not None:
            question.is_cancelled = True

    def stop(self) -> None:
        """End the thread and let all sources go."""
        self._is_stopped = True
        self._questions.put(None)
        with self._lock:
            self._sources.clear()

    def _source(self, source_id: str) -> AnnDataSource:
        with self._lock:
            entry = self._sources.get(source_id)
        if entry is None:
            raise SourceReadError("closed", "The viewer of this dataset was stopped. Run its cell again.")
        return entry[1]

    # On the worker's thread.

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            self._answer(question)
            del question  # a waiting worker holds on to no pipe

    def _turn(self, question: _Question, done: float) -> None:
        """Between two parts of a long read: tell how far it is, answer others, and end it when nobody waits."""
        question.tell(done)
        while not self._is_stopped and question.is_wanted and self._nested < _MAX_NESTED:
            try:
                other = self._questions.get_nowait()
            except queue.Empty:
                break
            if other is not None:
                self._answer(other)
        if self._is_stopped or not question.is_wanted:
            raise AbandonedError

    def _answer(self, question: _Question) -> None:
        self._nested += 1
        try:
            if question.is_wanted and question.call.id is not None:
                self._read(question, question.pipe, question.call.id)
        finally:
            self._nested -= 1
            with self._lock:
                self._unanswered.pop((question.pipe, question.read_id), None)

    def _read(self, question: _Question, pipe: Pipe, call_id: int | str) -> None:
        params = question.call.params
        try:
            source = self._source(params["sourceId"])
            pipe.answer(call_id, *source.read(params["read"], partial(self._turn, question)))
        except AbandonedError:
            return
        except SourceReadError as error:
            if error.__cause__ is not None:
                # Whatever a user's array does, the page gets a sentence; the traceback stays in the kernel's log.
                logger.warning("Reading %s failed", params["read"], exc_info=error)
            pipe.refuse(call_id, error.code, str(error))
        except FrameError as error:
            pipe.refuse(call_id, "too_large", f"The dataset has a part too large to send: {error}.")
        except Exception:
            logger.exception("Reading %s failed", params.get("read"))
            message = "The dataset could not be read: this package failed at it. The kernel's log has the details."
            pipe.refuse(call_id, "malformed", message)
