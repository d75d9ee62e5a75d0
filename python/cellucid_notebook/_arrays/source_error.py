"""The one error of a source: what the server is told instead of an array."""

from __future__ import annotations


class SourceReadError(Exception):
    """A read that cannot be answered: a code of `protocol/errors.ts`, and the sentence for the user."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
