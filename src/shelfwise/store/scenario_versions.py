"""Versions of what the shop's scenarios are set to, above `shop.toml`: only ever added; a scenario's newest holds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from shelfwise.errors import StateError, UnknownError
from shelfwise.schemas.scenario_settings import AS_CONFIGURED, ScenarioSettings
from shelfwise.store.tables import scenario_versions


@dataclass(frozen=True, slots=True)
class ScenarioVersion:
    """One scenario's settings as somebody chose them.

    Attributes:
        version: Counts from 1, over all scenarios.
        scenario: Whose settings.
        at: When.
        author: Who.
        note: What was said with it.
        restores: The version that was taken back to, 0 for `shop.toml` alone; None where the settings are new.
        settings: As they are from then on.
    """

    version: int
    scenario: str
    at: datetime
    author: str
    note: str
    restores: int | None
    settings: ScenarioSettings

    def as_document(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "version": self.version,
            "scenario": self.scenario,
            "at": self.at.isoformat(timespec="seconds"),
            "author": self.author,
            "note": self.note,
            "restores": self.restores,
            "settings": self.settings.as_document(),
        }


def newest(connection: Connection) -> int:
    """The latest change of any scenario; 0 before the first. One look at the end of the primary key."""
    return int(connection.execute(select(func.max(scenario_versions.c.version))).scalar() or 0)


def in_force(connection: Connection) -> dict[str, ScenarioVersion]:
    """By scenario, the settings in force; those that nobody ever changed are left out."""
    latest = select(func.max(scenario_versions.c.version)).group_by(scenario_versions.c.scenario)
    found = connection.execute(select(scenario_versions).where(scenario_versions.c.version.in_(latest)))
    return {row.scenario: _version(row) for row in found}


def of(connection: Connection, scenario: str) -> ScenarioVersion | None:
    """One scenario's settings in force; None where nobody ever changed them."""
    newest_first = _of(scenario).order_by(scenario_versions.c.version.desc())
    row = connection.execute(newest_first.limit(1)).first()
    return None if row is None else _version(row)


def history(connection: Connection, scenario: str) -> list[ScenarioVersion]:
    """All versions of one scenario, newest first."""
    return [_version(row) for row in connection.execute(_of(scenario).order_by(scenario_versions.c.version.desc()))]


def put(
    connection: Connection,
    scenario: str,
    settings: ScenarioSettings,
    *,
    author: str,
    note: str = "",
    restores: int | None = None,
) -> ScenarioVersion:
    """Let settings hold; inside a write transaction."""
    made = ScenarioVersion(newest(connection) + 1, scenario, datetime.now(UTC), author, note, restores, settings)
    connection.execute(
        insert(scenario_versions).values(
            version=made.version,
            scenario=scenario,
            at_ms=int(made.at.timestamp() * 1_000),
            author=author,
            note=note,
            restores=restores,
            document=json.dumps(settings.as_document(), ensure_ascii=False),
        )
    )
    return made


def earlier(connection: Connection, scenario: str, version: int | None) -> tuple[int, ScenarioSettings]:
    """What to go back to: the version named, or the one before that in force; 0 is `shop.toml` alone.

    Raises:
        StateError: the scenario stands as `shop.toml` has it: there is nothing to take back.
        UnknownError: the scenario has no version of that number.
    """
    known = {one.version: one for one in reversed(history(connection, scenario))}
    if version is None:
        # One step back each time: what was taken back is behind it, and is not come back to.
        steps = [AS_CONFIGURED]
        for one in known.values():
            if one.restores is None:
                steps.append(one.version)
            elif one.restores in steps:
                del steps[steps.index(one.restores) + 1 :]
            else:
                steps.append(one.restores)
        if len(steps) < 2:
            raise StateError(
                f"scenario {scenario!r} stands as shop.toml has it: there is nothing to take back",
                hint="see its history",
                code="no_earlier_settings",
            )
        version = steps[-2]
    if version == AS_CONFIGURED:
        return AS_CONFIGURED, ScenarioSettings()
    if version not in known:
        raise UnknownError(
            f"scenario {scenario!r} has no version {version}",
            expected=f"one of {', '.join(map(str, (AS_CONFIGURED, *known)))}; 0 is shop.toml alone",
            hint=f"see `shelfwise scenarios history {scenario}`",
            code="unknown_settings",
        )
    return version, known[version].settings


def _of(scenario: str) -> Any:
    return select(scenario_versions).where(scenario_versions.c.scenario == scenario)


def _version(row: Row[Any]) -> ScenarioVersion:
    return ScenarioVersion(
        row.version,
        row.scenario,
        datetime.fromtimestamp(row.at_ms / 1_000, UTC),
        row.author,
        row.note,
        row.restores,
        ScenarioSettings.model_validate(json.loads(row.document)),
    )
