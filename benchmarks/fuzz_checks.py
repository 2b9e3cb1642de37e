"""What `api_fuzz.py` asks of every answer beside Schemathesis' own checks: nothing of the server's inside is in it."""

from __future__ import annotations

import os
from typing import Any

import schemathesis

INSIDE = ("Traceback (most recent", "site-packages", "sqlalchemy", "psycopg", "sqlite3.", os.environ["FUZZED_SHOP"])
"""Words of stack traces, of libraries and of paths."""


@schemathesis.check
def tells_nothing_of_the_inside(_context: Any, response: Any, case: Any) -> None:
    """An answer names no library, no file and no line, unless the request did."""
    sent = f"{case.body!r}{case.path_parameters!r}{case.query!r}"
    told = [word for word in INSIDE if word in response.text and word not in sent]
    assert not told, f"the answer names {', '.join(told)}"
