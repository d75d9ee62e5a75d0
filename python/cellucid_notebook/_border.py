"""Where the user's code calls ours: an error there shows the user's line, and one line of ours at most."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from inspect import isfunction, signature
from typing import ParamSpec, TypeVar

from .errors import ArgumentTypeError, CellucidError, near_names, or_nothing

P = ParamSpec("P")
R = TypeVar("R")
ClassT = TypeVar("ClassT", bound=type)


def border(function: Callable[P, R]) -> Callable[P, R]:
    """Let what ``function`` raises on purpose begin here: the way to it through ours is of no use to a user.

    IPython and pytest leave out this frame too. Any other error is a fault of ours, or of a library, and keeps its way.
    """

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        __tracebackhide__ = True
        try:
            return function(*args, **kwargs)
        except CellucidError as error:
            raise error.with_traceback(None) from None
        except TypeError as error:
            if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                raise  # not about the call, but from inside
            raise ArgumentTypeError(f"{error}{_near_argument(function, kwargs)}") from None

    return checked


def _near_argument(function: Callable[..., object], given: Iterable[str]) -> str:
    names = [name for name in signature(function).parameters if name != "self"]
    unknown = next((name for name in given if name not in names), None)
    if unknown is None:
        return f". It takes {', '.join(names)}."
    return f"; most like it: {or_nothing(near_names(unknown, names))}. It takes {', '.join(names)}."


def bordered(cls: ClassT) -> ClassT:
    """Put every public method that ``cls`` defines behind a `border`."""
    for name, value in list(vars(cls).items()):
        if not name.startswith("_") and isfunction(value):
            setattr(cls, name, border(value))
    return cls
