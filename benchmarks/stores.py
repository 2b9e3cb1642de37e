"""How fast the records store writes and reads, on SQLite and on PostgreSQL.

    python benchmarks/stores.py                    both, where `make services` says how to start PostgreSQL
    python benchmarks/stores.py --quick            a tenth of the rows

Events are appended as ingest does (large batches), as the API does under load (batches of 100), and one by one; every
batch is a transaction of its own, durable when it returns.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import pytest
from rich.console import Console
from rich.table import Table

from record import Record, arguments
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.items import Item
from shelfwise.store import catalogue, event_log
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records
from shelfwise.testing.databases import of_postgresql, of_sqlite

N_ITEMS = 20_000
N_USERS = 20_000
IN_BATCHES = {20_000: 200_000, 100: 20_000, 1: 500}
"""Events in all by the size of a batch."""

N_LOOK_UPS = 1_000
CREATED_MS = 1_700_000_000_000
DATABASES = {"SQLite": of_sqlite, "PostgreSQL": of_postgresql}


def main() -> int:
    """Measure, and print what was found."""
    parser = arguments(__doc__ or "", "a tenth of the rows")
    asked = parser.parse_args()
    record = Record("stores", asked.quick)
    share = 10 if asked.quick else 1
    for name, database in DATABASES.items():
        try:
            with database() as url, tempfile.TemporaryDirectory() as folder:
                record.results[name] = measured(url, Path(folder), share)
        except pytest.skip.Exception as absent:
            record.skip(name, str(absent))
    table = Table("", *record.results)
    for what in next(iter(record.results.values())):
        table.add_row(what, *(f"{found[what]:,.0f}" for found in record.results.values()))
    Console().print(table)
    return record.finish(asked.json)


def measured(url: str, folder: Path, share: int) -> dict[str, float]:
    """Rows a second, and microseconds a look-up."""
    records = Records.open(url, folder)
    found: dict[str, float] = {}
    n_items = N_ITEMS // share
    items = [Item(item_id=f"i{n}", title=f"Thing {n}", category="A > B", price=n / 100) for n in range(n_items)]
    with timed(found, "new items a second", n_items), records.write() as connection:
        catalogue.upsert(connection, items)
    with timed(found, "unchanged items a second", n_items), records.write() as connection:
        catalogue.upsert(connection, items)
    draw, stored = random.Random(0), 0
    for size, in_all in IN_BATCHES.items():
        n = in_all // share
        batches = [an_event(draw, stored + k, n_items) for k in range(n)]
        stored += n
        append = appending(records, batches, size)
        with timed(found, f"events a second, {size:,} at once", n):
            append()
    with timed(found, "events read a second", stored), records.read() as connection:
        event_log.read_all(connection)
    seconds: list[float] = []
    for _ in range(N_LOOK_UPS):
        started = time.perf_counter()
        with records.read() as connection:
            event_log.recent_events(connection, f"u{draw.randrange(N_USERS)}", 50)
        seconds.append(time.perf_counter() - started)
    found["a user's last events, microseconds"] = median(seconds) * 1e6
    records.close()
    return found


def an_event(draw: random.Random, number: int, n_items: int) -> EventRow:
    """One of a log in the order of time."""
    return EventRow(
        number.to_bytes(16, "big"),
        f"u{draw.randrange(N_USERS)}",
        f"i{draw.randrange(n_items)}",
        CODE_BY_KIND[EventKind.VIEW],
        CREATED_MS + number,
        price=1.5,
        currency="EUR",
        session_id=f"s{number // 5}",
        scenario="home",
    )


def appending(records: Records, log: Sequence[EventRow], size: int) -> Callable[[], None]:
    """Append a log in batches."""

    def append() -> None:
        for start in range(0, len(log), size):
            with records.write() as connection:
                event_log.append(connection, log[start : start + size], None)

    return append


@contextmanager
def timed(found: dict[str, float], what: str, n: int) -> Iterator[None]:
    """Note how many a second there were."""
    started = time.perf_counter()
    yield
    found[what] = n / (time.perf_counter() - started)


if __name__ == "__main__":
    raise SystemExit(main())
