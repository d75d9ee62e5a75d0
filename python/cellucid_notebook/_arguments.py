"""What users pass, checked where it comes in: each miss says what was asked, what was found and what to do.

Numbers may be NumPy's, texts ``numpy.str_``, paths anything that is an ``os.PathLike``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ._wire.visible_text import visible
from .errors import ArgumentError, ArgumentTypeError, DataFileNotFoundError, near_names, or_nothing

_MOST_SHOWN = 80
_MIN_HEIGHT = 100
_MAX_PORT = 65_535
_CallableT = TypeVar("_CallableT", bound=Callable[..., object])


def described(value: object) -> str:
    """``value`` for a sentence, with its type: ``[1, 2] (list)``."""
    text = visible(" ".join(repr(value).split()))
    shown = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return f"{shown} ({type(value).__name__})"


def text(name: str, value: object, meant: str) -> str:
    """A text that is not empty. ``meant`` says what it names: ``a key of adata.obsm``."""
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{name} takes {meant}, as a text; found {described(value)}. Write it in quotes.")
    if not value:
        raise ArgumentError(f"{name} takes {meant}; found an empty text. Write the name, or leave it out.")
    return str(value)


def text_or_none(name: str, value: object, meant: str) -> str | None:
    """A text, or ``None`` where nothing is asked."""
    return None if value is None else text(name, value, meant)


def flag(name: str, value: object) -> bool:
    """``True`` or ``False``, also NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise ArgumentTypeError(f"{name} takes True or False; found {described(value)}.")
    return bool(value)


def number(name: str, value: object, *, above: float, most: float = math.inf, meant: str) -> float:
    """A number above ``above`` and of at most ``most``; ``meant`` says of what, with its unit."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ArgumentTypeError(f"{name} takes {meant}, as a number; found {described(value)}.")
    if not above < float(value) <= most:
        upto = "" if most == math.inf else f" and at most {most:g}"
        raise ArgumentError(f"{name}={value!r} is not possible: {name} takes {meant}, more than {above:g}{upto}.")
    return float(value)


def seconds(name: str, value: object) -> float:
    """How long to wait; 0 looks once."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise ArgumentTypeError(f"{name} takes how many seconds to wait, as a number; found {described(value)}.")
    if not float(value) >= 0:
        raise ArgumentError(f"{name}={value!r} is not possible: it takes how many seconds to wait, 0 or more.")
    return float(value)


def seconds_or_none(name: str, value: object) -> float | None:
    """How long to wait; ``None`` waits until it comes."""
    return None if value is None else seconds(name, value)


def height_px(value: object) -> int:
    """The height of a viewer in CSS pixels: ``600``, ``600.0`` or ``"600px"``, as ipywidgets take it; at least 100."""
    px: object = value
    if isinstance(value, str):
        written = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*px\s*", value)
        if written is None:
            raise ArgumentError(
                f"height={value!r} is no height: a cell has none of its own to take a share of. Give CSS pixels, as in "
                "height=600 or height='600px'; full screen is a button of the viewer."
            )
        px = float(written[1])
    if isinstance(px, (bool, np.bool_)) or not isinstance(px, Real) or not 0 < float(px) < math.inf:
        raise ArgumentError(
            f"height={described(value)} is not a positive number of CSS pixels, such as the default, 600."
        )
    return max(_MIN_HEIGHT, round(float(px)))


def port_number(value: object) -> int | None:
    """A TCP port, or ``None`` for a free one."""
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral) or not 0 < int(value) <= _MAX_PORT:
        raise ArgumentError(
            f"port={described(value)} is not a port number from 1 to 65535. Leave it out for a free one."
        )
    return int(value)


def one_of(name: str, value: object, names: Iterable[str], kind: str) -> str:
    """One of the names there are; ``kind`` says what they name: ``event``."""
    there = list(names)
    if isinstance(value, str) and value in there:
        return str(value)
    near = or_nothing(near_names(value, there)) if isinstance(value, str) else ""
    hint = f"; most like it: {near}" if near else ""
    refusal = ArgumentError if isinstance(value, str) else ArgumentTypeError
    raise refusal(f"There is no {kind} {value!r}; there are {', '.join(there)}{hint}. {name} takes one of these.")


def function(name: str, value: _CallableT) -> _CallableT:
    """Something to call."""
    if not callable(value):
        raise ArgumentTypeError(
            f"{name} takes a function to call; found {described(value)}. Write its name without parentheses."
        )
    return value


def path_to_write(name: str, value: object) -> Path:
    """Where to write a file; its folder is there."""
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentTypeError(f"{name} takes the path of a file to write; found {described(value)}.")
    path = Path(os.fsdecode(value)).expanduser()
    if path.is_dir():
        raise ArgumentError(f"{name}={str(value)!r} is a folder. Give the path of a file to write in it.")
    if not path.parent.is_dir():
        raise DataFileNotFoundError(f"There is no folder {path.parent.absolute()} to write {path.name} into. Make it.")
    return path


def path_to_read(name: str, value: object) -> Path:
    """Where to read a file."""
    if not isinstance(value, (str, os.PathLike)):
        raise ArgumentTypeError(f"{name} takes the path of a file to read; found {described(value)}.")
    return Path(os.fsdecode(value)).expanduser()


def an_anndata(name: str, value: Any) -> Any:
    """An AnnData, by its parts."""
    if not all(hasattr(value, part) for part in ("obs", "obs_names", "n_obs")):
        raise ArgumentTypeError(f"{name} takes the AnnData that was shown; found {type(value).__name__}.")
    return value
