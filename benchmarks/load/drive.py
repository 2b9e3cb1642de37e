"""Drive a server: `python -m load.drive PORT PLAN` prints one JSON document.

The plan says how many requests a second of which kinds, for how long. They leave at random moments, as many as
planned, drawn beforehand, and each is timed from the moment at which it was due: a server that stalls is charged for
all who came meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from load.connection import Connection, post
from load.requests import Drawn, draw

CONNECTIONS = 64
PERCENTILES = (50, 95, 99, 99.9)


@dataclass(slots=True)
class Told:
    """What happened so far."""

    took_ms: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    statuses: Counter[str] = field(default_factory=Counter[str])
    n_unanswered: int = 0


async def drive(port: int, plan: dict[str, Any]) -> dict[str, Any]:
    """Send what is due; wait for all answers."""
    drawn = draw(plan)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Connection(port))
    told, tasks = Told(), set[asyncio.Task[None]]()
    cpu, started = time.process_time(), time.perf_counter()
    for one in drawn:
        wait = started + one.due_s - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(_sent(one, started, free, told))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    sent_s = time.perf_counter() - started
    await asyncio.gather(*tasks)
    return {
        "sent": len(drawn),
        "per_second": round(len(drawn) / max(sent_s, plan["seconds"]), 1),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "statuses": dict(told.statuses),
        "unanswered": told.n_unanswered,
        "took_ms": {kind: _summary(took) for kind, took in _with_all(told.took_ms).items()},
    }


async def _sent(one: Drawn, started: float, free: asyncio.Queue[Connection], told: Told) -> None:
    connection = await free.get()
    try:
        answer = await connection.send(post(one.path, one.body))
    except OSError:
        told.n_unanswered += 1
        return
    finally:
        free.put_nowait(connection)
    told.took_ms.setdefault(one.kind, []).append((time.perf_counter() - started - one.due_s) * 1_000)
    told.statuses[str(answer.status)] += 1


def _with_all(took_ms: dict[str, list[float]]) -> dict[str, list[float]]:
    return {**took_ms, "all": [one for several in took_ms.values() for one in several]}


def _summary(took: list[float]) -> dict[str, float]:
    if not took:
        return {"n": 0}
    found = np.percentile(took, PERCENTILES)
    named = {f"p{at:g}": round(float(one), 2) for at, one in zip(PERCENTILES, found, strict=True)}
    return {"n": len(took), **named, "max": round(max(took), 2)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(drive(int(sys.argv[1]), json.loads(sys.argv[2])))))
