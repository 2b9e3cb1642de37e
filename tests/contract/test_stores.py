"""Every database keeps the contract of the records store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from shelfwise.store.data_keys import DataKey, DataKeys
from shelfwise.store.records import Records
from shelfwise.testing.databases import of_postgresql, of_sqlite
from shelfwise.testing.stores.catalogue import CatalogueContract
from shelfwise.testing.stores.events import EventLogContract
from shelfwise.testing.stores.looking import LookingContract
from shelfwise.testing.stores.migrations import MigrationsContract
from shelfwise.testing.stores.people import PeopleContract
from shelfwise.testing.stores.rules_and_slates import RuleVersionsContract, SlateLogContract
from shelfwise.testing.stores.scenario_settings import ScenarioVersionsContract
from shelfwise.testing.stores.sealing import SealingContract
from shelfwise.testing.stores.sources import SourcesContract
from shelfwise.testing.stores.traffic import TrafficContract
from shelfwise.testing.stores.transactions import TransactionsContract
from shelfwise.testing.stores.vectors import VectorCacheContract


class _SQLite:
    def database(self) -> AbstractContextManager[str]:
        return of_sqlite()


@pytest.mark.online
class _PostgreSQL:
    def database(self) -> AbstractContextManager[str]:
        return of_postgresql()


class _WithKey:
    """What holds without a key holds with one."""

    @pytest.fixture
    def records(self, url: str, tmp_path: Path) -> Iterator[Records]:
        opened = Records.open(url, tmp_path, DataKeys([DataKey.make()]))
        yield opened
        opened.close()


class TestEventsInSQLite(_SQLite, EventLogContract):
    pass


class TestEventsInPostgreSQL(_PostgreSQL, EventLogContract):
    pass


class TestCatalogueInSQLite(_SQLite, CatalogueContract):
    pass


class TestCatalogueInPostgreSQL(_PostgreSQL, CatalogueContract):
    pass


class TestPeopleInSQLite(_SQLite, PeopleContract):
    pass


class TestPeopleInPostgreSQL(_PostgreSQL, PeopleContract):
    pass


class TestSourcesInSQLite(_SQLite, SourcesContract):
    pass


class TestSourcesInPostgreSQL(_PostgreSQL, SourcesContract):
    pass


class TestSealingInSQLite(_SQLite, SealingContract):
    pass


class TestSealingInPostgreSQL(_PostgreSQL, SealingContract):
    pass


class TestPeopleSealedInSQLite(_SQLite, _WithKey, PeopleContract):
    pass


class TestPeopleSealedInPostgreSQL(_PostgreSQL, _WithKey, PeopleContract):
    pass


class TestSourcesSealedInSQLite(_SQLite, _WithKey, SourcesContract):
    pass


class TestRulesInSQLite(_SQLite, RuleVersionsContract):
    pass


class TestRulesInPostgreSQL(_PostgreSQL, RuleVersionsContract):
    pass


class TestScenariosInSQLite(_SQLite, ScenarioVersionsContract):
    pass


class TestScenariosInPostgreSQL(_PostgreSQL, ScenarioVersionsContract):
    pass


class TestSlatesInSQLite(_SQLite, SlateLogContract):
    pass


class TestSlatesInPostgreSQL(_PostgreSQL, SlateLogContract):
    pass


class TestTrafficInSQLite(_SQLite, TrafficContract):
    pass


class TestTrafficInPostgreSQL(_PostgreSQL, TrafficContract):
    pass


class TestVectorsInSQLite(_SQLite, VectorCacheContract):
    pass


class TestVectorsInPostgreSQL(_PostgreSQL, VectorCacheContract):
    pass


class TestTransactionsInSQLite(_SQLite, TransactionsContract):
    pass


class TestTransactionsInPostgreSQL(_PostgreSQL, TransactionsContract):
    pass


class TestMigrationsInSQLite(_SQLite, MigrationsContract):
    pass


class TestMigrationsInPostgreSQL(_PostgreSQL, MigrationsContract):
    pass


class TestLookingInSQLite(_SQLite, LookingContract):
    pass


class TestLookingInPostgreSQL(_PostgreSQL, LookingContract):
    pass
