"""What an ingest did, in numbers that add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from shelfwise.ingest.reasons import EXPLANATION, Reason
from shelfwise.store import sources
from shelfwise.store.sources import Refused, Source


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many lines were refused for one reason, and the first of them."""

    reason: Reason
    count: int
    explanation: str
    sample: Refused


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The outcome for one file; `stored + already_stored + quarantined == lines`.

    Attributes:
        source: The file's number in the store, for the export of its quarantine.
        lines: Records of the file, the header left out.
        already_stored: Lines whose events another file or the API had brought before.
        by_reason: Most frequent reason first.
        skipped: The file had been ingested before with this mapping; the numbers are those of that time.
    """

    table: str
    file: str
    source: int
    lines: int
    stored: int
    already_stored: int
    quarantined: int
    by_reason: tuple[ReasonCount, ...]
    seconds: float
    skipped: bool

    def as_document(self) -> dict[str, Any]:
        """The report as plain JSON."""
        return {
            "table": self.table,
            "file": self.file,
            "source": self.source,
            "lines": self.lines,
            "stored": self.stored,
            "already_stored": self.already_stored,
            "quarantined": self.quarantined,
            "by_reason": [
                {
                    "reason": found.reason.value,
                    "count": found.count,
                    "explanation": found.explanation,
                    "sample": {
                        "line": found.sample.line,
                        "message": found.sample.message,
                        "raw": found.sample.raw,
                    },
                }
                for found in self.by_reason
            ],
            "seconds": round(self.seconds, 3),
            "skipped": self.skipped,
        }


def report_on(connection: Connection, state: Source, table: str, *, seconds: float, skipped: bool) -> IngestReport:
    """The report of a file as the store knows it."""
    samples = sources.first_refused_by_reason(connection, state.source)
    counts = sources.refused_by_reason(connection, state.source)
    return IngestReport(
        table=table,
        file=state.name,
        source=state.source,
        lines=state.lines_done,
        stored=state.stored,
        already_stored=state.already_stored,
        quarantined=state.quarantined,
        by_reason=tuple(
            ReasonCount(Reason(reason), n, EXPLANATION[Reason(reason)], samples[reason]) for reason, n in counts.items()
        ),
        seconds=seconds,
        skipped=skipped,
    )
