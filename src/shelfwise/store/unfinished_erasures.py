"""What files still hold of people whose records are erased: written down with the erasure, gone when it is done.

A process that is killed between the two leaves its note, and whoever finds it goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from shelfwise.store.bulk import LOOKUP_CHUNK
from shelfwise.store.tables import erasures, unfinished_erasures

HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What is to be looked for.

    Attributes:
        receipt: Of the erasure.
        user_row: The person's, in which nobody's name stands any more; None where there was none.
        profile_hashes: Of the texts that the person's profile was written as.
        of_account: Whether the person may ever have said anything of himself; a browser never did.
    """

    receipt: str
    user_row: int | None
    profile_hashes: tuple[bytes, ...]
    of_account: bool = True


def note(connection: Connection, todo: Unfinished) -> None:
    """Write down what is still to be done; in the transaction that erases the records."""
    values = {
        "receipt": todo.receipt,
        "user_row": todo.user_row,
        "profile_hashes": b"".join(todo.profile_hashes),
    }
    connection.execute(insert(unfinished_erasures).values(**values))


def read_all(connection: Connection, before_ms: int | None = None) -> list[Unfinished]:
    """Everything that is still to be done, or is being done by somebody, in the order of receipts.

    Args:
        connection: Reads.
        before_ms: Only what was begun before this moment; everything where omitted.

    Cost:
        One look at a table that is nearly always empty.
    """
    query = (
        select(unfinished_erasures, erasures.c.of_account)
        .outerjoin(erasures, erasures.c.receipt == unfinished_erasures.c.receipt)
        .order_by(unfinished_erasures.c.receipt)
    )
    if before_ms is not None:
        query = query.where(erasures.c.at_ms < before_ms)
    return [
        Unfinished(row.receipt, row.user_row, _apart(bytes(row.profile_hashes)), row.of_account is not False)
        for row in connection.execute(query)
    ]


def done(connection: Connection, receipts: Sequence[str]) -> None:
    """Forget these; inside a write transaction."""
    for start in range(0, len(receipts), LOOKUP_CHUNK):
        chunk = receipts[start : start + LOOKUP_CHUNK]
        connection.execute(delete(unfinished_erasures).where(unfinished_erasures.c.receipt.in_(chunk)))


def hashes_of(todo: Iterable[Unfinished]) -> list[bytes]:
    """The distinct hashes of all of these."""
    return sorted({one_hash for one in todo for one_hash in one.profile_hashes})


def rows_of(todo: Iterable[Unfinished]) -> list[int]:
    """The distinct rows of all of these."""
    return sorted({one.user_row for one in todo if one.user_row is not None})


def _apart(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[start : start + HASH_BYTES] for start in range(0, len(joined), HASH_BYTES))
