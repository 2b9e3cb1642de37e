"""Passwords in addresses, which nobody is shown."""

from __future__ import annotations

import re

HIDDEN = "***"

# Up to the last @: whoever forgot to write %40 for one in a password does not give the rest of it away.
_LOGIN = re.compile(r"(?<=://)([^:/@\s]*):(.*)@")
_PARAMETER = re.compile(r"(?i)([?&](?:ssl)?password=)([^&\s]*)")
_VARIABLE = re.compile(r"\$\{\w+\}")


def without_password(url: str) -> str:
    """An address with its password hidden; a variable of the environment gives nothing away and stays.

    Examples:
        >>> without_password("postgresql://shop:hush@db/shelfwise")
        'postgresql://shop:***@db/shelfwise'
        >>> without_password("postgresql://shop:${DB_PASSWORD}@db/shelfwise")
        'postgresql://shop:${DB_PASSWORD}@db/shelfwise'
    """
    hidden = _LOGIN.sub(lambda found: f"{found[1]}:{_hidden(found[2])}@", url)
    return _PARAMETER.sub(lambda found: f"{found[1]}{_hidden(found[2])}", hidden)


def _hidden(password: str) -> str:
    return password if _VARIABLE.fullmatch(password) else HIDDEN
