"""Content: items whose texts and pictures are similar to what the user turned to; serves items nobody has touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.features.modalities import DEFAULT_PICTURE_WEIGHT
from shelfwise.retrieve.fused_index import FusedIndex
from shelfwise.retrieve.latest_answer import LatestAnswer
from shelfwise.retrieve.retriever import NO_TRAITS, ItemTraits, Retriever
from shelfwise.retrieve.seeds import weighted_seeds
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows


class Content(Retriever):
    """Nearest neighbours of the user's latest items by text and, where the shop has them, pictures.

    The question is the weighted sum of the seeds' whitened vectors and of what the user says of himself, which counts
    the less the more seeds there are. Where the shop encodes pictures, the likeness of two items counts the modalities
    that both have: one that is missing is masked.
    """

    class Config(IndexOptions):
        """Options of a `[retrieve.…]` table that uses content."""

        decay: float = Field(default=0.8, gt=0, le=1, description="Weight of a moment relative to the next one.")
        n_seeds: int = Field(
            default=20, ge=1, le=500, description="Latest distinct items of a user that are looked up."
        )
        picture_weight: float = Field(
            default=DEFAULT_PICTURE_WEIGHT,
            gt=0,
            le=10,
            description="Weight of pictures relative to texts, where both items have both.",
        )
        profile_weight: float = Field(
            default=0.5,
            ge=0,
            le=10,
            description=(
                "Weight of a user's profile relative to the latest item, before it fades; it is all there is for "
                "somebody without items. 0 leaves profiles to the ranker."
            ),
        )
        profile_half_items: float = Field(
            default=2.5,
            gt=0,
            le=1_000,
            description="Distinct items of a user after which the weight of the profile is half; after twice as many "
            "a quarter, and so on.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._index: VectorIndex | None = None
        self._fused: FusedIndex | None = None
        self._latest_seeds = LatestAnswer[tuple[Rows, Floats]]()

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Index the vectors.

        Raises:
            StateError: the shop encodes neither text nor pictures.
        """
        self._index, self._fused = None, None
        if data.pictures is not None:
            texts = np.zeros((len(data.catalogue), 0), np.float32) if data.vectors is None else data.vectors
            self._fused = FusedIndex.build(texts, data.pictures, self.options.picture_weight, self.options)
        elif data.vectors is not None:
            self._index = VectorIndex.build(data.vectors, self.options)
        else:
            raise StateError(
                "the content retriever needs text vectors, and [encode.text] is switched off",
                where="retrieve",
                hint="take 'content' out of [retrieve], or name an encoder in [encode.text]",
            )

    def save(self, folder: Path) -> None:
        """Write the index and the vectors."""
        (self.index if self._fused is None else self._fused).save(folder)

    def load(self, folder: Path) -> None:
        """Open the index; map the vectors."""
        self._index, self._fused = None, None
        if FusedIndex.is_saved_in(folder):
            self._fused = FusedIndex.load(folder, self.options.picture_weight, self.options)
        else:
            self._index = VectorIndex.load(folder, self.options)

    @property
    def index(self) -> VectorIndex:
        """What was fitted or loaded where texts are all there is."""
        if self._index is None:
            raise RuntimeError("fit() or load() comes first")
        return self._index

    def add_item(self, row: int, *, vector: Floats | None, created_ms: int, traits: ItemTraits = NO_TRAITS) -> None:
        """Search this item from now on; a changed text or picture moves it."""
        self._latest_seeds = LatestAnswer()  # a user may have turned to it already
        if self._fused is not None:
            if vector is not None or traits.picture is not None:
                self._fused.put(row, vector, traits.picture)
        elif vector is not None:
            self.index.put(row, vector)

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """Search around the sum of the seeds' vectors."""
        if self._fused is not None:
            seeds, weights = self._seeds(situation, len(self._fused))
            question = self._fused.mean(seeds, weights, self._profile(situation, len(seeds)))
            return Candidates.empty() if question.is_empty else self._fused.search(question, allowed, self.options.k)
        seeds, weights = self._seeds(situation, len(self.index))
        sum_of_texts = weights @ self.index.take(seeds)[0]
        if situation.profile is not None:
            told = self._profile(situation, len(seeds))
            sum_of_texts = sum_of_texts if told is None else sum_of_texts + told
        length = float(np.linalg.norm(sum_of_texts))
        if length == 0:
            return Candidates.empty()
        return self.index.search(sum_of_texts / length, allowed, self.options.k)

    def is_of_profile(self, row: int, situation: Situation) -> bool:
        """Whether an item named by `retrieve` was found by what the user says of himself more than by any one item."""
        n_items = len(self.index) if self._fused is None else len(self._fused)
        seeds, weights = self._seeds(situation, n_items)
        told = self._profile(situation, len(seeds))
        if told is None or row >= n_items:
            return False
        texts = self.index if self._fused is None else self._fused.texts
        (vector,), _ = texts.take(np.array([row], np.int32))
        of_profile = float(vector @ told)
        return of_profile > 0 and of_profile > float(np.max(weights * (texts.take(seeds)[0] @ vector), initial=0.0))

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """The seeds that are nearest."""
        if self._fused is not None:
            return [self._nearest_of_fused(self._fused, row, situation) for row in rows.tolist()]
        return self.index.nearest_of(rows, self._seeds(situation, len(self.index))[0])

    def _nearest_of_fused(self, fused: FusedIndex, row: int, situation: Situation) -> int | None:
        seeds, _ = self._seeds(situation, len(fused))
        seeds = seeds[seeds != row]
        if not len(seeds) or row >= len(fused):
            return None
        nearness = np.nan_to_num(fused.scores(seeds, fused.mean(np.array([row], np.int32), np.ones(1, np.float32))))
        place = int(np.argmax(nearness))
        return int(seeds[place]) if nearness[place] > 0 else None

    def _profile(self, situation: Situation, n_seeds: int) -> Floats | None:
        """The profile's vector, as long as its weight beside so many seeds; shape `(D,)`; None where it says nothing.

        Somebody without a seed is searched for by it alone, so that its length does not matter there.
        """
        weight = self.options.profile_weight * 2 ** (-n_seeds / self.options.profile_half_items)
        if situation.profile is None or weight == 0:
            return None
        return situation.profile * np.float32(weight)

    def _seeds(self, situation: Situation, n_items: int) -> tuple[Rows, Floats]:
        return self._latest_seeds.of(
            situation,
            self._fused or self._index,
            lambda: weighted_seeds(situation, n_items, decay=self.options.decay, n_seeds=self.options.n_seeds),
        )
