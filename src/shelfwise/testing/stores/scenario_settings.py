"""The contract of the settings of the shop's places."""

from __future__ import annotations

import pytest

from shelfwise.errors import StateError, UnknownError
from shelfwise.schemas.scenario_settings import ScenarioSettings
from shelfwise.store import scenario_versions
from shelfwise.store.marks import marks
from shelfwise.store.records import Records
from shelfwise.testing.stores.contract import StoreContract

VARIED = ScenarioSettings(diversity=0.5)
BOUGHT = ScenarioSettings(weights={"größer": 1.5, "'; --": 2}, exploration=0.1)


def put(records: Records, scenario: str, settings: ScenarioSettings, restores: int | None = None) -> int:
    """Store settings; their version."""
    with records.write() as connection:
        return scenario_versions.put(
            connection, scenario, settings, author="Ann", note="'; --", restores=restores
        ).version


def earlier(records: Records, scenario: str, version: int | None = None) -> tuple[int, ScenarioSettings]:
    """What to go back to."""
    with records.read() as connection:
        return scenario_versions.earlier(connection, scenario, version)


class ScenarioVersionsContract(StoreContract):
    """Versions are only ever added; a scenario's newest holds, whatever happens to the others."""

    def test_each_scenario_has_its_newest_and_all_are_kept(self, records: Records) -> None:
        with records.read() as connection:
            assert (scenario_versions.newest(connection), scenario_versions.in_force(connection)) == (0, {})
            assert marks(connection).scenarios == 0
        assert [put(records, "home", VARIED), put(records, "cart", VARIED), put(records, "home", BOUGHT)] == [1, 2, 3]
        with records.read() as connection:
            found = scenario_versions.in_force(connection)
            assert {name: (one.version, one.settings) for name, one in found.items()} == {
                "home": (3, BOUGHT),
                "cart": (2, VARIED),
            }
            assert scenario_versions.of(connection, "home") == found["home"]
            assert scenario_versions.of(connection, "item") is None
            kept = scenario_versions.history(connection, "home")
            assert [(one.version, one.settings, one.author, one.note) for one in kept] == [
                (3, BOUGHT, "Ann", "'; --"),
                (1, VARIED, "Ann", "'; --"),
            ]
            assert marks(connection).scenarios == 3

    def test_taking_back_goes_one_step_further_each_time(self, records: Records) -> None:
        first = put(records, "home", VARIED)
        second = put(records, "home", BOUGHT)
        put(records, "cart", BOUGHT)
        assert earlier(records, "home") == (first, VARIED)
        put(records, "home", VARIED, restores=first)
        assert earlier(records, "home") == (0, ScenarioSettings())
        put(records, "home", ScenarioSettings(), restores=0)
        with pytest.raises(StateError, match="nothing to take back"):
            earlier(records, "home")
        assert earlier(records, "home", second) == (second, BOUGHT)
        put(records, "home", BOUGHT, restores=second)
        assert earlier(records, "home") == (0, ScenarioSettings())

    def test_a_version_of_another_scenario_is_unknown(self, records: Records) -> None:
        put(records, "home", VARIED)
        with pytest.raises(UnknownError, match="'cart' has no version 1"):
            earlier(records, "cart", 1)
        with pytest.raises(StateError, match="as shop.toml has it"):
            earlier(records, "cart")
