"""Vectors of what users say of themselves, in the space of the items' texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile import profile, profile_hash, profiles
from shelfwise.schemas.ids import Floats
from shelfwise.store.arrays import mapped
from shelfwise.store.vectors import VectorCache

PART = "profiles"
"""Of an encoder's cache. Apart from the items': what nobody says any more can be told, and is forgotten."""

CHUNK = 512
"""Profiles encoded between two commits: what a crash can cost."""

KEYS_FILE, VECTORS_FILE, ABOUT_FILE = "keys.npy", "vectors.npy", "about.json"

Progress = Callable[[int, int], None]
"""Called with profiles done and profiles to do."""

Keys = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class ProfileTexts:
    """What all users say of themselves; equal texts once.

    Attributes:
        attributes: Names of those that were read, in their order.
        texts: Distinct and not empty, in the order of their keys.
        keys: Of the texts, ascending; shape `(P,)`.
        place_by_user: Place of each user's text, by user row, -1 without one; shape `(n_users,)`.
    """

    attributes: tuple[str, ...]
    texts: list[str]
    keys: Keys
    place_by_user: npt.NDArray[np.int32]

    @classmethod
    def of(
        cls, attributes_by_row: Mapping[int, Mapping[str, str]], speaking: tuple[str, ...], n_users: int
    ) -> Self | None:
        """Write each user's profile; None where nobody has one.

        Args:
            attributes_by_row: Of those users that have any.
            speaking: Names of those that are read.
            n_users: One more than the highest user row.
        """
        text_by_row = {row: text for row, found in attributes_by_row.items() if (text := profile(found, speaking))}
        text_by_key = {profile_key(text): text for text in text_by_row.values()}
        if not text_by_key:
            return None
        keys = np.sort(np.fromiter(text_by_key, np.uint64, len(text_by_key)))
        texts = [text_by_key[key] for key in keys.tolist()]
        place_by_text = {text: place for place, text in enumerate(texts)}
        place_by_user = np.full(n_users, -1, np.int32)
        for row, text in text_by_row.items():
            place_by_user[row] = place_by_text[text]
        return cls(speaking, texts, keys, place_by_user)


@dataclass(frozen=True, slots=True)
class ProfileVectors:
    """Vectors of profiles in the items' space, by text and, while training, by user.

    Attributes:
        attributes: Names of those that the texts were written from: what is written later must be written from these.
        keys: Of the texts, ascending; shape `(P,)`.
        vectors: Of length 1, in half precision as everywhere; shape `(P, D)`.
        place_by_user: As in `ProfileTexts`; empty in a model version, where a user's text is read when he asks.
        landmarks: Bring the encoder's vectors into the items' space.
    """

    attributes: tuple[str, ...]
    keys: Keys
    vectors: npt.NDArray[np.float16]
    place_by_user: npt.NDArray[np.int32]
    landmarks: Landmarks

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.vectors.shape[1])

    def of_user(self, row: int) -> Floats | None:
        """The vector of a user; shape `(D,)`; None of whom nothing is said."""
        place = int(self.place_by_user[row]) if 0 <= row < len(self.place_by_user) else -1
        return None if place < 0 else self._at(place)

    def of_text(self, text: str) -> Floats | None:
        """The vector of a text; shape `(D,)`; None for a text that nobody had when this was made."""
        key = np.uint64(profile_key(text))
        place = int(np.searchsorted(self.keys, key))
        return self._at(place) if place < len(self.keys) and self.keys[place] == key else None

    def write(self, attributes: Mapping[str, str]) -> str:
        """The text of a user's attributes, as these vectors' texts were written."""
        return profile(attributes, self.attributes)

    def make(self, texts: Sequence[str], encoder: TextEncoder) -> Floats:
        """Vectors of texts that are not among these, made as these were; shape `(len(texts), D)`."""
        encoded = encoder.encode_queries(texts).astype(np.float16)  # as the cache keeps them
        return self.landmarks.place(encoded.astype(np.float32)).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write arrays and the attributes' names; nothing says which user has which vector."""
        self.landmarks.save(folder)
        np.save(folder / KEYS_FILE, self.keys)
        np.save(folder / VECTORS_FILE, self.vectors)
        about = json.dumps({"attributes": list(self.attributes)}, ensure_ascii=False)
        (folder / ABOUT_FILE).write_text(about, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote."""
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        return cls(
            tuple(about["attributes"]),
            mapped(folder / KEYS_FILE),
            mapped(folder / VECTORS_FILE),
            np.empty(0, np.int32),
            Landmarks.load(folder),
        )

    def _at(self, place: int) -> Floats | None:
        vector = self.vectors[place].astype(np.float32)
        return vector if vector.any() else None


def read_attributes_of(folder: Path) -> tuple[str, ...]:
    """Names of the attributes that saved profiles were written from."""
    return tuple(json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))["attributes"])


def keys_in(folder: Path) -> Keys:
    """Keys of saved profiles, ascending; shape `(P,)`."""
    return np.load(folder / KEYS_FILE)


def forget(folder: Path, text_hash: bytes) -> bool:
    """Overwrite a text's vector and key in what `save` wrote; whether there was one. Who has it mapped sees it gone.

    Args:
        folder: Of saved profiles.
        text_hash: As `profile_hash` makes it.
    """
    keys, vectors = (np.load(folder / name, mmap_mode="r+") for name in (KEYS_FILE, VECTORS_FILE))
    key = key_of(text_hash)
    place = int(np.searchsorted(keys, np.uint64(key)))
    if place == len(keys) or keys[place] != key:
        return False
    vectors[place] = 0
    vectors.flush()
    # As the one before it, which is found first: the keys stay in their order.
    keys[place] = keys[place - 1] if place else 0
    keys.flush()
    return True


def keep_only(folder: Path, said: Keys) -> int:
    """Overwrite every vector but those of these texts in what `save` wrote; how many there were.

    Args:
        folder: Of saved profiles.
        said: Keys of the texts, in any order.
    """
    keys, vectors = (np.load(folder / name, mmap_mode="r+") for name in (KEYS_FILE, VECTORS_FILE))
    gone = np.flatnonzero(~np.isin(keys, said))
    n_vectors = int(vectors[gone].any(axis=1).sum())
    if n_vectors:
        vectors[gone] = 0
        vectors.flush()
        for place in gone.tolist():  # ascending: as the one before it, which is found first
            keys[place] = keys[place - 1] if place else 0
        keys.flush()
    return n_vectors


def keys_of(users: Iterable[Mapping[str, str]], ways: Sequence[tuple[str, ...]]) -> list[Keys]:
    """Keys of what users say of themselves, written in several ways; one array for each, of shape `(n,)`.

    Args:
        users: Attributes of each.
        ways: Names of the attributes that each way reads.

    Returns:
        By way: in the order of the users, with repeats, without those who say nothing.

    Cost:
        Some 25 µs a user, and 5 for each further way.
    """
    written = [profiles(attributes, ways) for attributes in users]
    return [
        np.fromiter((profile_key(texts[place]) for texts in written if texts[place]), np.uint64)
        for place in range(len(ways))
    ]


def key_of(text_hash: bytes) -> int:
    """The key of a text by its hash, as `profile_hash` makes it."""
    return int.from_bytes(text_hash[:8], "big")


def profile_key(text: str) -> int:
    """64 bits that name a text: among millions, two that are equal by chance are not to be expected."""
    return key_of(profile_hash(text))


def encode_profiles(
    found: ProfileTexts,
    encoder: TextEncoder,
    cache: VectorCache,
    landmarks: Landmarks,
    progress: Progress | None = None,
) -> ProfileVectors:
    """Encode the profiles that have no vector yet, and gather those of all.

    They are encoded as what shoppers type into a search box is: a short text to be held against the items'.

    Args:
        found: Texts.
        encoder: Reads them.
        cache: Of the encoder; profiles lie in a part of their own.
        landmarks: Bring vectors into the items' space.
        progress: Told of texts encoded.
    """
    hashes = [profile_hash(text) for text in found.texts]
    while True:
        encode_changed_profiles(found, encoder, cache, progress)
        try:
            encoded = cache.part(PART).gather(hashes)
            break
        except KeyError:  # an erasure took what somebody said until a moment ago: it is this training's all the same
            continue
    return ProfileVectors(found.attributes, found.keys, landmarks.place(encoded), found.place_by_user, landmarks)


def encode_changed_profiles(
    found: ProfileTexts, encoder: TextEncoder, cache: VectorCache, progress: Progress | None = None
) -> int:
    """Bring the cache up to date; resumable, since every chunk is committed. Returns how many were encoded."""
    cache = cache.part(PART)
    text_by_hash = {profile_hash(text): text for text in found.texts}
    missing = sorted(cache.missing(text_by_hash), key=lambda key: len(text_by_hash[key]))
    for start in range(0, len(missing), CHUNK):
        chunk = missing[start : start + CHUNK]
        cache.append(chunk, encoder.encode_queries([text_by_hash[key] for key in chunk]))
        if progress is not None:
            progress(min(start + CHUNK, len(missing)), len(missing))
    return len(missing)
