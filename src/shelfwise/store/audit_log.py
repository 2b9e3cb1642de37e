"""What administrators did: keys, rules, models, erasures. Only ever added to; never holds whom an erasure was about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select

from shelfwise.store.tables import audit

Action = Literal[
    "key.create",
    "key.revoke",
    "rules.apply",
    "rules.roll-back",
    "scenario.change",
    "scenario.undo",
    "model.promote",
    "model.roll-back",
    "training.start",
    "training.stop",
    "encryption.seal",
    "encryption.unseal",
    "encryption.drop",
    "user.export",
    "user.erase",
    "user.erase-from-model",
]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that was done.

    Attributes:
        entry: Counts up.
        at: When.
        actor: Who: a key by its id and name, or somebody at the command line.
        action: What.
        subject: To what: the id of a key, a version, the receipt of an erasure.
        detail: Further facts.
    """

    entry: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "entry": self.entry,
            "at": self.at.isoformat(timespec="milliseconds"),
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "detail": self.detail,
        }


def note(connection: Connection, actor: str, action: Action, subject: str, **detail: Any) -> None:
    """Write down what is done in the same write transaction."""
    connection.execute(
        insert(audit).values(
            at_ms=int(datetime.now(UTC).timestamp() * 1_000),
            actor=actor,
            action=action,
            subject=subject,
            detail=json.dumps(detail, ensure_ascii=False),
        )
    )


def read(connection: Connection, n: int, before: int | None = None) -> list[AuditEntry]:
    """The latest `n` entries, newest first.

    Args:
        connection: Reads.
        n: At most.
        before: Only entries older than this one.
    """
    query = select(audit).order_by(audit.c.entry.desc()).limit(n)
    if before is not None:
        query = query.where(audit.c.entry < before)
    return [
        AuditEntry(
            row.entry,
            datetime.fromtimestamp(row.at_ms / 1_000, UTC),
            row.actor,
            row.action,
            row.subject,
            json.loads(row.detail),
        )
        for row in connection.execute(query)
    ]
