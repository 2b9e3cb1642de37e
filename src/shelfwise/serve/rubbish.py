"""Python's collector of rings of references, kept from walking through a model that stays.

A full collection goes through every object of the process, a catalogue's names included: a quarter of a second at
100,000 items, in the middle of somebody's request. What is there once a model is in service is set aside, and the
collector looks at what came since. Nothing is kept by that: what nobody refers to any more is freed as ever, a model
that was replaced too.
"""

from __future__ import annotations

import ctypes
import gc

MANY = 20_000
"""Objects that come before the youngest are looked through; Python's own number would have it done at every request."""


def set_aside() -> None:
    """Set aside what is there now, but for the rings that fell apart since this was called last.

    Cost:
        A full collection of what came since: before the first time all there is, later little.
    """
    gc.collect()
    give_back()
    gc.freeze()
    gc.set_threshold(MANY, *gc.get_threshold()[1:])


def give_back() -> None:
    """Let the C library give the system what was freed, a replaced model above all; where it cannot, it keeps it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's
    if trim is not None:
        trim(0)
