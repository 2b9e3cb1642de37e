"""A stretch of time, cut into steps."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

from shelfwise.errors import QueryError
from shelfwise.store.traffic import HOUR_S, KEPT_S, MINUTE_S

DAY_S = 86_400
STEPS_S = (MINUTE_S, 300, 900, HOUR_S, 6 * HOUR_S, DAY_S)
MANY_STEPS = 120
"""A chart shows hardly more: without a step of the caller's, the shortest is taken that makes no more of them."""
MAX_STEPS = 1_500
FIRST_S, LAST_S = 631_152_000, 7_258_118_400
LONGEST_S = KEPT_S[HOUR_S]


class Period(NamedTuple):
    """From a moment up to another, in steps that begin at whole multiples of their length since 1970 in UTC.

    Attributes:
        from_s: Beginning of the first step, seconds since 1970-01-01 UTC.
        to_s: End of the last one.
        step_s: Seconds of a step, one of `STEPS_S`.
    """

    from_s: int
    to_s: int
    step_s: int

    @classmethod
    def around(cls, begins: float, ends: float, step_s: int | None = None) -> Period:
        """The whole steps in which a stretch of time lies.

        Args:
            begins: Seconds since 1970-01-01 UTC.
            ends: The same, later.
            step_s: One of `STEPS_S`; by the length where omitted.

        Raises:
            QueryError: it ends before it begins, is too long, or holds too many steps.
        """
        length_s = ends - begins
        if begins < FIRST_S or ends > LAST_S:
            raise QueryError(
                "the period lies outside of what can be told", expected="years from 1990 to 2199", where="from"
            )
        if length_s <= 0:
            raise QueryError("the period ends before it begins", expected="an end after it", where="from")
        if length_s > LONGEST_S:
            raise QueryError(
                "the period is too long", expected=f"at most {LONGEST_S // DAY_S} days", where="from", code="too_long"
            )
        if step_s is not None and step_s not in STEPS_S:
            raise QueryError(
                f"no steps of {step_s:,} s are told",
                expected=f"one of {', '.join(map(str, STEPS_S))}",
                where="step",
            )
        if step_s is None:
            step_s = next((one for one in STEPS_S if length_s / one <= MANY_STEPS), DAY_S)
        elif length_s / step_s > MAX_STEPS:
            raise QueryError(f"the period holds more than {MAX_STEPS:,} steps", expected="a longer step", where="step")
        return cls(math.floor(begins / step_s) * step_s, math.ceil(ends / step_s) * step_s, step_s)

    @property
    def n_steps(self) -> int:
        """How many steps."""
        return (self.to_s - self.from_s) // self.step_s

    @property
    def before(self) -> Period:
        """As many steps that end where this begins."""
        return Period(2 * self.from_s - self.to_s, self.from_s, self.step_s)

    def place(self, at_s: int) -> int:
        """Which step a moment lies in."""
        return (at_s - self.from_s) // self.step_s


def moment(at_s: float) -> datetime:
    """A time in UTC."""
    return datetime.fromtimestamp(at_s, UTC)
