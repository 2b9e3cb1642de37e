"""Requests of every kind that the OpenAPI document allows, and of many that it does not, sent to a real server.

    python benchmarks/api_fuzz.py [--cases 2000] [--seed N]

Schemathesis makes them: the document's examples, every boundary of every field once, then at random as many cases an
operation as asked for, right ones and wrong ones, and last sequences in which one answer's ids go into the next
request (an item put, looked at, changed, deleted, looked at again). The server is started as a shop starts it, over a
small synthetic shop, with a key that may do everything. No answer may be a 5xx, or have a status, a type or a body
that is not documented, or name a library, a file or a line of the server's; and nothing may go wrong in its log.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from record import Record, arguments
from serving import BENCHMARKS, free_port, running, shop_of

CASES, QUICK_CASES = 2_000, 20
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

PHASES = ("examples", "coverage", "fuzzing", "stateful")


def main() -> int:
    """Send, and tell what was found."""
    parser = arguments(__doc__ or "", f"{QUICK_CASES} cases an operation")
    parser.add_argument("--cases", type=int, metavar="N", help=f"cases an operation; {CASES:,} where omitted")
    parser.add_argument("--seed", type=int, default=0, help="of what is drawn at random")
    asked = parser.parse_args()
    cases = asked.cases or (QUICK_CASES if asked.quick else CASES)
    record, console = Record("api_fuzz", asked.quick), Console()
    prepared = shop_of(N_ITEMS, N_USERS, console.print)
    with tempfile.TemporaryDirectory(prefix="shelfwise-fuzz-") as scratch:
        shop = Path(scratch) / "shop"
        subprocess.run(["cp", "-r", str(prepared), str(shop)], check=True)
        report, log = fuzzed(shop, cases, asked.seed)
    table = Table("phase", "", title=f"{cases:,} cases an operation")
    for phase, found in report["phases"].items():
        table.add_row(phase, str(found["status"]))
    console.print(table)
    for failure in report["failures"]:
        console.print(failure, markup=False)
    failed_inside = [line for line in log.splitlines() if " ERROR " in line or line.startswith("Traceback")]
    for line in failed_inside[:20]:
        console.print(line, markup=False)
    record.results = {
        "cases": cases,
        "seed": asked.seed,
        "operations": report["operations"],
        "sent": report["test_cases"],
        "phases": report["phases"],
        "failures": report["failures"],
        "seconds": report["running_time"],
    }
    record.promise("failures", len(report["failures"]) + len(report["errors"]), 1, "below")
    record.promise("errors in the server's log", len(failed_inside), 1, "below")
    record.promise("requests", report["test_cases"]["generated"], cases, "at least")
    return record.finish(asked.json)


def fuzzed(shop: Path, cases: int, seed: int) -> tuple[dict[str, Any], str]:
    """What Schemathesis reports of a server over a shop, and the server's log."""
    port, key = free_port(), secrets.token_urlsafe(24)
    log, report = shop.parent / "server.log", shop.parent / "report.json"
    server = [sys.executable, "-m", "shelfwise.cli.main", "serve", "--shop", str(shop), "--port", str(port)]
    with running(server, port, log, key=key, SHELFWISE_API_KEY=key):
        program = Path(sys.executable).parent / "schemathesis"
        subprocess.run(
            [
                str(program), "run", f"http://127.0.0.1:{port}/v1/openapi.json",
                "--header", f"Authorization: Bearer {key}",
                "--phases", ",".join(PHASES), "--checks", ",".join(CHECKS),
                "--max-examples", str(cases), "--seed", str(seed), "--continue-on-failure",
                "--suppress-health-check", "all", "--warnings", "off", "--generation-database", "none",
                "--report", "json", "--report-json-path", str(report),
            ],
            check=False,  # its failures are told from its report
            cwd=shop.parent,
            env=os.environ
            | {
                "SCHEMATHESIS_HOOKS": "fuzz_checks",
                "PYTHONPATH": _path(),
                "FUZZ_INSIDE": json.dumps([*INSIDE, str(shop)]),
            },
        )  # fmt: skip
        httpx.get(f"http://127.0.0.1:{port}/v1/health/live", timeout=20).raise_for_status()
    return json.loads(report.read_text(encoding="utf-8")), log.read_text(encoding="utf-8")


def _path() -> str:
    return os.pathsep.join(part for part in (str(BENCHMARKS), os.environ.get("PYTHONPATH")) if part)


if __name__ == "__main__":
    raise SystemExit(main())
