"""The full-text index of a whole catalogue: from disk with what changed since, or made anew."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata

import numpy as np

from shelfwise.search import full_text
from shelfwise.search.full_text import FullText
from shelfwise.search.index_folder import NUMBERS_FILE, Base, ChangeNumbers, IndexFolder, OwnFolder
from shelfwise.store import catalogue, server_secrets
from shelfwise.store.catalogue import ChangedItem
from shelfwise.store.records import Records

ON_DISK_FROM = 20_000
"""Items from which the index is kept on disk; fewer are indexed in memory within a second."""

FORMAT = 1
"""Raised whenever what is written into an index changes."""

CHUNK = 2_000
"""Items indexed between two breaths: other threads get their turn."""

CHANGED_AT_LEAST, CHANGED_SHARE = 1_000, 0.05
"""Up to so many changed items are indexed by each process for itself; after more, the catalogue is indexed anew."""

log = logging.getLogger("shelfwise.search")


class CatalogueIndex:
    """Makes the index of a shop's catalogue.

    Args:
        records: The shop's.
        open_attributes: Names of those by whose words pages find items.
        is_closing: Asked now and then; once it says yes, what was begun is left.
    """

    def __init__(self, records: Records, open_attributes: Sequence[str], is_closing: Callable[[], bool]) -> None:
        self._records, self._open_attributes, self._is_closing = records, open_attributes, is_closing

    def opened(self) -> FullText | None:
        """The catalogue as it is now; None where it was left.

        One of many items is made by whichever process of a machine comes first, while the others wait for it. Where
        the shop's folder cannot hold it, each has its own in memory.

        Raises:
            ServiceError: the store cannot be read.

        Cost:
            A second for a million items that are on disk already; 20 s of a processor where they are not.
        """
        with self._records.read() as connection:
            n_items = catalogue.count(connection)
        if n_items >= ON_DISK_FROM:
            try:
                return self._from_disk()
            except (OSError, ValueError) as error:  # the second is how tantivy says that it cannot write
                log.warning("the index of the catalogue is kept in memory: %s", error)
        made = FullText(self._open_attributes)
        return made if self._fill(made) is not None else None

    def _from_disk(self) -> FullText | None:
        folder = IndexFolder(self._records.folder, self._form())
        with folder.alone(self._is_closing) as is_our_turn:
            if not is_our_turn:
                return None
            base = folder.base()
            changed = None if base is None else self._changed_since(base)
            if base is None or changed is None:
                try:
                    base = self._made(folder)
                except _LeftError:
                    return None
                changed = []
            folder.clear_away(base)
            own = folder.own(base)
        try:
            return self._own(own, base, changed)
        except ValueError:
            own.close()
            with folder.alone(self._is_closing):
                folder.clear_away(None)  # what cannot be opened is of no use to others either
            raise
        except BaseException:
            own.close()
            raise

    def _own(self, own: OwnFolder, base: Base, changed: list[int]) -> FullText:
        made = FullText(self._open_attributes, own)
        for start in range(0, len(changed), CHUNK):
            with self._records.read() as connection:
                made.put(catalogue.read_rows(connection, changed[start : start + CHUNK]))
        log.info("the index of %d items is taken from disk, %d are new or changed", len(base.numbers), len(changed))
        return made

    def _made(self, folder: IndexFolder) -> Base:
        folder.clear_away(None)  # first: there may not be room for two
        with folder.new_base() as scratch:
            made = FullText(self._open_attributes, scratch)
            numbers = self._fill(made)
            made.close()
            if numbers is None:
                raise _LeftError
            np.save(scratch / NUMBERS_FILE, numbers)
        made_base = folder.base()
        if made_base is None:
            raise OSError("the index that was just written is not there")
        return made_base

    def _fill(self, made: FullText) -> ChangeNumbers | None:
        """Index everything; None where it was left."""
        numbers: list[np.ndarray] = []
        chunk: list[ChangedItem] = []
        with self._records.read() as connection:
            for one in catalogue.from_row(connection, 0):
                chunk.append(one)
                if len(chunk) == CHUNK:
                    if self._is_closing():
                        return None
                    numbers.append(_added(made, chunk))
                    chunk = []
        numbers.append(_added(made, chunk))
        made.commit()
        rows, found = np.concatenate(numbers, axis=1)
        by_row = np.zeros(int(rows.max(initial=-1)) + 1, np.int64)
        by_row[rows] = found
        return by_row

    def _changed_since(self, base: Base) -> list[int] | None:
        """Rows of the items that are not as the base knows them; None where they are too many."""
        with self._records.read() as connection:
            rows, numbers = catalogue.change_numbers(connection)
        if len(rows) and len(base.numbers) > int(rows.max()) + 1:
            return None  # a store from before the index was made
        if int(base.numbers.max(initial=0)) > int(numbers.max(initial=0)):
            return None  # the same, put back: it will give the numbers that the base knows to other changes
        known = np.zeros(max(len(base.numbers), int(rows.max(initial=-1)) + 1), np.int64)
        known[: len(base.numbers)] = base.numbers
        changed = rows[known[rows] != numbers]
        return changed.tolist() if len(changed) <= max(CHANGED_AT_LEAST, CHANGED_SHARE * len(rows)) else None

    def _form(self) -> str:
        """Names the store, and how its items are indexed."""
        with self._records.read() as connection:
            store = server_secrets.find(connection, server_secrets.INDEXED_STORE)
        if store is None:
            with self._records.write() as connection:
                store = server_secrets.find_or_make(connection, server_secrets.INDEXED_STORE)
        library, read = metadata.version("tantivy"), sorted(self._open_attributes)
        how = [FORMAT, library, full_text.MAX_WORD_CHARS, read, store.hex()]
        return hashlib.sha256(json.dumps(how).encode()).hexdigest()[:16]


class _LeftError(Exception):
    """The server closes."""


def _added(made: FullText, chunk: Iterable[ChangedItem]) -> np.ndarray:
    chunk = list(chunk)
    made.add(one.entry for one in chunk)
    return np.array([[one.entry.row for one in chunk], [one.changed_seq for one in chunk]], np.int64).reshape(2, -1)
