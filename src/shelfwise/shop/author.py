"""Who sits at the command line, for histories and the audit log."""

from __future__ import annotations

import getpass


def me() -> str:
    """The system's user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a process without a name, as in some containers
        return "unknown"


def actor() -> str:
    """As the audit log names who is no key."""
    return f"command line ({me()})"
