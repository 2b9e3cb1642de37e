"""Run a program as a shop's engineer would, and tell what it took: seconds, and memory at its peak."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.1
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Ran:
    """A program that ended well.

    Attributes:
        stdout: What it printed for machines.
        seconds: From start to end.
        cpu_s: Of all its threads and children: beside `seconds` it tells how much of a core others left to it.
        peak_mib: Resident memory of the program and its children together; pages that they share count for each.
    """

    stdout: str
    seconds: float
    cpu_s: float
    peak_mib: float


class ProgramError(RuntimeError):
    """The program ended with another code than 0; the message is what it said."""


def run(command: Sequence[str | Path]) -> Ran:
    """Run to the end.

    The peak is the larger of two: what the kernel kept for the largest single process, and what the whole family was
    seen to hold, looked at every `SAMPLE_S`. The kernel's number starts at this process's own size: keep it small.

    Raises:
        ProgramError: the exit code was not 0.
    """
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        started = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], stdout=stdout, stderr=stderr)
        ended, seen = threading.Event(), [0]

        def look() -> None:
            while not ended.wait(SAMPLE_S):
                seen[0] = max(seen[0], _family_bytes(process.pid))

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode != 0:
            last = stderr.read().decode(errors="replace")[-2_000:]
            raise ProgramError(f"{' '.join(map(str, command))}: exit code {process.returncode}\n{last}")
        peak = max(usage.ru_maxrss * 1024, seen[0])
        return Ran(stdout.read().decode(), seconds, usage.ru_utime + usage.ru_stime, peak / MIB)


def _family_bytes(root: int) -> int:
    page, total, waiting = os.sysconf("SC_PAGESIZE"), 0, [root]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        try:
            total += int((process / "statm").read_text().split()[1]) * page
            for task in (process / "task").iterdir():
                waiting.extend(int(child) for child in (task / "children").read_text().split())
        except (OSError, IndexError):
            continue  # it ended while we looked
    return total
