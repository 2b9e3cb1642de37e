"""What stands on the shelves of a shop, counted once for each state of the catalogue."""

from __future__ import annotations

import asyncio
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from shelfwise.pipeline.named_groups import UNNAMED
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.items import PATH_SEPARATOR, category_path
from shelfwise.serve.answers import Json

MAX_VALUES = 60
"""Values of an attribute that a shelf tells of, the most frequent ones."""

MAX_KEPT = 128
"""Shelves that are remembered; the one that was not asked for the longest is forgotten."""

DEPTH = 2
"""Levels below a shelf that are told."""

Path = tuple[str, ...]


class Shelf(BaseModel):
    """A category, or the whole shop."""

    category: str | None = Field(description="Its path; null for the whole shop.")
    n_items: int = Field(description="That may be shown.")
    below: list[Shelf] = Field(description="One level below, the largest first; their own `below` two levels deep.")


class Value(BaseModel):
    """A value of an attribute."""

    value: str
    n_items: int


class ShelvesAnswer(BaseModel):
    """A shelf with what stands below it, and what it can be narrowed by."""

    shelf: Shelf
    attributes: dict[str, list[Value]] = Field(
        description="Of those that `[storefront] attributes` names: the values on this shelf, the most frequent first."
    )


class _Kept(NamedTuple):
    n_changes: int
    body: bytes


class ShelfCounts:
    """Answers as they are sent; made by a thread, one at a time: strangers may ask as often as they like.

    Args:
        shown: Attributes that pages may read.
    """

    def __init__(self, shown: Iterable[str]) -> None:
        self._shown = tuple(shown)
        self._kept: OrderedDict[Path, _Kept] = OrderedDict()
        self._of: weakref.ref[Recommender] | None = None
        self._counting = asyncio.Lock()

    async def body(self, recommender: Recommender, category: str | None) -> bytes:
        """A `ShelvesAnswer` as JSON: of the shelf at a category path, or of the whole shop.

        Cost:
            A look-up where nothing changed; a few passes over arrays of the catalogue's length where something did.
        """
        path = category_path(category)
        found = self._found(recommender, path)
        if found is not None:
            return found
        async with self._counting:
            found = self._found(recommender, path)  # somebody before us asked for the same
            if found is not None:
                return found
            # The number first: what changes meanwhile is then counted again rather than never.
            n_changes = recommender.live.n_changes
            answer = await asyncio.to_thread(shelves, recommender, path, self._shown)
            body = Json(answer).body
            if answer.shelf.n_items:  # strangers' inventions must not push out what stands there
                self._keep(recommender, path, _Kept(n_changes, bytes(body)))
            return bytes(body)

    def _found(self, recommender: Recommender, path: Path) -> bytes | None:
        kept = self._kept.get(path)
        if kept is None or kept.n_changes != recommender.live.n_changes or not self._is_of(recommender):
            return None
        self._kept.move_to_end(path)
        return kept.body

    def _keep(self, recommender: Recommender, path: Path, made: _Kept) -> None:
        if not self._is_of(recommender):  # changes are counted anew
            self._kept.clear()
            self._of = weakref.ref(recommender)
        self._kept[path] = made
        self._kept.move_to_end(path)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def _is_of(self, recommender: Recommender) -> bool:
        return self._of is not None and self._of() is recommender


def shelves(recommender: Recommender, path: Path, shown: Iterable[str]) -> ShelvesAnswer:
    """The shelf at a path with those below it, and the values of some attributes there.

    Args:
        recommender: Knows the catalogue.
        path: Of the shelf; empty for the whole shop.
        shown: Names of the attributes.
    """
    known = recommender.catalogue
    allowed = known.allowed.copy()
    codes = known.kinds.codes[: len(allowed)].copy()
    kinds = known.kinds.names[:]  # last: every number has its name by then
    # One look at each kind, and none at items: there are far fewer of those. The last place is that of UNNAMED.
    is_here = np.array([*(kind[: len(path)] == path for kind in kinds), not path], bool)
    among = allowed & is_here[codes]
    here = codes[among]
    n_items: Counter[Path] = Counter({path: len(here)})
    n_by_kind = np.bincount(here[here != UNNAMED])
    for kind in np.flatnonzero(n_by_kind).tolist():
        for shelf in _above(kinds[kind], len(path)):
            n_items[shelf] += int(n_by_kind[kind])
    below: dict[Path, list[Path]] = {}
    for one, _ in n_items.most_common():
        if len(one) > len(path):
            below.setdefault(one[:-1], []).append(one)

    def shelf_at(one: Path) -> Shelf:
        return Shelf(
            category=f" {PATH_SEPARATOR} ".join(one) or None,
            n_items=n_items[one],
            below=[shelf_at(child) for child in below.get(one, [])],
        )

    values: dict[str, list[Value]] = {name: [] for name in shown}
    if values and len(here):
        columns = recommender.rules.columns
        for name, found in values.items():
            counted = columns.counts(name, among)[:MAX_VALUES]
            found.extend(Value(value=str(value), n_items=n) for value, n in counted)
    return ShelvesAnswer(shelf=shelf_at(path), attributes=values)


def _above(kind: Path, depth: int) -> Iterator[Path]:
    """The shelves below a depth on which items of a kind stand, as far as they are told."""
    for length in range(depth + 1, min(len(kind), depth + DEPTH) + 1):
        yield kind[:length]
