"""What a viewer shows, as traits: setting one is a command, and what the user does in a page is told to observers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import traitlets

if TYPE_CHECKING:
    from .._data.cells import CellIndices

Change = traitlets.Bunch

#: Which commands change what a trait holds.
_KINDS: Final = {
    "selection": frozenset({"select"}),
    "color": frozenset({"setColorBy"}),
    "embedding": frozenset({"setEmbedding"}),
    "highlighted": frozenset({"highlight", "clearHighlights"}),
}


class ShownCells(np.ndarray[Any, Any]):
    """Positions in ``adata.obs``, ascending uint32 of shape ``(count,)``, not to be written to.

    Two of them compare as a whole, with one bool: `traitlets.link` asks so whether a value is another one. What is
    taken out of one, and what is compared with anything else, are usual arrays.
    """

    _is_whole = False
    _token: str | None = None

    @classmethod
    def of(cls, cells: CellIndices) -> ShownCells:
        """The same cells, not copied."""
        shown = cells.view(cls)
        shown._is_whole = True
        shown.flags.writeable = False
        return shown

    @property
    def token(self) -> str:
        """The same for the same cells: names them where the cells themselves would be too much."""
        if self._token is None:
            self._token = blake2b(np.asarray(self).tobytes(), digest_size=16).hexdigest()
        return self._token

    def __eq__(self, other: object) -> Any:
        if self._is_whole and isinstance(other, ShownCells) and other._is_whole:
            return np.array_equal(self, other)
        return np.asarray(self) == other

    def __ne__(self, other: object) -> Any:
        if self._is_whole and isinstance(other, ShownCells) and other._is_whole:
            return not np.array_equal(self, other)
        return np.asarray(self) != other

    __hash__ = None


class ShownTrait(traitlets.TraitType[Any, Any]):
    """Setting it calls a method of the viewer, which checks the value as it does for everybody."""

    def __init__(self, command: str, **options: Any) -> None:
        self._command = command
        super().__init__(allow_none=True, **options)

    def set(self, obj: Any, value: Any) -> None:
        """Do what was asked; the value is there when this returns."""
        getattr(obj, self._command)(value)


class ShownValues:
    """The values of a viewer's `ShownTrait`s, from three sides: asked for in Python, said by pages, refused by them.

    While a command waits for a page, what was asked is the value, whatever pages say of before. Thread-safe; nobody is
    told here: whoever changes a value tells it, on a thread where observers may run.
    """

    def __init__(self, owner: traitlets.HasTraits, awaits: Callable[[frozenset[str]], bool]) -> None:
        self._owner = owner
        self._awaits = awaits
        self._lock = threading.RLock()
        self._asked: dict[str, Any] = {}
        self._said: dict[str, Any] = {}

    def ask(self, name: str, value: Any) -> Change | None:
        """Python wants this; the change to tell, ``None`` where it is none."""
        with self._lock:
            self._asked[name] = value
            return self._keep(name, value)

    def say(self, name: str, value: Any) -> Change | None:
        """A page shows this now."""
        with self._lock:
            self._said[name] = value
            is_old = self._awaits(_KINDS[name]) and not _is_same(value, self._asked.get(name))
            return None if is_old else self._keep(name, value)

    def was_said(self, name: str) -> bool:
        """Whether a page has told."""
        return name in self._said

    def settle(self, kind: str, *, is_done: bool) -> list[Change]:
        """A page did a command of this kind, or could not: then what it shows is what it said last."""
        with self._lock:
            names = [name for name, kinds in _KINDS.items() if kind in kinds and not self._awaits(kinds)]
            if is_done:
                self._said.update({name: self._asked[name] for name in names if name in self._asked})
                return []
            changes = [self._keep(name, self._said[name]) for name in names if name in self._said]
            return [change for change in changes if change is not None]

    def _keep(self, name: str, value: Any) -> Change | None:
        owner = self._owner
        old = getattr(owner, name)
        if _is_same(old, value):
            return None
        owner._trait_values[name] = value
        return Change(name=name, old=old, new=value, owner=owner, type="change")


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
