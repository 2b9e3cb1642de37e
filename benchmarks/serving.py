"""What a server takes: rate, latency, CPU and memory, driven from another process on the same cores.

    python benchmarks/serving.py [--items 100000] [--workers 2]

A synthetic shop (for size only) of as many items and of 100,000 shoppers with history is made once and kept under
`benchmarks/.prepared`. The server is started as a shop starts it, on SQLite, with its log of answers. Requests leave at
random moments whatever became of those before, and each is timed from when it was due. In turn:

- *steady*: 80 % recommendations (home, item, cart), 20 % events one by one;
- *in time*: where the steady load is more than can be answered in time, the same at ever lower rates until it is;
- *hurried*: there too, the steady load once more with answers that may take so long and no longer
  (`latency_budget_ms`, changed while the server runs): how many of them leave something out;
- *events in batches* of 100, and *events one by one*, each durable before it is acknowledged;
- *followed*: from an acknowledged purchase to the first answer without it, while the steady load goes on;
- *bare*: the same framework answering a recommendation's bytes from memory, for what is left to gain.

Machines differ and neighbours come and go: the promises are for two cores of which the load takes its share.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
from rich.console import Console

import funnel
from record import ROOT, Record, arguments
from serving_tables import SERVING_COLUMNS, serving_lines, serving_notes, serving_title
from synthetic_shop import user_id
from tables import show

PREPARED = ROOT / "benchmarks" / ".prepared"
BENCHMARKS = Path(__file__).resolve().parent
N_USERS, QUICK_USERS = 100_000, 4_000
SECONDS, QUICK_SECONDS = 60.0, 8.0
WARM_S = 8.0

STEADY = {100_000: (500.0, 25.0), 1_000_000: (200.0, 40.0)}
"""By number of items: requests a second, and the 99th percentile in milliseconds that they may take."""

STEP, STEPS, SECONDS_OF_STEP = 0.9, 12, 20.0
"""The rate that is tried next, of the one before it; how many at most, and for how long each."""

MEMORY_MIB = 3_072.0
"""Of all server processes at a million items."""

BATCHED, ONE_BY_ONE = 5_000.0, 1_000.0
"""Events a second."""

HURRIED_MS, PLACES = 10.0, ("home", "item", "cart")
"""What an answer may take in these places of the shop, with the hurried load."""

SEARCHES = 20
"""Answered in turn, after which every process is taken to have its index."""

SECONDS_OF_EVENTS = 20.0
N_FOLLOWED, QUICK_FOLLOWED = 300, 40
FOLLOWED_P99_MS = 50.0
SHOP = """version = 1
[rank]
use = "fusion"
model = "trees"
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    process: subprocess.Popen[bytes]
    port: int

    def family(self) -> list[psutil.Process]:
        """Supervisor and workers."""
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def cpu_s(self) -> float:
        """Of all of them so far."""
        return sum(one.cpu_times().user + one.cpu_times().system for one in self.family())

    def memory_mib(self) -> float:
        """What all of them hold; pages that they share are counted once."""
        return sum(one.memory_full_info().pss for one in self.family()) / 2**20


@contextmanager
def running(
    command: list[str], port: int, log: Path, *, key: str | None = None, **environment: str
) -> Generator[Server]:
    """Start a server, wait until it answers (who sends the key, where it asks for one), stop it."""
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=errors, env=os.environ | funnel.ONE_THREAD | environment
        )
    try:
        until = time.monotonic() + 300
        while True:
            try:
                if (
                    httpx.get(f"http://127.0.0.1:{port}/v1/health/ready", headers=headers, timeout=20).status_code
                    == 200
                ):
                    break
            except httpx.TransportError:
                pass
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text()[-2_000:])
            time.sleep(0.1)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)  # a busy machine takes its time


def shop_of(n_items: int, n_users: int, say: Callable[[str], None]) -> Path:
    """The shop's folder, made where it is absent."""
    folder = PREPARED / f"serving-{n_items}-{n_users}"
    if not (folder / "shop.toml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        funnel.prepare(n_items, n_users, folder, say)
        (folder / "shop.toml").write_text(SHOP + '[store]\nrecords = "sqlite:///shop.db"\n')
    return folder


def driven(port: int, **plan: Any) -> dict[str, Any]:
    """Send a load from a process of its own; what it told."""
    done = subprocess.run(
        _driver(port, plan), cwd=BENCHMARKS, stdout=subprocess.PIPE, text=True, check=True, env=_environment()
    )
    return json.loads(done.stdout)


@contextmanager
def beside(port: int, **plan: Any) -> Generator[None]:
    """Send a load while something else happens."""
    driver = subprocess.Popen(_driver(port, plan), cwd=BENCHMARKS, stdout=subprocess.DEVNULL, env=_environment())
    try:
        yield
    finally:
        driver.kill()
        driver.wait()


def _driver(port: int, plan: dict[str, Any]) -> list[str]:
    whole = {"recommend": 0, "events": 0, "batch": 1, **plan}
    return [sys.executable, "-m", "load.drive", str(port), json.dumps(whole)]


def _environment() -> dict[str, str]:
    return os.environ | funnel.ONE_THREAD


def measured(server: Server, **plan: Any) -> dict[str, Any]:
    """A load with what it cost the server."""
    before = server.cpu_s()
    found = driven(server.port, **plan)
    cpu_s = server.cpu_s() - before
    return found | {
        "server_cpu_ms_per_request": round(cpu_s / max(found["sent"], 1) * 1_000, 3),
        "server_mib": round(server.memory_mib(), 1),
        "plan": plan,
    }


def wait_until_searched(port: int) -> None:
    """Wait until every process has made its index of the catalogue, which it does beside its first answers."""
    n_found, until = 0, time.monotonic() + 900
    while n_found < SEARCHES and time.monotonic() < until:
        # A connection of its own each time: any of the processes may take it.
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/search", json={"query": "item"}, timeout=30)
        n_found = n_found + 1 if answer.status_code == 200 else 0
        if answer.status_code != 200:
            time.sleep(0.5)


def in_time(server: Server, steady: dict[str, Any], p99_ms: float, seed: int) -> dict[str, Any]:
    """The steady load at ever lower rates until one is answered in time or enough were tried: what came of the last."""
    found = steady
    for step in range(1, STEPS + 1):
        if found["took_ms"]["all"]["p99"] < p99_ms:
            break
        plan = found["plan"] | {"seconds": SECONDS_OF_STEP, "seed": seed + step}
        found = measured(server, **plan | {kind: STEP * plan[kind] for kind in ("recommend", "events")})
    return found


def hurried(server: Server, plan: dict[str, Any]) -> dict[str, Any]:
    """The steady load, while answers may take `HURRIED_MS`: with how many of them left something out for that."""
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as http:

        def let_take(settings: dict[str, float]) -> None:
            for place in PLACES:
                http.put(f"/v1/scenarios/{place}", json={"settings": settings}).raise_for_status()

        def n_late() -> float:
            told = [line.split() for line in http.get("/metrics").text.splitlines()]
            return sum(float(line[1]) for line in told if line and line[0] == 'shelfwise_shortfalls_total{kind="late"}')

        let_take({"latency_budget_ms": HURRIED_MS})
        before = n_late()
        found = measured(server, **plan)
        found["late_share"] = (n_late() - before) / max(found["sent"] - found["took_ms"]["events"]["n"], 1)
        let_take({})
    return found


def followed(port: int, n: int, n_items: int) -> dict[str, float]:
    """Milliseconds from the acknowledgement of an event to the first answer that knows it."""
    took: list[float] = []
    random = np.random.default_rng(7)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=20) as http:
        for number in range(n):
            user, item = f"follower-{os.getpid()}-{number}", f"item-{int(random.integers(n_items))}"
            event = {"user_id": user, "item_id": item, "event": "purchase"}
            http.post("/events", json=event).raise_for_status()
            acknowledged = time.perf_counter()
            while True:
                answer = http.post("/recommend", json={"user_id": user, "scenario": "home", "k": 20})
                answer.raise_for_status()
                # A stranger's list gives popularity as its reason; who bought something has a reason of his own.
                if any(
                    one["reason"] not in ("Popular in this shop", "New in this shop") for one in answer.json()["items"]
                ):
                    break
            took.append((time.perf_counter() - acknowledged) * 1_000)
    p50, p99 = np.percentile(took, [50, 99])
    return {"n": n, "p50": round(float(p50), 2), "p99": round(float(p99), 2), "max": round(max(took), 2)}


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def at_size(n_items: int, workers: int, *, quick: bool, say: Callable[[str], None]) -> dict[str, Any]:
    """Everything at one size of catalogue."""
    n_users = QUICK_USERS if quick else N_USERS
    seconds, events_s = (QUICK_SECONDS, 4.0) if quick else (SECONDS, SECONDS_OF_EVENTS)
    rate, p99_ms = STEADY.get(n_items, (100.0, 0.0))
    folder = shop_of(n_items, n_users, say)
    sizes = {"n_users": n_users, "n_items": n_items}
    found: dict[str, Any] = {**sizes, "workers": workers}
    stem = int(time.time())  # events of earlier runs are stored: they must not count as known
    with tempfile.TemporaryDirectory(prefix="shelfwise-serving-") as scratch:
        port, log = free_port(), Path(scratch) / "server.log"
        command = [sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(folder), "--port", str(port)]
        started = time.perf_counter()
        with running([*command, "--workers", str(workers)], port, log) as server:
            found["ready_s"] = round(time.perf_counter() - started, 1)
            say(f"{n_items:,} items: the catalogue is being indexed")
            wait_until_searched(port)
            found["searched_s"] = round(time.perf_counter() - started, 1)
            say(f"{n_items:,} items: warming up")
            steady = {"recommend": 0.8 * rate, "events": 0.2 * rate, **sizes}
            driven(port, seconds=WARM_S, seed=stem, **steady)
            say(f"{n_items:,} items: {rate:g} requests a second")
            found["steady"] = measured(server, seconds=seconds, seed=stem + 1, **steady)
            if not quick:
                found["in_time"] = in_time(server, found["steady"], p99_ms, seed=stem + 10)
                if found["in_time"] is not found["steady"]:
                    say(f"{n_items:,} items: {rate:g} requests a second, in a hurry")
                    found["hurried"] = hurried(server, {"seconds": seconds, "seed": stem + 5, **steady})
            say(f"{n_items:,} items: events in batches")
            batched = BATCHED / 100 / (10 if quick else 1)
            found["batches"] = measured(server, seconds=events_s, seed=stem + 2, events=batched, batch=100, **sizes)
            say(f"{n_items:,} items: events one by one")
            single = ONE_BY_ONE / (10 if quick else 1)
            found["single"] = measured(server, seconds=events_s, seed=stem + 3, events=single, **sizes)
            say(f"{n_items:,} items: from an event to an answer")
            with beside(port, seconds=600, seed=stem + 4, **steady):
                found["followed"] = followed(port, QUICK_FOLLOWED if quick else N_FOLLOWED, n_items)
            canned = Path(scratch) / "answer.json"
            query = {"user_id": user_id(1), "scenario": "home", "k": 20}
            canned.write_bytes(httpx.post(f"http://127.0.0.1:{port}/v1/recommend", json=query, timeout=20).content)
        say("the bare framework")
        port = free_port()
        bare = [sys.executable, "-m", "uvicorn", "--port", str(port), "--no-access-log", "--ws", "none"]
        app = ["--app-dir", str(BENCHMARKS), "--factory", "load.canned:create_app"]
        with running([*bare, *app], port, log, CANNED_ANSWER=str(canned)) as server:
            driven(port, seconds=2.0, seed=1, recommend=rate, **sizes)
            found["bare"] = measured(server, seconds=seconds / 4, seed=2, recommend=rate, **sizes)
    found["of_bare"] = found["bare"]["server_cpu_ms_per_request"] / found["steady"]["server_cpu_ms_per_request"]
    return found


def promise(record: Record, found: dict[str, Any]) -> None:
    """Hold one size against what was promised."""
    n_items = found["n_items"]
    rate, p99 = STEADY[n_items]
    steady, size = found["steady"], f"{n_items}-items"
    failed = sum(n for status, n in steady["statuses"].items() if status[0] != "2") + steady["unanswered"]
    # Answered, not sent: what is still on its way when the last one leaves is no sustained rate.
    record.promise(f"{size}-requests-a-second", steady["sent"] / steady["seconds"], 0.97 * rate, "at least")
    record.promise(f"{size}-p99-ms", steady["took_ms"]["all"]["p99"], p99, "below")
    record.promise(f"{size}-failed", failed, 1, "below")
    if n_items == max(STEADY):
        record.promise(f"{size}-server-mib", steady["server_mib"], MEMORY_MIB, "below")
    for name, events, batch in (("batches", BATCHED, 100), ("single", ONE_BY_ONE, 1)):
        # Acknowledged in the time that they were sent in, and a second to finish.
        answered = found[name]["statuses"].get("202", 0) * batch
        per_second = answered / max(found[name]["seconds"] - 1, SECONDS_OF_EVENTS)
        record.promise(f"{size}-events-a-second-{name}", per_second, 0.97 * events, "at least")
    record.promise(f"{size}-event-to-answer-p99-ms", found["followed"]["p99"], FOLLOWED_P99_MS, "below")


def main() -> int:
    """Every size, then what was promised."""
    parser = arguments(__doc__ or "", "4,000 items, some seconds each; no promise is judged")
    parser.add_argument("--items", type=int, nargs="*", choices=list(STEADY), help="sizes; default: 100000")
    parser.add_argument("--workers", type=int, default=2, help="server processes; default: 2")
    options = parser.parse_args()
    record, console, people = Record("serving", options.quick), Console(width=140), Console(stderr=True)
    record.results["sizes"] = []
    for n_items in [4_000] if options.quick else options.items or [100_000]:
        with people.status("") as status:
            found = at_size(n_items, options.workers, quick=options.quick, say=status.update)
        show(console, serving_title(found), SERVING_COLUMNS, serving_lines(found))
        for note in serving_notes(found):
            console.print(note)
        record.results["sizes"].append(found)
        if not options.quick:
            promise(record, found)
    if options.quick:
        record.skip("every bar", "the quick form is too small")
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
