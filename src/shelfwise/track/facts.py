"""A nested document as flat facts, without secrets."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from shelfwise.track.tracker import Fact

SECRET_WORDS = frozenset({"key", "apikey", "token", "secret", "password", "passwd", "pwd", "credential", "credentials"})
"""A key that ends with one of these words is left out; `api_key_env` names a variable, and stays."""

HIDDEN = "***"

_LOGIN = re.compile(r"(?<=://)[^/\s\"']+@")
_PARAMETER = re.compile(r"(?i)([?&](?:[a-z0-9_-]*[_-])?(?:key|apikey|token|secret|password|passwd|pwd|sig)=)[^&\s\"']*")


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Fact]:
    """Every value by its dotted path, in the document's order; what may be secret is left out or hidden.

    Lists are written as JSON; empty tables and None are left out. Logins and secret parameters within addresses are
    replaced by `***`.

    Examples:
        >>> flat({"store": {"records": "postgresql://shop:hush@db/shelfwise"}, "k": 3})
        {'store.records': 'postgresql://***@db/shelfwise', 'k': 3}
    """
    found: dict[str, Fact] = {}
    for key, value in document.items():
        path = f"{prefix}.{key}" if prefix else key
        if value is None or _is_secret(key):
            continue
        if isinstance(value, Mapping):
            found.update(flat(cast("Mapping[str, Any]", value), path))
        elif isinstance(value, str):
            found[path] = without_login(value)
        elif isinstance(value, bool | int | float):
            found[path] = value
        else:
            found[path] = without_login(json.dumps(value, ensure_ascii=False, default=str))
    return found


def without_login(text: str) -> str:
    """A text with the logins and secret parameters of its addresses hidden."""
    return _PARAMETER.sub(rf"\g<1>{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def _is_secret(key: str) -> bool:
    return re.split(r"[_\-.]", key.lower())[-1] in SECRET_WORDS
