"""What is set aside from the collector of rings; in a process of its own, since it is the whole process' collector."""

from __future__ import annotations

import subprocess
import sys

BEGINNING = """
import asyncio, gc, weakref
from shelfwise.serve import rubbish

class Ring:
    def __init__(self):
        self.me = self

def many(n=3 * rubbish.MANY):
    return [[] for _ in range(n)]

looked_at = []
rubbish.set_aside()
gc.callbacks.append(lambda phase, info: looked_at.append(info["generation"]) if phase == "start" else None)
"""


def run(script: str) -> None:
    found = subprocess.run([sys.executable, "-c", BEGINNING + script], capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stderr


def test_only_the_youngest_are_looked_at_and_who_outlives_it_is_set_aside() -> None:
    run("""
before = gc.get_freeze_count()
kept = [many() for _ in range(40)]
assert set(looked_at) == {0} and len(looked_at) > 100, looked_at[:20]
assert gc.get_freeze_count() - before > 0.9 * sum(map(len, kept))
assert sum(gc.get_count()) < 2 * rubbish.MANY + len(looked_at)
""")


def test_rings_of_the_youngest_are_freed() -> None:
    run("""
gone = [weakref.ref(Ring()) for _ in range(100)]
many()
assert not any(one() for one in gone)
""")


def test_setting_aside_twice_tells_the_collector_once() -> None:
    run("""
rubbish.set_aside()
assert gc.callbacks.count(rubbish._set_survivors_aside) == 1
""")


def test_rings_that_fell_apart_after_they_were_set_aside_are_found_later() -> None:
    run("""
ring = Ring()
gone = weakref.ref(ring)
rubbish.set_aside()
del ring
many()
gc.collect()
assert gone() is not None

async def later():
    task = asyncio.create_task(rubbish.look_through_all(0.01))
    for _ in range(200):
        await asyncio.sleep(0.01)
        if gone() is None:
            break
    task.cancel()

asyncio.run(later())
assert gone() is None
""")


def test_afterwards_the_collector_is_as_it_was() -> None:
    run("""
ring = Ring()
gone = weakref.ref(ring)
rubbish.set_aside()
del ring
rubbish.as_usual()
rubbish.as_usual()
assert gc.get_threshold() == rubbish.USUAL and gc.get_freeze_count() == 0
kept = [many() for _ in range(20)]
assert max(looked_at) > 0 and gc.get_freeze_count() == 0
gc.collect()
assert gone() is None
""")
