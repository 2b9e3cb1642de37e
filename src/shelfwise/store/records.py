"""The records store: one object that opens it, hands out transactions, and closes it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from shelfwise.config.shop import StoreSpec
from shelfwise.store import sealing
from shelfwise.store.data_keys import NO_KEYS, DataKeys
from shelfwise.store.engine import engine_for_glances, open_engine
from shelfwise.store.refusals import refusal
from shelfwise.store.standing_reads import StandingReads

T = TypeVar("T")


class Records:
    """Items, users, events, sources and quarantine behind one database URL.

    The functions of `catalogue`, `event_log` and `sources` take a connection from here: what happens within one
    `write()` happens wholly or not at all.
    """

    def __init__(self, engine: Engine, folder: Path, for_glances: Engine | None = None) -> None:
        self.engine = engine
        self._for_glances = engine if for_glances is None else for_glances
        self._standing = StandingReads(self._for_glances)
        self.folder = folder
        """The shop's: where what the records name by relative paths begins."""

    @classmethod
    def open(cls, url: str, base: Path, keys: DataKeys = NO_KEYS) -> Records:
        """Open, creating and migrating where needed.

        Args:
            url: As `[store] records` says it.
            base: The shop's folder.
            keys: Seal what users say of themselves, and open it. Without them the store opens too, and what is sealed
                there stays closed.
        """
        engine, for_glances = open_engine(url, base), engine_for_glances(url)
        for one in (engine, for_glances):
            if one is not None:
                one.update_execution_options(**{sealing.OPTION: keys})
        return cls(engine, base, for_glances)

    @classmethod
    def of(cls, spec: StoreSpec, folder: Path) -> Records:
        """The records of a shop, with its keys.

        Raises:
            ConfigError: what is given as a data key is none; or as `open`.
        """
        return cls.open(spec.records, folder, DataKeys.of(spec.data_key_file, folder))

    @contextmanager
    def read(self) -> Generator[Connection]:
        """A consistent view of the store as it is now: what others commit meanwhile is not seen.

        Raises:
            ServiceError: the database is down. The next call works when it is up again.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection

    def reading(self, look: Callable[[Connection], T]) -> T:
        """What a function finds in one view of the store; for threads.

        Raises:
            ServiceError: the database is down.
        """
        with self.read() as connection:
            return look(connection)

    @contextmanager
    def glance(self) -> Generator[Connection]:
        """A `read` that requests wait for, one after the other: short questions only.

        In SQLite readers never wait. In PostgreSQL somebody may hold a table, to write it anew for instance: a glance
        gives up after two seconds, and has a connection of its own, so that it does not wait for other reads' either.

        Raises:
            ServiceError: the database is down, or did not answer in time.
        """
        with self._translated(), self._standing.look() as connection:
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """A transaction: committed and durable when the block ends, undone when it raises.

        Writers come one after the other, whichever process or machine they are on.

        Raises:
            ServiceError: the database is down, its disk is full, or another process holds it for too long.
        """
        with (
            self._translated(),
            self.engine.connect().execution_options(shelfwise_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Close all connections."""
        self._standing.close()
        self._for_glances.dispose()
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except SQLAlchemyError as cause:
            refused = refusal(cause)
            if refused is None:
                raise
            raise refused from cause
