"""The places of the shop as they are set now: their tables of `shop.toml`, with what was chosen since above them."""

from __future__ import annotations

from collections.abc import Mapping

from shelfwise.config.shop import ScenarioSpec
from shelfwise.errors import QueryError, did_you_mean
from shelfwise.schemas.scenario_settings import ScenarioSettings
from shelfwise.store import scenario_versions
from shelfwise.store.records import Records


class LiveScenarios:
    """Follows the settings in force.

    Attributes:
        version: Of the latest change of any place; 0 before the first.
        configured: By name, as `shop.toml` had them when the model was trained.
    """

    def __init__(self, configured: Mapping[str, ScenarioSpec], records: Records) -> None:
        self.configured = configured
        self.version = 0
        self._records = records
        self._now: Mapping[str, ScenarioSpec] = configured
        self.refresh()

    def follow(self, latest: int) -> None:
        """Take up the settings in force where these are not they; `latest` is the store's mark."""
        if latest != self.version:
            self.refresh()

    def refresh(self) -> None:
        """Take up the settings that are in force now."""
        with self._records.glance() as connection:
            # The number first: a change between the two looks is then taken up twice rather than never.
            latest = scenario_versions.newest(connection)
            found = scenario_versions.in_force(connection) if latest else {}
        settings = {name: found[name].settings for name in self.configured if name in found}
        self._now = {
            name: spec if name not in settings else with_settings(spec, settings[name])
            for name, spec in self.configured.items()
        }
        self.version = latest

    def named(self, name: str) -> ScenarioSpec:
        """A place as it is set now.

        Raises:
            QueryError: there is no such scenario.
        """
        found = self._now.get(name)
        if found is None:
            raise QueryError(
                f"there is no scenario {name!r}; known: {', '.join(self._now)}",
                where="scenario",
                hint=did_you_mean(name, self._now) or "add a [scenarios.…] table to shop.toml and train again",
                code="unknown_scenario",
            )
        return found


def with_settings(spec: ScenarioSpec, settings: ScenarioSettings) -> ScenarioSpec:
    """A place's table with settings above it."""
    told = {name: value for name in ScenarioSettings.model_fields if (value := getattr(settings, name)) is not None}
    return spec.model_copy(update=told)
