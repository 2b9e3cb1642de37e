"""Python's collector of rings of references, kept from walking through what stays: a model, and what is remembered.

Without it the collector goes through all that came since a model was loaded, again and again, in the middle of
somebody's request: what is kept of answers and histories is some hundred thousand objects, and a tenth of a second. So
whatever outlives one look at the youngest objects is set aside, and only the youngest are ever looked at. Nothing is
kept by that: what nobody refers to any more is freed as ever, a model that was replaced too. Rings that fall apart
after they were set aside, which are few, are found once an hour.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import random

MANY = 5_000
"""Objects that come before the youngest are looked at, some tenths of a millisecond: Python's own number would have it
done at every request."""

NEVER = 2**31 - 1
"""Looks at the youngest before the older ones are looked at: these are set aside by then."""

ALL_EVERY_S = 3_600.0
USUAL = gc.get_threshold()


def set_aside() -> None:
    """Set aside what is there now, and from now on what outlives a look at the youngest.

    Cost:
        A full collection of what was not set aside yet: before the first time all there is, later little.
    """
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(MANY, NEVER, NEVER)
    if _set_survivors_aside not in gc.callbacks:
        gc.callbacks.append(_set_survivors_aside)


def as_usual() -> None:
    """Let the collector look at everything again, as it does on its own."""
    if _set_survivors_aside in gc.callbacks:
        gc.callbacks.remove(_set_survivors_aside)
        gc.set_threshold(*USUAL)
        gc.unfreeze()


async def look_through_all(every_s: float = ALL_EVERY_S) -> None:
    """About once an hour look through all there is, for rings that fell apart after they were set aside.

    Args:
        every_s: On the average: processes that began together do not all stop at once.

    Cost:
        A full collection each time, some tenths of a second.
    """
    while True:
        await asyncio.sleep(every_s * random.uniform(0.5, 1.5))  # noqa: S311 nothing is kept secret by it
        gc.unfreeze()
        set_aside()


def give_back() -> None:
    """Let the C library give the system what was freed, a replaced model above all; where it cannot, it keeps it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)


def _set_survivors_aside(phase: str, _: dict[str, int]) -> None:
    if phase == "stop":
        gc.freeze()
