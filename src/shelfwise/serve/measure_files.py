"""The files in which a server's processes count, so that any of them can tell the numbers of all.

The supervisor makes their folder before the first worker starts, and removes it when the last one is gone. Without a
supervisor (an app made inside a test, say) a process tells its own numbers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shelfwise.serve.measures import Measures

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "shelfwise-measures-"
"""Of folders' names; the supervisor's process id follows."""


@contextmanager
def measure_files() -> Generator[None]:
    """Let workers that are started within count in a folder of their own."""
    before = os.environ.get(VARIABLE)
    _sweep()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def _sweep() -> None:
    """Remove what supervisors left behind that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not _is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def exposition(measures: Measures) -> bytes:
    """All numbers in Prometheus' text format.

    Cost:
        Reads the files of all processes: some milliseconds, so not for the event loop.
    """
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return generate_latest(measures.registry)
    _forget_dead(Path(folder))
    registry = CollectorRegistry()
    registry.register(_OfAll(folder, measures))
    return generate_latest(registry)


class _OfAll:
    """The numbers of all processes, with the words that their files do not hold."""

    def __init__(self, folder: str, measures: Measures) -> None:
        self._files = MultiProcessCollector(None, folder)
        self._told = {metric.name: metric.documentation for metric in measures.registry.collect()}

    def collect(self) -> Iterable[Metric]:
        for metric in self._files.collect():
            metric.documentation = self._told.get(metric.name, metric.documentation)
            # A version that left service cannot be taken out of the files.
            metric.samples = [one for one in metric.samples if one.value or "version" not in one.labels]
            yield metric


def _forget_dead(folder: Path) -> None:
    """Take out the gauges of workers that died: nothing waits in them any more. What they counted stays."""
    for path in folder.glob("gauge_live*_*.db"):
        pid = path.stem.rpartition("_")[2]
        if pid.isdigit() and not _is_alive(int(pid)):
            mark_process_dead(int(pid), str(folder))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
