"""What users say of themselves, sealed on its way into the store and opened on its way out.

Without a key values are written as they are, and values that were written so are read so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from shelfwise.errors import DataKeyError
from shelfwise.store import known_keys
from shelfwise.store.data_keys import FILE_KEY, NO_KEYS, VARIABLE, AlteredError, DataKey, DataKeys
from shelfwise.store.sealed_form import MARK, PLAIN, SEALED, as_plain, column_of, sealed

OPTION = "shelfwise_data_keys"
"""Name of the engines' execution option that holds the keys."""

ALTERED = "sealed_value_altered"
"""Code of the error that tells of a value which was changed or moved."""

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
            given by mistake, nor in plain.
        ConfigError: `shop.toml` names a file of keys that is not there.
    """
    key = sealing_key(connection)
    return as_plain if key is None else lambda text, place: sealed(key, text, place)


def sealing_key(connection: Connection) -> DataKey | None:
    """The key that seals: the first at hand where the store has not seen it yet, else the store's newest.

    So every process seals under the same key from one transaction to the next, in whichever order each has them.
    """
    keys = keys_of(connection)
    for newest in (known := known_keys.read_all(connection)):
        if keys.find(newest) is not None:
            break
        if known_keys.is_in_use(connection, newest):
            raise not_at_hand([newest])
        known_keys.forget(connection, [newest])
    else:
        newest = None
    first = keys.first
    if first is not None and first.key_id not in known:
        known_keys.add(connection, first.key_id)
        return first
    return None if newest is None else keys.find(newest)


def opened(connection: Connection, written: str, place: str) -> str:
    """The text that stands behind what is written.

    Raises:
        DataKeyError: its key is not at hand, or it was changed, or moved from another place.
    """
    return written if not written.startswith(MARK) else _opened(keys_of(connection), written, place)


def _opened(keys: DataKeys, written: str, place: str) -> str:
    if not written.startswith(SEALED):
        return written.removeprefix(PLAIN)
    key_id, _, body = written[len(SEALED) :].partition(":")
    key = keys.find(key_id)
    if key is None:
        raise not_at_hand([key_id])
    try:
        return key.open(body, place)
    except AlteredError as cause:
        raise DataKeyError(
            f"a value of {column_of(place)} was changed or moved after it was sealed",
            where="store.records",
            hint="`shelfwise encryption status --check` names the rows; ingest these users again, or restore a backup",
            code=ALTERED,
        ) from cause


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
