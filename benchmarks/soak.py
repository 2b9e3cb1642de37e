"""Whether a server stays as it is: model versions swapped under load, then hundreds of thousands of requests.

    python benchmarks/soak.py [--items 4000] [--requests 200000] [--rate 300]

The shop, the load and the server are those of `serving.py`. In turn:

- *swaps*: ten times, under 200 requests a second, another version is put into service; no request may fail, and when
  the last one has settled the processes hold what they held before;
- *soak*: so many requests, at a rate below what the machine takes; memory is read all along. The first fifth fills what
  is remembered of shoppers and answers, which is bounded; from there on it has to be flat.

Memory is what all processes hold, pages that they share counted once (PSS).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

import serving
from record import Record, arguments
from serving import Server
from shelfwise.store.versions import Versions
from tables import show

N_USERS = 20_000
SWAPS, QUICK_SWAPS = 10, 2
SWAP_RATE = 200.0
BETWEEN_SWAPS_S = 6.0
SETTLE_S, QUICK_SETTLE_S = 75.0, 10.0
"""Under load after the last swap, before memory is read. A version that has just come begins with nothing kept of
answers and histories, which grow by some MiB a second up to their bounds: memory is compared where they are full."""
WARM_SWAPS = 2
"""How often every version is in service before memory is read."""

READ_EVERY_S = 2.0
N_REQUESTS, QUICK_REQUESTS = 200_000, 2_000
RATE = 300.0
WARM_SHARE = 0.2
EVENTS_SHARE = 0.2

AFTER_SWAPS, AFTER_SOAK = 0.10, 0.05
"""By how much memory may have grown."""

COLUMNS = ("part", "requests", "a second", "failed", "p50 ms", "p99 ms", "MiB before", "MiB after", "grown")


def plan(rate: float, seconds: float, seed: int, n_items: int) -> dict[str, Any]:
    """A load of recommendations and events."""
    return {
        "seconds": seconds,
        "seed": seed,
        "recommend": (1 - EVENTS_SHARE) * rate,
        "events": EVENTS_SHARE * rate,
        "n_users": N_USERS,
        "n_items": n_items,
    }


def failed(told: dict[str, Any]) -> int:
    """Requests that were not answered 2xx."""
    return sum(n for status, n in told["statuses"].items() if status[0] != "2") + told["unanswered"]


@contextmanager
def memory_read(server: Server) -> Generator[list[tuple[float, float]]]:
    """Read the server's memory all along: seconds since the beginning, and MiB."""
    found: list[tuple[float, float]] = []
    stop, started = threading.Event(), time.perf_counter()

    def read() -> None:
        while not stop.wait(READ_EVERY_S):
            found.append((time.perf_counter() - started, server.memory_mib()))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield found
    finally:
        stop.set()
        reader.join()


def swapped(
    server: Server, versions: Versions, n_swaps: int, n_items: int, seed: int, settle_s: float
) -> dict[str, Any]:
    """Put one version after the other into service while requests come.

    What a first load keeps for ever, and what a version remembers of those who ask, is no leak: so memory is read so
    many seconds after a swap under the same load, before and after.
    """
    names = [version.name for version in versions.list()]
    under_load(server, versions, names * WARM_SWAPS, n_items, seed, settle_s)
    before = server.memory_mib()
    told = under_load(server, versions, (names * n_swaps)[:n_swaps], n_items, seed + 1, settle_s)
    return told | {"part": f"{n_swaps} swaps", "before_mib": before, "after_mib": server.memory_mib()}


def under_load(
    server: Server, versions: Versions, names: list[str], n_items: int, seed: int, settle_s: float
) -> dict[str, Any]:
    """Put these versions into service in turn while requests come; what became of the requests."""
    told: dict[str, Any] = {}
    seconds = len(names) * BETWEEN_SWAPS_S + settle_s
    load = threading.Thread(
        target=lambda: told.update(serving.driven(server.port, **plan(SWAP_RATE, seconds, seed, n_items)))
    )
    load.start()
    for name in names:
        time.sleep(BETWEEN_SWAPS_S)
        versions.promote(name)
    load.join()
    return told


def soaked(server: Server, n_requests: int, rate: float, n_items: int, seed: int) -> dict[str, Any]:
    """Very many requests; memory after the first fifth of them against that at the end."""
    with memory_read(server) as memory:
        told = serving.driven(server.port, **plan(rate, n_requests / rate, seed, n_items))
    times, held = np.array(memory).T
    flat = held[times >= WARM_SHARE * times[-1]]
    n_ends = max(1, len(flat) // 8)
    before, after = float(np.median(flat[:n_ends])), float(np.median(flat[-n_ends:]))
    return told | {
        "part": f"{n_requests:,} requests",
        "before_mib": before,
        "after_mib": after,
        "memory_mib": [[round(at), round(mib, 1)] for at, mib in memory],
    }


def second_version(folder: Path) -> Versions:
    """The shop's versions, the only one copied under another name where there is one only."""
    versions = Versions(folder / "models")
    (first, *others) = versions.list()
    if not others:
        with versions.publish(dict(first.manifest), f"{first.name}-again") as made:
            shutil.copytree(first.folder, made, dirs_exist_ok=True, ignore=shutil.ignore_patterns("manifest.json"))
    return versions


def main() -> int:
    """Swaps, then the soak."""
    parser = arguments(__doc__ or "", "two swaps and 2,000 requests; no promise is judged")
    parser.add_argument("--items", type=int, default=4_000, help="size of the catalogue; default: 4000")
    parser.add_argument("--requests", type=int, default=N_REQUESTS, help="of the soak; default: 200000")
    parser.add_argument("--rate", type=float, default=RATE, help="requests a second of the soak; default: 300")
    parser.add_argument("--workers", type=int, default=2, help="server processes; default: 2")
    options = parser.parse_args()
    record, console, people = Record("soak", options.quick), Console(width=140), Console(stderr=True)
    n_swaps, n_requests = (QUICK_SWAPS, QUICK_REQUESTS) if options.quick else (SWAPS, options.requests)
    seed = int(time.time())  # events of earlier runs are stored: they must not count as known
    with people.status("making a shop") as status, tempfile.TemporaryDirectory(prefix="shelfwise-soak-") as scratch:
        folder = serving.shop_of(options.items, N_USERS, status.update)
        versions = second_version(folder)
        port = serving.free_port()
        command = [sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(folder), "--port", str(port)]
        with serving.running([*command, "--workers", str(options.workers)], port, Path(scratch) / "log") as server:
            status.update(f"{n_swaps} swaps")
            settle_s = QUICK_SETTLE_S if options.quick else SETTLE_S
            swaps = swapped(server, versions, n_swaps, options.items, seed, settle_s)
            status.update(f"{n_requests:,} requests")
            soak = soaked(server, n_requests, options.rate, options.items, seed + 10)
    parts = [swaps, soak]
    title = f"{options.items:,} items, {N_USERS:,} shoppers, {options.workers} server processes"
    show(console, title, COLUMNS, [line(one) for one in parts])
    record.results |= {"n_items": options.items, "workers": options.workers, "swaps": swaps, "soak": soak}
    if options.quick:
        record.skip("every bar", "the quick form is too short")
    else:
        record.promise("failed-while-swapping", failed(swaps), 1, "below")
        record.promise("memory-after-swaps", swaps["after_mib"] / swaps["before_mib"], 1 + AFTER_SWAPS, "below")
        record.promise("failed-in-the-soak", failed(soak), 1, "below")
        record.promise("memory-after-the-soak", soak["after_mib"] / soak["before_mib"], 1 + AFTER_SOAK, "below")
    return record.finish(options.json)


def line(one: dict[str, Any]) -> list[str]:
    """In the order of `COLUMNS`."""
    took = one["took_ms"]["all"]
    return [
        one["part"],
        f"{one['sent']:,}",
        f"{one['sent'] / one['seconds']:,.0f}",
        str(failed(one)),
        f"{took['p50']:,.1f}",
        f"{took['p99']:,.1f}",
        f"{one['before_mib']:,.0f}",
        f"{one['after_mib']:,.0f}",
        f"{one['after_mib'] / one['before_mib'] - 1:+.1%}",
    ]


if __name__ == "__main__":
    sys.exit(main())
