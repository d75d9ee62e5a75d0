"""How a viewer is to be shown, as the user asked for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Presentation:
    """What concerns the notebook page, not the data."""

    #: The base that the user forces, may hold ``{port}``; ``None`` lets the browser find one.
    override: str | None
    #: CSS pixels.
    height: int
    #: Whether the last picture is kept in the notebook.
    snapshot: bool
    #: The site of the hosted viewer; ``None`` shows the embedded one.
    hosted_source: str | None = None
