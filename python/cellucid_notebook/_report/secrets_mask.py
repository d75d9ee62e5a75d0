"""Take secrets out of what is shown."""

from __future__ import annotations

import re
from typing import Any

_HIDDEN = "…"
#: A named secret, whatever its form; then anything that has the form of a token or a page key.
_SECRETS = re.compile(
    r"""(?P<name>(?:viewerToken|pageKey|X-Cellucid-[a-z]+)["'=:\s]+)[^\s&,}"']+"""
    r"|(?<![0-9a-z_-])(?:[0-9a-f]{64,}|[0-9a-z_-]{40,})",
    re.IGNORECASE,
)


def masked(value: Any) -> Any:
    """``value`` (texts, lists, dicts of them) with every secret replaced by an ellipsis."""
    if isinstance(value, str):
        return _SECRETS.sub(lambda match: (match["name"] or "") + _HIDDEN, value)
    if isinstance(value, dict):
        return {masked(name): masked(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(entry) for entry in value]
    return value
