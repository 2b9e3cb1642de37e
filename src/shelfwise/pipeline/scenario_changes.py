"""New settings of a place before they are in force: held against what the place can do, then stored."""

from __future__ import annotations

from sqlalchemy import Connection

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import StateError
from shelfwise.pipeline.slate_steps import SlateSteps
from shelfwise.pipeline.trade_off import require_predicted
from shelfwise.rank.ranker import Ranker
from shelfwise.schemas.scenario_settings import AS_CONFIGURED, ScenarioSettings
from shelfwise.store import scenario_versions
from shelfwise.store.scenario_versions import ScenarioVersion


def require_possible(
    settings: ScenarioSettings, scenario: str, spec: ScenarioSpec, ranker: Ranker, steps: SlateSteps
) -> None:
    """Refuse what a place cannot follow.

    Raises:
        QueryError: the model does not predict an objective that is weighed, or the place's rerankers trade no
            diversity, or none of them explores.
    """
    require_predicted("weights", settings.weights or {}, ranker)
    steps.require_possible(scenario, spec, settings.diversity, settings.exploration)


def put_in_force(
    connection: Connection,
    scenario: str,
    settings: ScenarioSettings,
    *,
    author: str,
    note: str = "",
    replaces: int | None = None,
) -> ScenarioVersion:
    """Store settings as a place's newest version; inside a write transaction.

    Args:
        connection: Writes.
        scenario: The place.
        settings: Checked; they stand in place of all earlier ones.
        author: Who wants it.
        note: For the history.
        replaces: The version that the author knows, 0 before the first; None: whichever is in force.

    Raises:
        StateError: another version than the one named is in force: somebody else was faster.
    """
    present = scenario_versions.of(connection, scenario)
    version = AS_CONFIGURED if present is None else present.version
    if replaces is not None and replaces != version:
        raise StateError(
            f"version {version} of scenario {scenario!r} is in force, not {replaces}",
            where="replaces",
            hint="somebody else changed it meanwhile: look at theirs, then choose again",
            code="settings_changed",
        )
    return scenario_versions.put(connection, scenario, settings, author=author, note=note)


def undo(connection: Connection, scenario: str, version: int | None, *, author: str, note: str = "") -> ScenarioVersion:
    """Let earlier settings of a place hold again, as a new version; inside a write transaction.

    Args:
        connection: Writes.
        scenario: The place.
        version: To go back to, 0 for `shop.toml` alone; None: the one before that in force.
        author: Who wants it.
        note: For the history.

    Raises:
        StateError: there is nothing to take back.
        UnknownError: the place has no version of that number.
    """
    restores, settings = scenario_versions.earlier(connection, scenario, version)
    told = note or (f"back to version {restores}" if restores else "back to shop.toml")
    return scenario_versions.put(connection, scenario, settings, author=author, note=told, restores=restores)
