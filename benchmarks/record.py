"""What every benchmark records: where and on what it ran, what was promised, what was found.

A benchmark prints its tables, then one line per promised number, `ok NAME value bar` or `short NAME value bar`, and
ends with exit code 1 where any is short. With `--json PATH` the same goes into a file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

LIBRARIES = (
    "shelfwise",
    "numpy",
    "scipy",
    "faiss-cpu",
    "lightgbm",
    "onnxruntime",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "torch",
)
COMMIT = "SHELFWISE_BENCH_COMMIT"
"""Names the commit on a machine that was given the files without their history."""

CHANGES_THAT_COUNT = ("src", "benchmarks/*.py", "pyproject.toml", "constraints.txt")


@dataclass(frozen=True, slots=True)
class Promise:
    """One number that was promised.

    Attributes:
        name: Without blanks.
        bar: What was promised.
        side: Whether the value must reach the bar, or stay below it.
    """

    name: str
    value: float
    bar: float
    side: Literal["at least", "below"]

    @property
    def is_kept(self) -> bool:
        """Whether the number is as promised."""
        return self.value >= self.bar if self.side == "at least" else self.value < self.bar

    def __str__(self) -> str:
        return f"{'ok' if self.is_kept else 'short'} {self.name} {self.value:.4g} {self.side} {self.bar:.4g}"


@dataclass(slots=True)
class Record:
    """One run of one benchmark.

    Attributes:
        benchmark: The script's name.
        quick: Whether it ran in its quick form: smaller, and not for comparison with a full run.
        results: By name; whatever the benchmark found.
        skipped: Promised numbers that this run did not measure, with the reason.
    """

    benchmark: str
    quick: bool
    results: dict[str, Any] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    load_at_start: float = field(default_factory=lambda: os.getloadavg()[0])
    commit_at_start: str = field(default_factory=lambda: commit())

    def promise(self, name: str, value: float, bar: float, side: Literal["at least", "below"]) -> None:
        """Hold a number against what was promised."""
        self.promises.append(Promise(name, float(value), bar, side))  # also of NumPy's kinds, which JSON does not know

    def skip(self, name: str, why: str) -> None:
        """Say that a promised number was not measured."""
        self.skipped[name] = why

    def finish(self, path: Path | None) -> int:
        """Print the verdicts, write the file, and give the exit code."""
        print()
        for name, why in self.skipped.items():
            print(f"skip {name}: {why}")
        for promise in self.promises:
            print(promise)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.as_document(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"wrote {path}")
        return 0 if all(promise.is_kept for promise in self.promises) else 1

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        began, ended = self.commit_at_start, commit()
        return {
            "benchmark": self.benchmark,
            "quick": self.quick,
            "date": self.started_at.isoformat(timespec="seconds"),
            "commit": began if began == ended else f"{began}..{ended}",
            "machine": {**machine(), "load_at_start": round(self.load_at_start, 2)},
            "versions": versions(),
            "promises": [{**asdict(promise), "kept": promise.is_kept} for promise in self.promises],
            "skipped": self.skipped,
            "results": self.results,
        }


def arguments(description: str, quick: str) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes.

    Args:
        description: The script's docstring.
        quick: What `--quick` does.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--json", type=Path, metavar="PATH", help="also write what was found to this file")
    return parser


def machine() -> dict[str, Any]:
    """CPU model, cores that this process may use, memory."""
    cpu = platform.processor() or platform.machine()
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    memory_kib = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory_kib / 2**20, 1),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
    }


def versions() -> dict[str, str]:
    """Of Python and of the libraries that do the work."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit that ran, `+` after it where what ran differs from it; "unknown" outside a checkout."""
    if COMMIT in os.environ:
        return os.environ[COMMIT]
    try:
        name = _git("rev-parse", "--short=12", "HEAD")
        return name + ("+" if _git("status", "--porcelain", "--", *CHANGES_THAT_COUNT) else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
