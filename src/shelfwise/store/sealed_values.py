"""All values that are sealed, or should be: how many stand under which key; brought under another in small steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Update,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    true,
    update,
)

from shelfwise.errors import DataKeyError
from shelfwise.store import known_keys
from shelfwise.store.data_keys import DataKey
from shelfwise.store.people import NO_ATTRIBUTES
from shelfwise.store.sealed_form import (
    as_plain,
    attributes_place,
    is_sealed,
    is_under,
    key_in,
    quarantine_place,
    sealed,
)
from shelfwise.store.sealing import ALTERED, ALTERED_ONLY, keys_of, not_at_hand, opened, opened_unless
from shelfwise.store.sources import USERS
from shelfwise.store.tables import quarantine, sources, users

BATCH = 500
"""Rows in one transaction: others wait for some ten milliseconds."""

IN_PLAIN = ""
"""Stands for a key's id where there is none."""

LOST, SPOILT = "its data key was lost", "it was altered since it was sealed"
"""Why values were let go."""

ROWS_NAMED = 20
"""Rows with an altered value that are named; of more it is told how many they are."""


@dataclass(slots=True)
class Altered:
    """Values that were changed or moved after they were sealed.

    Attributes:
        n: How many rows hold one.
        rows: The first of them, as the store numbers them.
    """

    n: int = 0
    rows: list[str] = field(default_factory=list[str])

    def note(self, row: str) -> None:
        """One more."""
        self.n += 1
        if len(self.rows) < ROWS_NAMED:
            self.rows.append(row)


class Step(NamedTuple):
    """What one transaction did.

    Attributes:
        after: Where the next one goes on; None when all is done.
        n: Rows that were brought under the key.
    """

    after: tuple[int, ...] | None
    n: int


@dataclass(frozen=True, slots=True)
class _Kind:
    """One table with values that are sealed.

    Attributes:
        label: Of a row, for people.
        key: Orders its rows and names one.
        values: Columns whose values are sealed, each with how its place follows from a row.
        whose: Further columns that their places follow from.
        where: Which rows have such values.
        emptied: What stands there once they are let go, and why that was done.
    """

    label: str
    key: tuple[Any, ...]
    values: dict[Any, Callable[[Any], str]]
    whose: tuple[Any, ...]
    where: ColumnElement[bool]
    emptied: Callable[[str], dict[Any, str]]

    @property
    def leading(self) -> Any:
        """The column by which rows are counted: all of a row's values stand under one key."""
        return next(iter(self.values))

    def rows(self, unless: ColumnElement[bool], after: tuple[int, ...] | None) -> Select[Any]:
        """Rows whose values are not there yet, in their order."""
        query: Any = select(*(*self.key, *self.whose, *self.values))
        query = query.where(self.where, ~unless).order_by(*self.key)
        return query if after is None else query.where(_behind(self.key, after))

    def changed(self) -> Update:
        """Replaces one row's values."""
        named = [column == bindparam(f"at_{column.name}") for column in self.key]
        return (
            update(self.leading.table).where(*named).values({one: bindparam(f"new_{one.name}") for one in self.values})
        )


_OF_USERS = quarantine.c.source.in_(select(sources.c.source).where(sources.c.table == USERS))

KINDS = (
    _Kind(
        "users row",
        (users.c.row,),
        {users.c.attributes: lambda row: attributes_place(row.user_id)},
        (users.c.user_id,),
        users.c.attributes != NO_ATTRIBUTES,
        lambda _why: {users.c.attributes: NO_ATTRIBUTES},
    ),
    _Kind(
        "quarantine line",
        (quarantine.c.source, quarantine.c.line),
        {
            quarantine.c.raw: lambda row: quarantine_place("raw", row.source, row.line),
            quarantine.c.message: lambda row: quarantine_place("message", row.source, row.line),
        },
        (),
        and_(quarantine.c.raw != "", or_(is_sealed(quarantine.c.raw), _OF_USERS)),
        lambda why: {quarantine.c.raw: "", quarantine.c.message: why},
    ),
)
"""Every table with values that are sealed."""


class AlteredRow(NamedTuple):
    """Where a value stands that was changed or moved since it was sealed."""

    kind: _Kind
    key: tuple[int, ...]


def counts(connection: Connection) -> Counter[str]:
    """How many rows' values stand under each key, by its id; `IN_PLAIN`: under none.

    Cost:
        Looks through users and the quarantine.
    """
    found: Counter[str] = Counter()
    for kind in KINDS:
        key = case((is_sealed(kind.leading), key_in(kind.leading)), else_=literal(IN_PLAIN)).label("key")
        inner = select(key).where(kind.where).subquery()
        for key_id, n in connection.execute(select(inner.c.key, func.count()).group_by(inner.c.key)):
            found[key_id] += int(n)
    return found


def missing(connection: Connection) -> dict[str, int]:
    """Values by key, of keys that are not at hand.

    Cost:
        One look at a small table where all are.
    """
    keys = keys_of(connection)
    absent = [key_id for key_id in known_keys.read_all(connection) if keys.find(key_id) is None]
    if not absent:
        return {}
    found = counts(connection)
    return {key_id: found[key_id] for key_id in absent if found[key_id]}


def require_keys(connection: Connection) -> None:
    """See to it that everything in the store can be opened.

    Raises:
        DataKeyError: keys are not at hand; which ones, and how much stands under them.
        ConfigError: `shop.toml` names a file of keys that is not there.
    """
    absent = missing(connection)
    if absent:
        raise not_at_hand(list(absent), sum(absent.values()))
    _ = keys_of(connection).first  # says so where its file is not there


def step(
    connection: Connection, kind: _Kind, key: DataKey | None, after: tuple[int, ...] | None, altered: Altered
) -> Step:
    """Bring the next rows of a table under a key; inside a write transaction.

    Args:
        connection: Writes.
        kind: One of `KINDS`.
        key: None: in plain.
        after: From the step before; None: from the first row on.
        altered: Told of rows that cannot be opened; they stay as they are.

    Raises:
        DataKeyError: a key is not at hand.
    """
    there = is_under(kind.leading, key.key_id) if key is not None else ~is_sealed(kind.leading)
    found = connection.execute(kind.rows(there, after).limit(BATCH)).all()
    changes: list[dict[str, Any]] = []
    for row in found:
        try:
            changes.append(_changed(connection, kind, key, row))
        except DataKeyError as error:
            if error.code != ALTERED:
                raise
            altered.note(_name(kind, row))
    if changes:
        connection.execute(kind.changed(), changes)
    return Step(None if len(found) < BATCH else _key(kind, found[-1]), len(changes))


def check(connection: Connection) -> Altered:
    """Open everything that is sealed; what was changed or moved.

    Raises:
        DataKeyError: a key is not at hand.
    """
    altered = Altered()
    for kind, row in _sealed_rows(connection):
        if _is_altered(connection, kind, row):
            altered.note(_name(kind, row))
    return altered


def altered_rows(connection: Connection) -> list[AlteredRow]:
    """Where values stand that were changed or moved since they were sealed, all of them.

    Raises:
        DataKeyError: a key is not at hand.
    """
    found = _sealed_rows(connection)
    return [AlteredRow(kind, _key(kind, row)) for kind, row in found if _is_altered(connection, kind, row)]


def drop_altered(connection: Connection, rows: Sequence[AlteredRow]) -> int:
    """Empty those of these rows that still cannot be opened; inside a write transaction; how many they were.

    Raises:
        DataKeyError: a key is not at hand.
    """
    n = 0
    for kind, key in rows:
        at = and_(*(column == value for column, value in zip(kind.key, key, strict=True)))
        row = connection.execute(kind.rows(~is_sealed(kind.leading), None).where(at)).first()
        if row is not None and _is_altered(connection, kind, row):  # else somebody sent it again meanwhile
            emptied = update(kind.leading.table).where(at).values(kind.emptied(SPOILT))
            n += connection.execute(emptied).rowcount
    return n


def _is_altered(connection: Connection, kind: _Kind, row: Any) -> bool:
    places = kind.values.items()
    return any(
        opened_unless(connection, row._mapping[column], place(row), ALTERED_ONLY) is None for column, place in places
    )


def drop(connection: Connection, key_id: str) -> int:
    """Empty what stands under a key that is lost; inside a write transaction; how many rows that were."""
    n = 0
    for kind in KINDS:
        emptied = update(kind.leading.table).where(is_under(kind.leading, key_id)).values(kind.emptied(LOST))
        n += connection.execute(emptied).rowcount
    known_keys.retire(connection, [key_id])
    return n


def _sealed_rows(connection: Connection) -> Iterator[tuple[_Kind, Any]]:
    for kind in KINDS:
        query = kind.rows(~true(), None).where(is_sealed(kind.leading))
        for row in connection.execute(query, execution_options={"yield_per": 10_000}):
            yield kind, row


def _changed(connection: Connection, kind: _Kind, key: DataKey | None, row: Any) -> dict[str, Any]:
    change: dict[str, Any] = {f"at_{column.name}": row._mapping[column] for column in kind.key}
    for column, place in kind.values.items():
        text = opened(connection, row._mapping[column], place(row))
        change[f"new_{column.name}"] = as_plain(text) if key is None else sealed(key, text, place(row))
    return change


def _key(kind: _Kind, row: Any) -> tuple[int, ...]:
    return tuple(int(row._mapping[column]) for column in kind.key)


def _name(kind: _Kind, row: Any) -> str:
    return f"{kind.label} {':'.join(map(str, _key(kind, row)))}"


def _behind(columns: tuple[Any, ...], after: tuple[int, ...]) -> ColumnElement[bool]:
    first, value = columns[0], after[0]
    if len(columns) == 1:
        return first > value
    return or_(first > value, and_(first == value, _behind(columns[1:], after[1:])))
