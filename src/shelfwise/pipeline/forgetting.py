"""What is of one person alone in files beside the records, overwritten where it lies.

Those are the vectors of what somebody said of himself, and the lists by which `similar_users` tells who is alike. What
a model counted over everybody holds nobody apart.

Vectors are kept by texts, and nothing says whose they were once somebody says something else. So an erasure looks at it
from the other side too: a vector of a text that nobody says any more is nobody's to keep.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from shelfwise.encode import profile_vectors
from shelfwise.encode.profile import speaking_attributes
from shelfwise.encode.whitening import Whitening
from shelfwise.pipeline.earlier_caches import keep_items_only
from shelfwise.pipeline.model import PROFILES
from shelfwise.retrieve.similar_users import forget_users
from shelfwise.schemas.ids import Bools
from shelfwise.store import people as people_store
from shelfwise.store import unfinished_erasures, vectors
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.store.versions import Version

BETWEEN_PAUSES, PAUSE_S = 20, 0.001
"""Profiles written between two pauses, some millisecond's work: threads that answer wait for no more than that."""

READ_AT_ONCE = 200
"""Users read by one look at the store, and held."""


def forget_in_version(folder: Path, people: Iterable[Unfinished]) -> int:
    """Take people out of the files of one model version; running servers see them gone.

    Args:
        folder: Of the version, published or about to be.
        people: Whom.

    Returns:
        Vectors of profiles that were overwritten.
    """
    people = list(people)
    rows = unfinished_erasures.rows_of(people)
    if rows and (folder / "retrieve").is_dir():
        for retriever in (folder / "retrieve").iterdir():
            forget_users(retriever, np.array(rows, np.int32))
    if not (folder / PROFILES).is_dir():
        return 0
    return sum(profile_vectors.forget(folder / PROFILES, one) for one in unfinished_erasures.hashes_of(people))


def forget_cached_vectors(
    records: Records, vectors_folder: Path, people: Iterable[Unfinished], dim_by_encoder: Mapping[str, int]
) -> int:
    """Take the vectors of people's profiles out of every encoder's cache; how many were overwritten.

    Args:
        records: The shop's.
        vectors_folder: That holds a folder per encoder.
        people: Whose.
        dim_by_encoder: Length of the vectors of the encoders that are known.
    """
    return _forgotten(records, vectors_folder, unfinished_erasures.hashes_of(people), dim_by_encoder)


def forget_unsaid(
    records: Records, vectors_folder: Path, versions: Sequence[Version], attributes: Sequence[str]
) -> int:
    """Overwrite the vectors of profiles that nobody has as he is now; how many there were.

    Who says something else meanwhile may lose the vector of it, where there was one already: it is made again when it
    is asked for. What was altered since it was sealed nobody says.

    Args:
        records: The shop's: users with their attributes.
        vectors_folder: That holds a folder per encoder.
        versions: Of models, as they were before this is called.
        attributes: Names of those that the shop wants to be read; empty: those that speak by their values.

    Cost:
        Next to nothing in a shop without profiles, see `keep_items_only`; else every user is read twice, `READ_AT_ONCE`
        of them held at a time, and every profile is written once for all ways in which versions write it: some 70 µs a
        user, with as long a pause, so that requests wait for a millisecond at most. In memory some 70 bytes for each
        text that has a vector.
    """
    n_before = keep_items_only(records, vectors_folder, dims_of(versions))
    saved = [version.folder / PROFILES for version in versions if (version.folder / PROFILES).is_dir()]
    with records.read() as connection:
        # Before the users: what is kept from now on may be of somebody who is not among them yet.
        cached = vectors.kept_in(connection, profile_vectors.PART)
    if not saved and not cached:
        return n_before
    in_cache = _Kept(np.fromiter((profile_vectors.key_of(one) for one in cached), np.uint64, len(cached)))
    in_versions = {folder: _Kept(profile_vectors.keys_in(folder)) for folder in saved}
    read_by_version = {folder: profile_vectors.read_attributes_of(folder) for folder in saved}
    ways = sorted({tuple(attributes), speaking_of_all(records), *read_by_version.values()})
    for users in _in_turn(records):
        for start in range(0, len(users), BETWEEN_PAUSES):
            written = profile_vectors.keys_of(users[start : start + BETWEEN_PAUSES], ways)
            for way, keys in zip(ways, written, strict=True):
                in_cache.say(keys)
                for folder, read in read_by_version.items():
                    if read == way:
                        in_versions[folder].say(keys)
            time.sleep(PAUSE_S)
    n_vectors = sum(profile_vectors.keep_only(folder, kept.said) for folder, kept in in_versions.items())
    gone = [one for one, kept in zip(cached, in_cache.are_said().tolist(), strict=True) if not kept]
    return n_before + n_vectors + _forgotten(records, vectors_folder, gone, dims_of(versions))


def speaking_of_all(records: Records) -> tuple[str, ...]:
    """The attributes whose values are words, of all users as they are now; few of them are held at a time."""
    return speaking_attributes(user for users in _in_turn(records) for user in users)


def _in_turn(records: Records) -> Iterator[list[dict[str, str]]]:
    """All users' attributes, `READ_AT_ONCE` at a time, with a pause between two looks."""
    row = -1
    while True:
        with records.read() as connection:
            found = people_store.read_attributes_after(connection, row, READ_AT_ONCE, ALTERED_ONLY)
        if found:
            yield list(found.values())
        if len(found) < READ_AT_ONCE:
            return
        row = max(found)
        time.sleep(PAUSE_S)


class _Kept:
    """Texts of which there are vectors, and which of them somebody says.

    Args:
        keys: Of the texts, ascending; shape `(n,)`. Of equal ones, which vectors leave behind that were overwritten,
            each is said or none.
    """

    def __init__(self, keys: profile_vectors.Keys) -> None:
        self._keys = keys
        self._is_said = np.zeros(len(keys), bool)

    def say(self, keys: profile_vectors.Keys) -> None:
        """Somebody says these, of which there may be vectors or none."""
        places = np.searchsorted(self._keys, keys)
        inside = places < len(self._keys)
        places = places[inside]
        self._is_said[places[self._keys[places] == keys[inside]]] = True

    @property
    def said(self) -> profile_vectors.Keys:
        """Keys of those that somebody says."""
        return self._keys[self._is_said]

    def are_said(self) -> Bools:
        """Which of the texts somebody says; shape `(n,)`."""
        return np.isin(self._keys, self.said)


def _forgotten(
    records: Records, vectors_folder: Path, hashes: Sequence[bytes], dim_by_encoder: Mapping[str, int]
) -> int:
    if not hashes:
        return 0
    of_parts = {f"{encoder}/{profile_vectors.PART}": dim for encoder, dim in dim_by_encoder.items()}
    return vectors.forget(records, vectors_folder, hashes, {**dim_by_encoder, **of_parts})


def dims_of(versions: Iterable[Version]) -> dict[str, int]:
    """Length of the vectors of the encoders that versions carry, by their keys."""
    return {
        str(version.manifest["encoder"]): len(Whitening.load(version.folder / "encoder").mean)
        for version in versions
        if version.manifest.get("encoder") and (version.folder / "encoder").is_dir()
    }
