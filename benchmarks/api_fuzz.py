"""Requests of every kind that the OpenAPI document allows, and of many that it does not, sent to a real server.

    python benchmarks/api_fuzz.py [--cases 2000] [--seed N] [--rows FOLDER] [--at-once N]

Schemathesis makes them: the document's examples, every boundary of every field once, then at random as many cases an
operation as asked for, right ones and wrong ones, and last sequences in which one answer's ids go into the next
request (an item put, looked at, changed, deleted, looked at again). The server is started as a shop starts it, over a
small synthetic shop, with a key that may do everything. No answer may be a 5xx, or have a status, a type or a body
that is not documented, or name a library, a file or a line of the server's; and nothing may go wrong in its log.

It goes by parts, each with a server of its own: every operation, then the sequences, some hundred at a time. With
`--rows FOLDER` each part leaves a row there as soon as it is over, and who has a row of the same cases and seed is not
sent again: interrupt it and start it again as you like, delete a row to send its part anew.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from record import Record, arguments, commit
from serving import BENCHMARKS, free_port, running, shop_of

CASES, QUICK_CASES = 2_000, 20
SEQUENCES_AT_ONCE = 250
N_ITEMS, N_USERS = 1_000, 300
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "tells_nothing_of_the_inside",
)
INSIDE = ("Traceback (most recent", "site-packages", "sqlalchemy", "psycopg", "sqlite3.")
"""Words of stack traces and of libraries, which no answer may hold; nor the shop's folder."""

ALONE, IN_SEQUENCE = "examples,coverage,fuzzing", "stateful"
LOG = "server.log"
METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Part:
    """What one server is asked.

    Attributes:
        name: Of its row; fit for a file.
        cases: At random, of each operation or sequence.
        seed: Of what is drawn.
        options: Of Schemathesis: which operations, and in which phases.
    """

    name: str
    cases: int
    seed: int
    options: tuple[str, ...]

    def is_in(self, rows: Path) -> bool:
        """Whether it was sent already."""
        path = self._path(rows)
        if not path.exists():
            return False
        row = json.loads(path.read_text(encoding="utf-8"))
        return (row["cases"], row["seed"]) == (self.cases, self.seed)

    def keep(self, rows: Path, found: dict[str, Any]) -> None:
        """Write its row."""
        rows.mkdir(parents=True, exist_ok=True)
        part = self._path(rows).with_suffix(".part")
        part.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(self._path(rows))

    def kept(self, rows: Path) -> dict[str, Any]:
        """Its row."""
        return json.loads(self._path(rows).read_text(encoding="utf-8"))

    def _path(self, rows: Path) -> Path:
        return rows / f"{self.name}.json"


def main() -> int:
    """Send, and tell what was found."""
    parser = arguments(__doc__ or "", f"{QUICK_CASES} cases an operation")
    parser.add_argument("--cases", type=int, metavar="N", help=f"cases an operation; {CASES:,} where omitted")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn at random")
    parser.add_argument("--rows", type=Path, metavar="FOLDER", help="where each part leaves what was found")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="parts, each with a server of its own")
    asked = parser.parse_args()
    cases = asked.cases or (QUICK_CASES if asked.quick else CASES)
    record, console = Record("api_fuzz", asked.quick), Console()
    prepared = shop_of(N_ITEMS, N_USERS, console.print)
    with tempfile.TemporaryDirectory(prefix="shelfwise-fuzz-") as scratch:
        rows = asked.rows or Path(scratch) / "rows"
        parts = [whole(cases, asked.seed)]
        if not asked.quick:
            parts = list(parts_of(described(prepared, Path(scratch)), cases, asked.seed))
        due = [part for part in parts if not part.is_in(rows)]
        console.print(f"{len(parts)} parts, {len(due)} to be sent", markup=False)
        with ThreadPoolExecutor(asked.at_once) as pool:
            sending = {pool.submit(fuzzed, prepared, part, Path(scratch)): part for part in due}
            for place, done in enumerate(as_completed(sending), start=1):
                part, found = sending[done], done.result()
                part.keep(rows, found)
                n, wrong = found["sent"]["generated"], len(found["failures"]) + len(found["errors"])
                console.print(f"{place} of {len(due)} {part.name}: {n:,} sent, {wrong} failures", markup=False)
        found_of = [part.kept(rows) for part in parts]
    failures = [failure for found in found_of for failure in [*found["failures"], *found["errors"]]]
    in_the_log = [line for found in found_of for line in found["in_the_log"]]
    for line in [*failures, *in_the_log[:20]]:
        console.print(line, markup=False)
    sent = sum(found["sent"]["generated"] for found in found_of)
    table = Table("part", "sent", "failures", "seconds", title=f"{cases:,} cases an operation")
    for found in found_of:
        wrong = len(found["failures"]) + len(found["errors"])
        table.add_row(found["part"], f"{found['sent']['generated']:,}", str(wrong), f"{found['seconds']:.0f}")
    console.print(table)
    record.results = {
        "cases": cases,
        "seed": asked.seed,
        "parts": len(parts),
        "commits": sorted({found["commit"] for found in found_of}),
        "sent": sent,
        "failures": failures,
        "in_the_log": in_the_log,
        "seconds": round(sum(found["seconds"] for found in found_of)),
    }
    record.promise("failures", len(failures), 1, "below")
    record.promise("errors in the server's log", len(in_the_log), 1, "below")
    record.promise("requests", sent, cases, "at least")
    return record.finish(asked.json)


def whole(cases: int, seed: int) -> Part:
    """Everything by one server."""
    return Part("everything", cases, seed, ("--phases", f"{ALONE},{IN_SEQUENCE}"))


def parts_of(document: dict[str, Any], cases: int, seed: int) -> Iterator[Part]:
    """Every operation by itself, then the sequences."""
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                name = re.sub(r"[^a-z0-9]+", "-", f"{path}-{method}".lower()).strip("-")
                which = ("--include-name", f"{method.upper()} {path}")
                yield Part(name, cases, seed, (*which, "--phases", ALONE))
    for first in range(0, cases, SEQUENCES_AT_ONCE):
        n = min(SEQUENCES_AT_ONCE, cases - first)
        yield Part(f"sequences-{first}", n, seed + first, ("--phases", IN_SEQUENCE))


def described(prepared: Path, scratch: Path) -> dict[str, Any]:
    """The OpenAPI document, as the server gives it."""
    with serving(prepared, scratch / "described") as (address, key):
        answer = httpx.get(f"{address}/v1/openapi.json", headers={"Authorization": f"Bearer {key}"}, timeout=20)
        answer.raise_for_status()
    shutil.rmtree(scratch / "described")
    return answer.json()


@contextmanager
def serving(prepared: Path, folder: Path) -> Generator[tuple[str, str]]:
    """A server over a copy of a shop, as a shop starts it; its address, and a key that may do everything."""
    shop = folder / "shop"
    shutil.copytree(prepared, shop)
    port, key = free_port(), secrets.token_urlsafe(24)
    server = [sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(shop), "--port", str(port)]
    with running(server, port, folder / LOG, key=key, SHELFWISE_API_KEY=key):
        yield f"http://127.0.0.1:{port}", key


def fuzzed(prepared: Path, part: Part, scratch: Path) -> dict[str, Any]:
    """What Schemathesis reports of a server over a copy of a shop, and what the server's log complains of."""
    folder = scratch / part.name
    report = folder / "report.json"
    with serving(prepared, folder) as (address, key):
        program = Path(sys.executable).parent / "schemathesis"
        subprocess.run(
            [
                str(program), "run", f"{address}/v1/openapi.json",
                "--header", f"Authorization: Bearer {key}",
                *part.options, "--checks", ",".join(CHECKS),
                "--max-examples", str(part.cases), "--seed", str(part.seed), "--continue-on-failure",
                "--suppress-health-check", "all", "--warnings", "off", "--generation-database", "none",
                "--wait-for-schema", "120", "--request-timeout", "60",
                "--report", "json", "--report-json-path", str(report),
            ],
            check=False,  # its failures are told from its report
            cwd=folder,
            env=os.environ
            | {
                "SCHEMATHESIS_HOOKS": "fuzz_checks",
                "PYTHONPATH": _path(),
                "FUZZ_INSIDE": json.dumps([*INSIDE, str(folder)]),
            },
        )  # fmt: skip
        httpx.get(f"{address}/v1/health/live", timeout=20).raise_for_status()
    told = json.loads(report.read_text(encoding="utf-8"))
    if not told["test_cases"]["generated"]:
        raise SystemExit(f"{part.name}: nothing was sent: {told['errors']}")
    lines = (folder / LOG).read_text(encoding="utf-8").splitlines()
    shutil.rmtree(folder)
    return {
        "part": part.name,
        "cases": part.cases,
        "seed": part.seed,
        "commit": commit(),
        "sent": told["test_cases"],
        "phases": told["phases"],
        "failures": told["failures"],
        "errors": told["errors"],
        "in_the_log": [line for line in lines if " ERROR " in line or line.startswith("Traceback")],
        "seconds": told["running_time"],
    }


def _path() -> str:
    return os.pathsep.join(part for part in (str(BENCHMARKS), os.environ.get("PYTHONPATH")) if part)


if __name__ == "__main__":
    raise SystemExit(main())
