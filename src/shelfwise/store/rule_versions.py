"""Versions of the merchandiser's rules: only ever added; the newest is in force."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select

from shelfwise.errors import StateError, UnknownError
from shelfwise.store.tables import rule_versions

Action = Literal["apply", "roll-back"]


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """Rules as somebody put them in force.

    Attributes:
        version: Counts from 1; 0 stands for none yet.
        at: When.
        author: Who.
        action: Whether they were written, or an earlier version was taken back.
        note: What was said with it.
        document: The rules as plain JSON.
    """

    version: int
    at: datetime
    author: str
    action: Action
    note: str
    document: dict[str, Any]

    def as_document(self) -> dict[str, Any]:
        """As plain JSON, without the rules themselves."""
        return {
            "version": self.version,
            "at": self.at.isoformat(timespec="seconds"),
            "author": self.author,
            "action": self.action,
            "note": self.note,
            "n_rules": len(self.document.get("rules", {})),
        }


def newest(connection: Connection) -> int:
    """The version in force; 0 before the first. One look at the end of the primary key."""
    return int(connection.execute(select(func.max(rule_versions.c.version))).scalar() or 0)


def in_force(connection: Connection) -> RuleVersion | None:
    """The rules in force; None before the first."""
    row = connection.execute(select(rule_versions).order_by(rule_versions.c.version.desc()).limit(1)).first()
    return None if row is None else _version(row)


def get(connection: Connection, version: int) -> RuleVersion:
    """One version.

    Raises:
        UnknownError: there is none of that number.
    """
    row = connection.execute(select(rule_versions).where(rule_versions.c.version == version)).first()
    if row is None:
        last = newest(connection)
        raise UnknownError(
            f"there is no version {version} of the rules",
            expected=f"a number from 1 to {last}" if last else None,
            hint="see `shelfwise rules history`" if last else "no rules were applied yet",
            code="unknown_rules",
        )
    return _version(row)


def history(connection: Connection) -> list[RuleVersion]:
    """All versions, newest first."""
    return [_version(row) for row in connection.execute(select(rule_versions).order_by(rule_versions.c.version.desc()))]


def put(
    connection: Connection, document: dict[str, Any], *, author: str, note: str = "", action: Action = "apply"
) -> RuleVersion:
    """Put rules in force; inside a write transaction."""
    made = RuleVersion(newest(connection) + 1, datetime.now(UTC), author, action, note, document)
    connection.execute(
        insert(rule_versions).values(
            version=made.version,
            at_ms=int(made.at.timestamp() * 1_000),
            author=author,
            action=action,
            note=note,
            document=json.dumps(document, ensure_ascii=False, sort_keys=False),
        )
    )
    return made


def earlier(connection: Connection, version: int | None) -> RuleVersion:
    """The version to go back to: the one named, or the one before that in force.

    Raises:
        StateError: there is none before it.
        UnknownError: there is none of that number.
    """
    if version is not None:
        return get(connection, version)
    # One step back each time: what a roll-back took back is behind it, as with model versions.
    stack: list[RuleVersion] = []
    for one in reversed(history(connection)):
        if one.action == "roll-back":
            same = [place for place, before in enumerate(stack) if before.document == one.document]
            del stack[(same[-1] if same else 0) + 1 :]
        else:
            stack.append(one)
    if len(stack) < 2:
        raise StateError(
            "there are no earlier rules to go back to",
            hint="see `shelfwise rules history`; an empty rules.toml takes all rules away",
            code="no_earlier_rules",
        )
    return stack[-2]


def _version(row: Row[Any]) -> RuleVersion:
    return RuleVersion(
        row.version,
        datetime.fromtimestamp(row.at_ms / 1_000, UTC),
        row.author,
        row.action,
        row.note,
        json.loads(row.document),
    )
