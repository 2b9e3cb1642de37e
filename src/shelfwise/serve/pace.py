"""How many requests a key and a visitor may send: a bucket for each, in the memory of one process.

So several processes let so many times as much through: the limit protects the server from one caller, and is no count
for a bill. On this machine, where no key is asked for, nobody is limited.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict

from starlette.types import ASGIApp, Receive, Scope, Send

from shelfwise.config.shop import ServeSpec
from shelfwise.serve.callers import CALLER, LOCAL, Caller
from shelfwise.serve.measures import Measures
from shelfwise.serve.problems import problem

BURST_S = 5.0
"""What was not used may be made up for: so many seconds of requests at once."""

MAX_BUCKETS = 100_000
"""Callers that are remembered; who is forgotten begins anew, and those who asked longest ago are forgotten first."""


class Buckets:
    """A bucket for each caller, kept as the one moment in which it will be full again.

    Args:
        per_s: Requests a second; 0: as many as come.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait_s(self, name: str, now_s: float) -> float:
        """Take one request out; the seconds to wait where there was none, and then nothing is taken."""
        if not self._per_s:
            return 0.0
        full_at = max(now_s, self._full_at.pop(name, now_s)) + 1 / self._per_s
        # At a low rate a burst is one request at least.
        wait_s = full_at - now_s - max(BURST_S, 1 / self._per_s)
        is_late = wait_s > 1e-9
        self._full_at[name] = full_at - 1 / self._per_s if is_late else full_at
        if len(self._full_at) > MAX_BUCKETS:
            self._full_at.popitem(last=False)
        return wait_s if is_late else 0.0


class Pace:
    """Refuses with 429 and `Retry-After` what comes faster than it may.

    A visitor is looked at first: who is too fast takes nothing from the key that all visitors share.
    """

    def __init__(self, app: ASGIApp, spec: ServeSpec, measures: Measures) -> None:
        self.app = app
        self._keys, self._visitors = Buckets(spec.requests_per_s), Buckets(spec.visitor_requests_per_s)
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count, and pass on."""
        caller: Caller | None = scope.get(CALLER)
        if caller is None or caller is LOCAL:
            await self.app(scope, receive, send)
            return
        now_s, whose, wait_s = time.monotonic(), "visitor", 0.0
        if caller.visitor is not None:
            wait_s = self._visitors.wait_s(caller.visitor.owner, now_s)
        if not wait_s:
            whose, wait_s = "key", self._keys.wait_s(caller.name, now_s)
        if not wait_s:
            await self.app(scope, receive, send)
            return
        self._measures.limited(whose)
        answer = problem(
            429,
            f"too_many_of_{whose}",
            f"more requests came from this {whose} than it may send",
            hint="wait for as many seconds as `Retry-After` says",
            headers={"Retry-After": str(math.ceil(wait_s))},
        )
        await answer(scope, receive, send)
