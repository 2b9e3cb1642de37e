"""Drift as it is told to whoever asks: read once for all of them, however many ask and however long the store takes."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from shelfwise.errors import ServiceError
from shelfwise.insight.drift_report import DriftReport, drift_report
from shelfwise.pipeline.model import Model
from shelfwise.store.records import Records

KEPT_S = 5.0
"""How long a report is told again: what is counted comes into the store no faster."""

PATIENCE_S = 2.0
"""How long somebody waits for the store to tell: when it is away, other numbers are wanted most."""

log = logging.getLogger("shelfwise.serve")


@dataclass(frozen=True, slots=True)
class _Told:
    version: str | None
    at_s: float
    report: DriftReport


class DriftReports:
    """Reports of one process, on its event loop.

    One is read at a time. A store that hangs holds one thread then, whoever looks how often; with a thread for each
    look those of the process would be used up, and nothing that needs one would go on.

    Args:
        records: The shop's.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._told: _Told | None = None
        self._reading: asyncio.Task[_Told] | None = None

    async def of(self, model: Model | None) -> DriftReport:
        """How far the last day is from the training of a model, of all processes; some seconds old at most.

        Args:
            model: In service; None before anything was trained.

        Raises:
            ServiceError: the store cannot be read, or does not answer in time.
        """
        version = None if model is None else model.name
        ends_at = time.monotonic() + PATIENCE_S
        while True:
            told = self._told
            if told is not None and told.version == version and time.monotonic() - told.at_s < KEPT_S:
                return told.report
            if self._reading is None:
                self._reading = asyncio.create_task(self._read(model))
                self._reading.add_done_callback(self._done)
            reading = self._reading
            await asyncio.wait([reading], timeout=max(0.0, ends_at - time.monotonic()))
            if not reading.done():
                raise ServiceError(
                    f"the records store has not told drift within {PATIENCE_S:.0f} s", hint="ask again", code="late"
                )
            found = reading.result()
            if found.version == version:
                return found.report

    async def close(self) -> None:
        """Wait for nobody any more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, model: Model | None) -> _Told:
        version, then = (None, None) if model is None else (model.name, model.as_trained)

        def read() -> DriftReport:
            with self._records.glance() as connection:
                return drift_report(connection, version, then, int(time.time()))

        report = await asyncio.to_thread(read)
        return _Told(version, time.monotonic(), report)

    def _done(self, reading: asyncio.Task[_Told]) -> None:
        self._reading = None
        if reading.cancelled():
            return
        error = reading.exception()  # looked at here too: whoever asked may have gone
        if error is None:
            self._told = reading.result()
        elif not isinstance(error, ServiceError):
            log.error("drift cannot be told", exc_info=error)
