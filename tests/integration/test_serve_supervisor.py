"""Who starts, replaces and stops the server's processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from shelfwise.errors import ServiceError
from shelfwise.serve.supervisor import fresh_workers, supervise

PROGRAM = """
import sys
from pathlib import Path
import shelfwise.serve.supervisor as supervisor
from supervised import {work}
from functools import partial

supervisor.STOP_TIMEOUT_S = supervisor.CLOSING_S = 0.5
with supervisor.fresh_workers():
    supervisor.supervise(partial({work}, Path(sys.argv[1])), int(sys.argv[2]))
"""

WORKS = """
import os, signal, time

def _appears(folder):
    (folder / str(os.getpid())).touch()

def patient(folder):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    _appears(folder)
    while True:
        time.sleep(60)

def stubborn(folder):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _appears(folder)
    while True:
        time.sleep(60)
"""


@pytest.fixture
def works(tmp_path: Path) -> Path:
    (tmp_path / "supervised.py").write_text(WORKS)
    (tmp_path / "alive").mkdir()
    return tmp_path


def started(folder: Path, work: str, n_workers: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work=work), str(folder / "alive"), str(n_workers)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])},
    )


def pids(folder: Path, n: int) -> set[int]:
    """Of the workers that have started so far, once there are so many."""
    deadline = time.monotonic() + 30
    while len(found := {int(path.name) for path in (folder / "alive").iterdir()}) < n:
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def test_who_dies_is_replaced_and_all_stop_together(works: Path) -> None:
    supervisor = started(works, "patient", 2)
    first = pids(works, 2)
    os.kill(min(first), signal.SIGKILL)
    os.kill(max(first), signal.SIGKILL)
    second = pids(works, 4) - first
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    assert not [pid for pid in second if psutil.pid_exists(pid)]
    assert len(pids(works, 4)) == 4  # nobody was replaced who was told to stop


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_who_does_not_stop_is_killed(works: Path, asked: signal.Signals) -> None:
    supervisor = started(works, "stubborn", 1)
    (only,) = pids(works, 1)
    supervisor.send_signal(asked)
    assert supervisor.wait(20) == 0
    assert not psutil.pid_exists(only)


def die() -> None:
    raise SystemExit(3)


def test_a_lone_worker_that_dies_is_an_error_and_signals_are_as_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    main = sys.modules["__main__"]
    with pytest.raises(ServiceError, match="stopped unexpectedly"), fresh_workers():
        supervise(die, 1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert sys.modules["__main__"] is main
