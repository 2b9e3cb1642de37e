"""The catalogue by its words: an index in memory, or in a folder that one process writes to."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tantivy
from tantivy import Filter, Occur, Query, TextAnalyzerBuilder, Tokenizer

from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.schemas.items import Item
from shelfwise.search.index_folder import OwnFolder
from shelfwise.store.catalogue import StoredItem

WEIGHT_BY_FIELD = {"title": 4.0, "brand": 2.5, "category": 2.0, "attributes": 1.2, "description": 1.0}
"""What a word is worth where it stands."""

OPEN = "open_attributes"
"""The attributes that pages may read, once more: whoever reads no others must not find items by them either."""

WEIGHT_BY_OPEN_FIELD = {OPEN if name == "attributes" else name: worth for name, worth in WEIGHT_BY_FIELD.items()}
"""The same of words that came from a page."""

ALSO = 0.1
"""Share of a word's worth in its other fields that is added to the best one's."""

ONE_SLIP_CHARS, TWO_SLIPS_CHARS = 4, 8
"""Length from which a word is found with one letter or two in the wrong place."""

SLIP_WEIGHT, START_WEIGHT = 0.25, 0.5
"""What a word with a slip, or one that only begins like the last one asked for, is worth of an exact one."""

MAX_WORDS = 16
MAX_WORD_CHARS = 40
ROW, ANALYZER = "row", "words"

HEAP_BYTES = 64_000_000
"""For documents on their way into the index."""

FIRST_HITS, MORE_HITS = 200, 20
"""Hits asked for at first, and by what factor more where filters leave too few."""


class Hits(NamedTuple):
    """What was found, best first.

    Attributes:
        rows: Shape `(n,)`.
        scores: BM25 by field, weighted; shape `(n,)`.
        is_all: Whether there are no more.
    """

    rows: Rows
    scores: Floats
    is_all: bool


class FullText:
    """Finds items by words: with slips, and the last word unfinished.

    May be asked and changed from several threads.

    Args:
        open_attributes: Names of the attributes by whose words pages find items.
        folder: Where it is, or is made where the folder is empty; None: in memory. One of the process's own is taken
            away when the index is closed.

    Raises:
        OSError, ValueError: the folder cannot be written to, or what is in it is no index.
    """

    def __init__(self, open_attributes: Iterable[str] = (), folder: Path | OwnFolder | None = None) -> None:
        self._open_attributes = frozenset(open_attributes)
        self._analyzer = (
            TextAnalyzerBuilder(Tokenizer.simple())
            .filter(Filter.remove_long(MAX_WORD_CHARS))
            .filter(Filter.lowercase())
            .filter(Filter.ascii_fold())
            .build()
        )
        builder = tantivy.SchemaBuilder()
        builder.add_integer_field(ROW, indexed=True, fast=True)
        for field in (*WEIGHT_BY_FIELD, OPEN):
            builder.add_text_field(field, tokenizer_name=ANALYZER)
        self._schema = builder.build()
        self._own = folder if isinstance(folder, OwnFolder) else None
        path = folder.path if isinstance(folder, OwnFolder) else folder
        self._index = tantivy.Index(self._schema) if path is None else tantivy.Index(self._schema, path=str(path))
        self._index.config_reader("manual")  # we know when something changed: nobody has to watch the files
        self._index.register_tokenizer(ANALYZER, self._analyzer)
        self._writer = self._index.writer(HEAP_BYTES, 1)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Write no more: what is being merged is waited for. What was committed is found as before."""
        with self._lock:
            self._writer.wait_merging_threads()
        if self._own is not None:
            self._own.close()

    def put(self, entries: Iterable[StoredItem]) -> None:
        """Add items, or replace them; found when this returns. Deleted ones are taken out.

        Cost:
            Some 30 ms in memory, and 30 µs an item.
        """
        with self._lock:
            for entry in entries:
                self._writer.delete_documents_by_term(ROW, entry.row)
                if not entry.deleted:
                    self._writer.add_document(_document(entry.row, entry.item, self._open_attributes))
            self._writer.commit()
            self._index.reload()

    def add(self, entries: Iterable[StoredItem]) -> None:
        """Items of an index that has none of them yet; found after `commit`."""
        with self._lock:
            for entry in entries:
                if not entry.deleted:
                    self._writer.add_document(_document(entry.row, entry.item, self._open_attributes))

    def commit(self) -> None:
        """Let be found what was added."""
        with self._lock:
            self._writer.commit()
            self._index.reload()

    def find(self, text: str, allowed: Bools, k: int, *, for_page: bool = False) -> Hits:
        """Items that have all of the words; where there are none, those that have some.

        Args:
            text: As it was typed.
            allowed: Which items may be shown; shape `(n,)`.
            k: Items at most.
            for_page: Whether words count only where a page may read them.

        Cost:
            About a millisecond a word at 100,000 items.
        """
        words = list(dict.fromkeys(self._analyzer.analyze(text)))[:MAX_WORDS]
        if not words or k < 1:
            return Hits(np.empty(0, np.int32), np.empty(0, np.float32), True)
        fields = WEIGHT_BY_OPEN_FIELD if for_page else WEIGHT_BY_FIELD
        parts = [self._of_word(word, fields, is_last=place == len(words) - 1) for place, word in enumerate(words)]
        found = self._first(Query.boolean_query([(Occur.Must, part) for part in parts]), allowed, k)
        if len(found.rows) or len(words) == 1:
            return found
        return self._first(Query.boolean_query([(Occur.Should, part) for part in parts]), allowed, k)

    def has(self, text: str, allowed: Bools) -> tuple[bool, bool]:
        """Whether any item has all of the words, and whether any has some; see `find`."""
        words = list(dict.fromkeys(self._analyzer.analyze(text)))[:MAX_WORDS]
        parts = [
            self._of_word(word, WEIGHT_BY_FIELD, is_last=place == len(words) - 1) for place, word in enumerate(words)
        ]
        has_all, has_some = (
            bool(parts) and len(self._first(Query.boolean_query([(how, part) for part in parts]), allowed, 1).rows) > 0
            for how in (Occur.Must, Occur.Should)
        )
        return has_all, has_some

    def _first(self, query: Any, allowed: Bools, k: int) -> Hits:
        searcher = self._index.searcher()
        limit = max(FIRST_HITS, 2 * k)
        while True:
            hits = searcher.search(query, limit=limit, count=False).hits
            addresses = [address for _, address in hits]
            rows = np.array(searcher.fast_field_values(ROW, addresses) if addresses else [], np.int32)
            scores = np.array([score for score, _ in hits], np.float32)
            # An item that was stored a moment ago may be indexed before it is taken up.
            may_show = (rows < len(allowed)) & allowed[np.minimum(rows, len(allowed) - 1)]
            rows, scores = rows[may_show], scores[may_show]
            is_all = len(hits) < limit
            if is_all or len(rows) > k:
                order = np.lexsort((rows, -scores))[:k]
                return Hits(rows[order], scores[order], is_all and len(rows) <= k)
            limit *= MORE_HITS

    def _of_word(self, word: str, weight_by_field: Mapping[str, float], *, is_last: bool) -> Any:
        n_slips = (len(word) >= ONE_SLIP_CHARS) + (len(word) >= TWO_SLIPS_CHARS)
        found: list[Any] = []
        for field, weight in weight_by_field.items():
            ways: list[tuple[Any, float]] = [(Query.term_query(self._schema, field, word), 1.0)]
            if n_slips:
                slips = Query.fuzzy_term_query(self._schema, field, word, distance=n_slips)
                ways.append((Query.const_score_query(slips, 1.0), SLIP_WEIGHT))
            if is_last and len(word) > 1:
                begins = Query.fuzzy_term_query(self._schema, field, word, distance=0, prefix=True)
                ways.append((Query.const_score_query(begins, 1.0), START_WEIGHT))
            found.extend(Query.boost_query(way, weight * worth) for way, worth in ways)
        return Query.disjunction_max_query(found, ALSO)


def _document(row: int, item: Item, open_attributes: Set[str]) -> Any:
    texts: dict[str, str | None] = {
        "title": item.title,
        "brand": item.brand,
        "category": item.category,
        "attributes": _joined(list(item.attributes.values())),
        OPEN: _joined([value for name, value in item.attributes.items() if name in open_attributes]),
        "description": item.description,
    }
    made = tantivy.Document()
    made.add_integer(ROW, row)
    for field, text in texts.items():
        if text:
            made.add_text(field, text)
    return made


def _joined(values: Sequence[str]) -> str:
    return " . ".join(values)
