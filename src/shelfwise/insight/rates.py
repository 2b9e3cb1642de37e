"""Shares of happenings, with the interval that so few or so many of them leave."""

from __future__ import annotations

import math

from pydantic import BaseModel, Field

Z = 1.959964
"""Standard deviations on either side of which one in twenty lies."""


class Rate(BaseModel):
    """How many of how many."""

    n: int
    of: int
    share: float | None = Field(description="Null where there was nothing to happen to.")
    low: float | None = Field(description="The share lies between these with a confidence of 95 %.")
    high: float | None

    @classmethod
    def counted(cls, n: int, of: int) -> Rate:
        """The share, and Wilson's interval around it.

        Args:
            n: Of which it is true.
            of: All of them.

        Source:
            Wilson (1927). It holds for few and for none, where the usual one has no width.

        Examples:
            >>> rate = Rate.counted(0, 10)
            >>> rate.share, round(rate.high or 0, 3)
            (0.0, 0.278)
        """
        if not of:
            return cls(n=n, of=of, share=None, low=None, high=None)
        share = n / of
        middle = share + Z**2 / (2 * of)
        spread = Z * math.sqrt(share * (1 - share) / of + (Z / (2 * of)) ** 2)
        scale = 1 + Z**2 / of
        return cls(
            n=n, of=of, share=share, low=max(0.0, (middle - spread) / scale), high=min(1.0, (middle + spread) / scale)
        )
