"""What the contracts of the records store run on."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.event_keys import event_key
from shelfwise.store.event_log import EventRow
from shelfwise.store.records import Records

PURCHASE, VIEW, RETURN, SEARCH, IMPRESSION = (
    CODE_BY_KIND[kind]
    for kind in (EventKind.PURCHASE, EventKind.VIEW, EventKind.RETURN, EventKind.SEARCH, EventKind.IMPRESSION)
)


def an_event(name: str, user: str = "u", item: str | None = "i0", *, kind: int = PURCHASE, at: int = 0) -> EventRow:
    """An event whose name alone tells it from others."""
    return EventRow(event_key(name, ()), user, item, kind, at)


class StoreContract(ABC):
    """A database of each test's own."""

    @abstractmethod
    def database(self) -> AbstractContextManager[str]:
        """The URL of a new database, which is gone when the block ends; SQLite's lies in the folder of the test."""

    @pytest.fixture
    def url(self) -> Iterator[str]:
        """Of a database that holds nothing yet."""
        with self.database() as found:
            yield found

    @pytest.fixture
    def records(self, url: str, tmp_path: Path) -> Iterator[Records]:
        """An empty store."""
        opened = Records.open(url, tmp_path)
        yield opened
        opened.close()


def process(script: str, *arguments: object) -> Popen[str]:
    """Another process that runs a script; what it prints can be read line by line."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return Popen(command, stdout=PIPE, stdin=PIPE, text=True)


def line_of(process: Popen[Any]) -> str:
    """The next line that a process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go_on(process: Popen[Any]) -> None:
    """Let a process go on that waits for a line."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
