"""What is of one person alone in files beside the records, overwritten where it lies.

Those are the vectors of what somebody said of himself, and the lists by which `similar_users` tells who is alike. What
a model counted over everybody holds nobody apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from shelfwise.encode import profile_vectors
from shelfwise.encode.whitening import Whitening
from shelfwise.pipeline.model import PROFILES
from shelfwise.retrieve.similar_users import forget_users
from shelfwise.store import unfinished_erasures, vectors
from shelfwise.store.records import Records
from shelfwise.store.unfinished_erasures import Unfinished
from shelfwise.store.versions import Version


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
    hashes = unfinished_erasures.hashes_of(people)
    return vectors.forget(records, vectors_folder, hashes, dim_by_encoder) if hashes else 0


def dims_of(versions: Iterable[Version]) -> dict[str, int]:
    """Length of the vectors of the encoders that versions carry, by their keys."""
    return {
        str(version.manifest["encoder"]): len(Whitening.load(version.folder / "encoder").mean)
        for version in versions
        if version.manifest.get("encoder") and (version.folder / "encoder").is_dir()
    }
