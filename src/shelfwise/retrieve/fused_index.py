"""Search by text and picture at once; what either side lacks is masked.

Items are searched in three groups, by what they have: text and picture, text alone, picture alone. Within a group
likeness is one inner product, so each is an ordinary index.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import faiss
import numpy as np

from shelfwise.features.modalities import fused_similarity, has_vector
from shelfwise.features.text_vectors import TextVectors, as_kept
from shelfwise.retrieve.retriever import best
from shelfwise.retrieve.vector_index import SPARE, IndexOptions, opened, searchable
from shelfwise.schemas.candidates import Candidates
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.store.arrays import mapped

TEXTS_FILE, PICTURES_FILE = "texts.npy", "pictures.npy"
GROUPS = {"both": (True, True), "texts": (True, False), "pictures": (False, True)}
"""Which of text and picture the items of a group have."""


class Seen(NamedTuple):
    """A text and a picture vector, each of length 1, or 0 where missing; shapes `(D_text,)` and `(D_picture,)`."""

    text: Floats
    picture: Floats

    @property
    def is_empty(self) -> bool:
        """Whether there is neither."""
        return not (self.text.any() or self.picture.any())


@dataclass(frozen=True, slots=True)
class Group:
    """Items that have the same modalities.

    Attributes:
        rows: Of the catalogue, by the index's own numbers; shape `(n,)`.
        index: FAISS, by inner product.
    """

    rows: Rows
    index: Any


class FusedIndex:
    """Text and picture vectors by row, searchable.

    Cost:
        That of a `VectorIndex` over both vectors side by side.
    """

    def __init__(
        self, groups: dict[str, Group], texts: Floats, pictures: Floats, weight: float, options: IndexOptions
    ) -> None:
        self._groups, self._weight = groups, weight
        self.texts, self.pictures = TextVectors(texts), TextVectors(pictures)
        self._fresh: dict[int, None] = {}
        for group in groups.values():
            if isinstance(group.index, faiss.IndexHNSW):
                group.index.hnsw.efSearch = options.effort

    @classmethod
    def build(cls, texts: Floats, pictures: Floats, weight: float, options: IndexOptions) -> Self:
        """Index vectors of length 1, or 0 where missing; shapes `(n, D_text)` and `(n, D_picture)`."""
        texts, pictures = np.asarray(texts, np.float32), np.asarray(pictures, np.float32)
        has_text, has_picture = has_vector(texts), has_vector(pictures)
        groups: dict[str, Group] = {}
        for name, (with_text, with_picture) in GROUPS.items():
            rows = np.flatnonzero((has_text == with_text) & (has_picture == with_picture)).astype(np.int32)
            if len(rows):
                parts = [texts[rows]] * with_text + [pictures[rows] * np.float32(weight**0.5)] * with_picture
                groups[name] = Group(rows, searchable(np.concatenate(parts, axis=1), options))
        return cls(groups, texts, pictures, weight, options)

    def save(self, folder: Path) -> None:
        """Write vectors, and of each group its index and rows."""
        np.save(folder / TEXTS_FILE, as_kept(self.texts.base))
        np.save(folder / PICTURES_FILE, as_kept(self.pictures.base))
        for name, group in self._groups.items():
            faiss.write_index(group.index, str(folder / f"{name}.faiss"))
            np.save(folder / f"{name}_rows.npy", group.rows)

    @staticmethod
    def is_saved_in(folder: Path) -> bool:
        """Whether `save` wrote into this folder."""
        return (folder / PICTURES_FILE).is_file()

    @classmethod
    def load(cls, folder: Path, weight: float, options: IndexOptions) -> Self:
        """Open what `save` wrote; map the vectors."""
        groups = {
            name: Group(mapped(folder / f"{name}_rows.npy"), opened(folder / f"{name}.faiss"))
            for name in GROUPS
            if (folder / f"{name}.faiss").is_file()
        }
        return cls(groups, mapped(folder / TEXTS_FILE), mapped(folder / PICTURES_FILE), weight, options)

    def __len__(self) -> int:
        """One more than the highest row that may have a vector."""
        return max(len(self.texts.base), max(self._fresh, default=-1) + 1)

    def put(self, row: int, text: Floats | None, picture: Floats | None) -> None:
        """Search this item beside the index from now on; 0 is what it has not, None what stays as it was."""
        self._fresh[row] = None
        for table, vector in ((self.texts, text), (self.pictures, picture)):
            if vector is not None:
                table.put(row, vector)

    def mean(self, rows: Rows, weights: Floats, text: Floats | None = None) -> Seen:
        """The weighted sum of items' texts and that of their pictures, each brought to length 1.

        Args:
            rows: Items; shape `(S,)`.
            weights: Of the items; shape `(S,)`.
            text: Added to the sum of the texts; shape `(D_text,)`; None adds nothing.
        """
        texts, pictures = (weights @ vectors.take(rows)[0] for vectors in (self.texts, self.pictures))
        return Seen(_unit(texts if text is None else texts + text), _unit(pictures))

    def search(self, question: Seen, allowed: Bools, k: int) -> Candidates:
        """The `k` allowed items of the largest positive similarity; the similarity of any item is known too."""
        faiss.omp_set_num_threads(1)  # one question is too small to share
        found: list[Rows] = []
        for name, group in self._groups.items():
            asked = self._asked(name, question)
            if asked.any():
                _, places = group.index.search(asked[None], min(k + SPARE, len(group.rows)))
                found.append(group.rows[places[0][places[0] >= 0]])
        rows = np.concatenate([*found, np.fromiter(self._fresh, np.int32, len(self._fresh))]).astype(np.int32)
        rows = np.unique(rows)
        rows = rows[allowed[rows]]
        scores = self.scores(rows, question)
        keep = scores > 0  # NaN is not
        nearest = best(rows[keep], scores[keep], k)
        return Candidates(nearest.rows, nearest.scores, lambda rows: self.scores(rows, question))

    def scores(self, rows: Rows, question: Seen) -> Floats:
        """Similarities of any items; NaN where they share nothing with the question; shape as the rows'."""
        texts, _ = self.texts.take(rows)
        pictures, _ = self.pictures.take(rows)
        return fused_similarity(
            texts @ question.text,
            pictures @ question.picture,
            has_vector(texts) & bool(question.text.any()),
            has_vector(pictures) & bool(question.picture.any()),
            self._weight,
        )

    def _asked(self, name: str, question: Seen) -> Floats:
        """The vector whose inner products order a group as `scores` does."""
        with_text, with_picture = GROUPS[name]
        parts = [question.text] * with_text + [question.picture * np.float32(self._weight**0.5)] * with_picture
        return np.ascontiguousarray(np.concatenate(parts), np.float32)


def _unit(vector: Floats) -> Floats:
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 0 else vector).astype(np.float32)
