"""What users say of themselves, sealed on its way into the store and opened on its way out.

Without a key values are written as they are, and values that were written so are read so.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from sqlalchemy import Connection

from shelfwise.errors import DataKeyError
from shelfwise.store import known_keys
from shelfwise.store.data_keys import FILE_KEY, NO_KEYS, VARIABLE, AlteredError, DataKey, DataKeys
from shelfwise.store.sealed_form import MARK, PLAIN, SEALED, as_plain, column_of, sealed

OPTION = "shelfwise_data_keys"
"""Name of the engines' execution option that holds the keys."""

ALTERED = "sealed_value_altered"
"""Code of the error that tells of a value which was changed or moved."""

REFUSED: frozenset[str] = frozenset()
ALTERED_ONLY = frozenset({ALTERED})
UNOPENED = frozenset({ALTERED, DataKeyError.code})
"""Which values are left out instead of refused, by the codes of their errors.

None; those that nobody can open any more; all that cannot be opened here and now.
"""

Seal = Callable[[str, str], str]
"""Takes a text and its place."""


def keys_of(connection: Connection) -> DataKeys:
    """The keys that the store was opened with."""
    return connection.get_execution_options().get(OPTION, NO_KEYS)


def sealer(connection: Connection) -> Seal:
    """Seals texts under the store's newest key, leaves them plain in a store without one; inside a write transaction.

    Whoever asks seals something: the key is noted as one of the store's.

    Raises:
        DataKeyError: the store's newest key is not at hand: neither is anything written under another one that was
            given by mistake, nor in plain. Or those at hand were all let go by the store.
        ConfigError: `shop.toml` names a file of keys that is not there.
    """
    key = sealing_key(connection)
    return as_plain if key is None else lambda text, place: sealed(key, text, place)


def sealing_key(connection: Connection) -> DataKey | None:
    """The key that seals: the first at hand where the store has not seen it yet, else the store's newest.

    So every process seals under the same key from one transaction to the next, in whichever order each has them. One
    that the store has retired seals never again: people throw it away.
    """
    keys, newest = keys_of(connection), None
    for key_id in known_keys.read_all(connection):
        if keys.find(key_id) is not None:
            newest = key_id
            break
        if known_keys.is_in_use(connection, key_id):
            raise not_at_hand([key_id])
        known_keys.retire(connection, [key_id])
    if keys.first is None:
        return None
    seen = known_keys.seen(connection)
    chosen = next_to_seal(keys.ids(), newest, seen)
    if chosen is None:
        raise _retired(keys.ids())
    if chosen not in seen:
        known_keys.add(connection, chosen)
    return keys.find(chosen)


def next_to_seal(at_hand: Sequence[str], newest: str | None, seen: Container[str]) -> str | None:
    """The id of the key that seals next; None where there is none that may.

    Args:
        at_hand: Ids of the keys at hand, in their order.
        newest: That sealed last, at hand or missed; None where nothing is sealed.
        seen: What the store was ever sealed under.
    """
    candidates = at_hand if newest is None else at_hand[:1] if newest in at_hand else ()
    return next((key_id for key_id in candidates if key_id not in seen), newest)


def opened(connection: Connection, written: str, place: str) -> str:
    """The text that stands behind what is written.

    Raises:
        DataKeyError: its key is not at hand, or it was changed, or moved from another place.
    """
    return written if not written.startswith(MARK) else _opened(connection, written, place)


def opened_unless(connection: Connection, written: str, place: str, without: Container[str]) -> str | None:
    """The text that stands behind what is written; None where it cannot be opened for a reason that is put up with.

    Args:
        connection: Reads.
        written: As it stands there.
        place: Where.
        without: The codes of such reasons: `ALTERED_ONLY`, `UNOPENED`, `REFUSED`.

    Raises:
        DataKeyError: it cannot be opened for another one.
    """
    try:
        return opened(connection, written, place)
    except DataKeyError as error:
        if error.code not in without:
            raise
        return None


def _opened(connection: Connection, written: str, place: str) -> str:
    if not written.startswith(SEALED):
        return written.removeprefix(PLAIN)
    key_id, _, body = written[len(SEALED) :].partition(":")
    key = keys_of(connection).find(key_id)
    if key is None:
        # The store notes a key before it seals anything under it: no other one is missing.
        raise not_at_hand([key_id]) if key_id in known_keys.seen(connection) else altered(place)
    try:
        return key.open(body, place)
    except AlteredError as cause:
        raise altered(place) from cause


def altered(place: str) -> DataKeyError:
    """The error that tells of a value which nobody can open, or read, any more."""
    return DataKeyError(
        f"a value of {column_of(place)} was changed or moved after it was sealed",
        where="store.records",
        hint=(
            "`shelfwise encryption status --check` names the rows; ingest these users again, restore a backup, or let "
            "go of it by `shelfwise encryption drop --altered`"
        ),
        code=ALTERED,
    )


def _retired(key_ids: Sequence[str]) -> DataKeyError:
    return DataKeyError(
        f"nothing may be sealed under the data key {', '.join(key_ids)} again: this store has let it go",
        where=f"{VARIABLE} in the environment, or {FILE_KEY}",
        hint="make another with `shelfwise encryption new-key`; older ones go on opening",
        code="data_key_retired",
    )


def not_at_hand(key_ids: Sequence[str], n_values: int | None = None) -> DataKeyError:
    """The error that names missing keys.

    Args:
        key_ids: Of these.
        n_values: How many values stand under them, where it was counted.
    """
    named = f"key {key_ids[0]}, which is" if len(key_ids) == 1 else f"keys {', '.join(key_ids)}, which are"
    what = "values of the store are" if n_values is None else f"{n_values:,} values of the store are"
    return DataKeyError(
        f"{what} sealed under the data {named} not at hand",
        where=f"{VARIABLE} in the environment, or {FILE_KEY}",
        hint=(
            "give that key again, beside newer ones; nothing is lost meanwhile. `shelfwise encryption drop` lets go of "
            "what stands under a key that is lost for good"
        ),
    )
