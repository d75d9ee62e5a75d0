"""Take secrets out of what is shown."""

from __future__ import annotations

import re
from typing import Any

_HIDDEN = "[removed]"
#: A named secret, whatever its form; then what may be a token or a page key. `protocol/secrets.ts` has the same.
_SECRETS = re.compile(
    r"""(?P<name>(?:viewerToken|pageKey|x-cellucid-[a-z]+)["'=:\s]+"""
    r"""|\b(?:token|mac|nonce|_xsrf|access_token|api_key)=)[^\s&,}"'#)]+"""
    r"|[\w-]{40,}",
    re.IGNORECASE | re.ASCII,
)


def masked(value: Any) -> Any:
    """``value`` (texts, lists, dicts of them) with every secret replaced."""
    if isinstance(value, str):
        return _SECRETS.sub(lambda match: (match["name"] or "") + _HIDDEN, value)
    if isinstance(value, dict):
        return {masked(name): masked(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(entry) for entry in value]
    return value
