"""The settings of the shop's scenarios by verb: look at them, at their history, and take them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import UnknownError, did_you_mean
from shelfwise.schemas.scenario_settings import ScenarioSettings
from shelfwise.shop.author import actor, me
from shelfwise.store import audit_log, scenario_versions
from shelfwise.store.records import Records
from shelfwise.store.scenario_versions import ScenarioVersion

if TYPE_CHECKING:
    from shelfwise.pipeline.recommender import Recommender


class ShopScenarios:
    """What was chosen for the places of the shop above `shop.toml`.

    Args:
        config: The shop's.
        records: The shop's.
        recommender: Loads the model in service, which knows what a place can follow.
        loaded: The model in service where it is loaded already, which then follows at once.
    """

    def __init__(
        self,
        config: ShopConfig,
        records: Records,
        recommender: Callable[[], Recommender],
        loaded: Callable[[], Recommender | None],
    ) -> None:
        self._config, self._records = config, records
        self._recommender, self._loaded = recommender, loaded

    def in_force(self) -> dict[str, ScenarioVersion]:
        """By scenario, what was chosen; those that stand as `shop.toml` has them from the start are left out."""
        with self._records.read() as connection:
            return scenario_versions.in_force(connection)

    def history(self, scenario: str) -> list[ScenarioVersion]:
        """All versions of one scenario's settings, newest first.

        Raises:
            UnknownError: there is no such scenario, and never was one that was set to anything.
        """
        with self._records.read() as connection:
            found = scenario_versions.history(connection, scenario)
        if not found:
            self._require_known(scenario)
        return found

    def change(
        self, scenario: str, settings: ScenarioSettings, *, author: str | None = None, note: str = ""
    ) -> ScenarioVersion:
        """Let other settings hold; a running server follows with its next answer.

        Raises:
            UnknownError: there is no such scenario.
            QueryError: the scenario cannot follow them.
            StateError: nothing was trained yet.
        """
        from shelfwise.pipeline.scenario_changes import put_in_force, require_possible

        self._require_known(scenario)
        recommender = self._recommender()
        spec = recommender.scenarios.named(scenario)
        require_possible(settings, scenario, spec, recommender.model.funnel.ranker, recommender.steps)
        with self._records.write() as connection:
            made = put_in_force(connection, scenario, settings, author=author or me(), note=note)
            _note(connection, "scenario.change", made)
        self._follow()
        return made

    def undo(
        self, scenario: str, version: int | None = None, *, author: str | None = None, note: str = ""
    ) -> ScenarioVersion:
        """Let earlier settings hold again: those of a version (0: `shop.toml`), or those before the present ones.

        Raises:
            StateError: there is nothing to take back.
            UnknownError: there is no such scenario or version.
        """
        from shelfwise.pipeline.scenario_changes import undo

        if not self.history(scenario):
            self._require_known(scenario)
        with self._records.write() as connection:
            made = undo(connection, scenario, version, author=author or me(), note=note)
            _note(connection, "scenario.undo", made)
        self._follow()
        return made

    def _require_known(self, scenario: str) -> None:
        if scenario not in self._config.scenarios:
            raise UnknownError(
                f"there is no scenario {scenario!r}",
                expected=f"one of {', '.join(self._config.scenarios)}",
                hint=did_you_mean(scenario, self._config.scenarios),
                code="unknown_scenario",
            )

    def _follow(self) -> None:
        found = self._loaded()
        if found is not None:
            found.scenarios.refresh()


def _note(connection: Connection, action: audit_log.Action, made: ScenarioVersion) -> None:
    detail = {"version": made.version, "author": made.author, "note": made.note}
    audit_log.note(connection, actor(), action, made.scenario, **detail, settings=made.settings.as_document())
