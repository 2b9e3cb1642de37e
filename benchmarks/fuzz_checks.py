"""What `api_fuzz.py` asks of every answer beside Schemathesis' own checks: nothing of the server's inside is in it.

The words come from the environment: Hypothesis draws from the constants of the modules it finds here, and would store
them in the shop, where an answer rightly tells of them.
"""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

INSIDE: list[str] = json.loads(os.environ["FUZZ_INSIDE"])


@schemathesis.check
def tells_nothing_of_the_inside(_context: Any, response: Any, case: Any) -> None:
    """An answer names no library, no file and no line, unless the request did."""
    sent = f"{case.body!r}{case.path_parameters!r}{case.query!r}"
    for word in INSIDE:
        if word in response.text and word not in sent:
            place = response.text.index(word)
            raise AssertionError(f"the answer names {word}: {response.text[max(place - 120, 0) : place + 120]!r}")
