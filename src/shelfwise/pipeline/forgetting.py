"""What is of one person alone in files beside the records, overwritten where it lies.

Those are the vectors of what somebody said of himself, and the lists by which `similar_users` tells who is alike. What
a model counted over everybody holds nobody apart.

Vectors are kept by texts, and nothing says whose they were once somebody says something else. So an erasure looks at it
from the other side too: a vector of a text that nobody says any more is nobody's to keep.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from shelfwise.encode import profile_vectors
from shelfwise.encode.profile import speaking_attributes
from shelfwise.encode.whitening import Whitening
from shelfwise.pipeline.model import PROFILES
from shelfwise.retrieve.similar_users import forget_users
from shelfwise.store import people as people_store
from shelfwise.store import unfinished_erasures, vectors
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED_ONLY
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.store.versions import Version

BETWEEN_PAUSES, PAUSE_S = 20, 0.001
"""Profiles written between two pauses, some millisecond's work: threads that answer wait for no more than that."""


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

    What was altered since it was sealed nobody says.

    Args:
        records: The shop's: users with their attributes.
        vectors_folder: That holds a folder per encoder.
        versions: Of models, as they were before this is called.
        attributes: Names of those that the shop wants to be read; empty: those that speak by their values.

    Cost:
        Nothing in a shop without profiles; else every user's profile is written, as each version writes it: some 50 µs
        a user and way of writing, with as long a pause, so that requests wait for a millisecond at most.
    """
    saved = [version.folder / PROFILES for version in versions if (version.folder / PROFILES).is_dir()]
    with records.read() as connection:
        # Before the users: what is kept from now on may be of somebody who is not among them yet.
        cached = vectors.kept_in(connection, profile_vectors.PART)
    if not saved and not cached:
        return 0
    with records.read() as connection:
        users = list(people_store.read_attributes(connection, ALTERED_ONLY).values())
    read_by_version = {folder: profile_vectors.read_attributes_of(folder) for folder in saved}
    ways = {tuple(attributes), speaking_attributes(users), *read_by_version.values()}
    said = {way: _said(users, way) for way in ways}
    n_vectors = sum(profile_vectors.keep_only(folder, said[way]) for folder, way in read_by_version.items())
    keys = np.fromiter((profile_vectors.key_of(one) for one in cached), np.uint64, len(cached))
    is_said = np.isin(keys, np.concatenate(list(said.values())))
    gone = [one for one, kept in zip(cached, is_said.tolist(), strict=True) if not kept]
    return n_vectors + _forgotten(records, vectors_folder, gone, dims_of(versions))


def _said(users: Sequence[Mapping[str, str]], way: tuple[str, ...]) -> profile_vectors.Keys:
    parts = [np.empty(0, np.uint64)]
    for start in range(0, len(users), BETWEEN_PAUSES):
        parts.append(profile_vectors.keys_of(users[start : start + BETWEEN_PAUSES], way))
        time.sleep(PAUSE_S)
    return np.concatenate(parts)


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
