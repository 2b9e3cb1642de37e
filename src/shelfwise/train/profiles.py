"""What users say of themselves, read from the store."""

from __future__ import annotations

from collections.abc import Sequence

from shelfwise.config.shop import ShopConfig
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.passage import content_hash, passage
from shelfwise.encode.profile import speaking_attributes
from shelfwise.encode.profile_vectors import PART, ProfileTexts
from shelfwise.schemas.items import Item
from shelfwise.store import people
from shelfwise.store.records import Records
from shelfwise.store.vectors import VectorCache


def read_profiles(
    config: ShopConfig, records: Records, encoder: TextEncoder, attributes: tuple[str, ...] | None = None
) -> ProfileTexts | None:
    """Every user's profile; None where nobody has one, or the shop does not want them read.

    Args:
        config: The shop's.
        records: Users and their attributes.
        encoder: That is to read them.
        attributes: Names of those that are read, as an earlier model did, for a training that goes on from it; empty:
            it read none. None leaves the choice to the shop's settings and values.
    """
    if not may_read(config, encoder) or attributes == ():
        return None
    with records.read() as connection:
        attributes_by_row = people.read_attributes(connection)
        n_users = people.count(connection) if attributes_by_row else 0
    if not attributes_by_row:
        return None
    speaking = attributes or tuple(config.encode.users.attributes)
    return ProfileTexts.of(attributes_by_row, speaking or speaking_attributes(attributes_by_row.values()), n_users)


def set_profiles_apart(cache: VectorCache, items: Sequence[Item]) -> None:
    """See that an encoder's cache holds vectors of items only, before the first profiles come into their own part.

    An earlier release kept both together, also what people had said before they said something else.
    """
    if not cache.part(PART).is_begun:
        cache.keep_only(content_hash(passage(item)) for item in items)


def may_read(config: ShopConfig, encoder: TextEncoder) -> bool:
    """Whether the shop lets an encoder read profiles: with `auto`, one that sends nothing away."""
    wish = config.encode.users.read
    return wish == "always" or (wish == "auto" and encoder.is_local)
