"""All numbers of a server in Prometheus' text format, from the files of its processes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shelfwise.serve.measure_files import VARIABLE, is_alive
from shelfwise.serve.measures import Measures


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
        if pid.isdigit() and not is_alive(int(pid)):
            mark_process_dead(int(pid), str(folder))
