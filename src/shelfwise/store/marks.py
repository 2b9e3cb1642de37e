"""How far the store has come: who remembers a mark knows whether there is anything new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, func, select

from shelfwise.store.frequent_read import FrequentRead
from shelfwise.store.tables import erasures, events, items, rule_versions, scenario_versions


class Marks(NamedTuple):
    """Numbers that only grow.

    Attributes:
        events: Of the latest event stored.
        items: Of the latest change of an item.
        rules: Version of the rules in force.
        erasures: People who were erased so far.
        scenarios: Version of the latest change of a scenario's settings.
        accounts_erased: Those of the erasures that were of accounts, and not of browsers.
    """

    events: int
    items: int
    rules: int
    erasures: int
    scenarios: int
    accounts_erased: int = 0

    def as_document(self) -> dict[str, int]:
        """As plain JSON."""
        return self._asdict()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """What `as_document` wrote; what an older release did not count had not begun."""
        return cls(*(int(document.get(name, 0)) for name in cls._fields))


_erased = (
    select(func.count().label("n"), func.count().filter(erasures.c.of_account).label("accounts"))
    .select_from(erasures)
    .subquery()
)
"""Both by one look."""

_marks = FrequentRead(
    select(
        select(func.max(events.c.seq)).scalar_subquery(),
        select(func.max(items.c.changed_seq)).scalar_subquery(),
        select(func.max(rule_versions.c.version)).scalar_subquery(),
        _erased.c.n,
        select(func.max(scenario_versions.c.version)).scalar_subquery(),
        _erased.c.accounts,
    )
)


def marks(connection: Connection) -> Marks:
    """Where the store is now.

    Cost:
        One look at the ends of four indexes, and at a table of a few lines.
    """
    (found,) = _marks.rows(connection)
    return Marks(*(int(one or 0) for one in found))
