"""What the item tower is told of every item, as arrays; free of torch: new items are described while serving too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.training_data import TrainingData
from shelfwise.schemas.ids import Floats, Rows

MAX_NAMES = 8
"""Names of an item that are read: those of its category path, general first, and its brand."""

MAX_VOCABULARY = 50_000
N_PRICE_STEPS = 24
"""Buckets of prices, each some 40 % dearer than the one before."""

NONE = 0
"""The code of a name or price that is not known."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names of categories and brands by code, and where the price buckets begin.

    Attributes:
        names: The name with code `i + 1`; code 0 is none.
        lowest_price: Where the first bucket begins; NaN where no item has a price.
    """

    names: list[str]
    lowest_price: float

    @classmethod
    def of(cls, data: TrainingData, before: Self | None = None) -> Self:
        """Every name that two items bear: a name that only one bears says no more than its id.

        Args:
            data: The catalogue.
            before: An earlier vocabulary, whose codes stay.
        """
        catalogue = data.catalogue
        counts: Counter[str] = Counter()
        for path, brand in zip(catalogue.paths, catalogue.brands, strict=True):
            counts.update(dict.fromkeys(_names(path, brand), 1))  # no set: its order is another in every process
        kept = [] if before is None else list(before.names)
        known = set(kept)
        new = [name for name, count in counts.most_common(MAX_VOCABULARY) if count > 1 and name not in known]
        prices = catalogue.prices[catalogue.prices > 0]
        lowest = float(np.quantile(prices, 0.01)) if len(prices) else float("nan")
        if before is not None and not np.isnan(before.lowest_price):
            lowest = before.lowest_price
        return cls([*kept, *new][:MAX_VOCABULARY], lowest)

    def name_codes(self, paths: Sequence[tuple[str, ...]], brands: Sequence[str | None]) -> npt.NDArray[np.int64]:
        """Codes of each item's names, 0 beyond the last; shape `(n, MAX_NAMES)`."""
        code_by_name = {name: code for code, name in enumerate(self.names, start=1)}
        codes = np.full((len(paths), MAX_NAMES), NONE, np.int64)
        for place, (path, brand) in enumerate(zip(paths, brands, strict=True)):
            known = [code_by_name[name] for name in _names(path, brand) if name in code_by_name][:MAX_NAMES]
            codes[place, : len(known)] = known
        return codes

    def price_codes(self, prices: Floats) -> npt.NDArray[np.int64]:
        """The bucket of each price, from 1; 0 where it is not known; shape `(n,)`."""
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.floor(2 * np.log2(prices / self.lowest_price))
        known = np.isfinite(steps)
        return np.where(known, 1 + np.clip(np.where(known, steps, 0), 0, N_PRICE_STEPS - 1), NONE).astype(np.int64)

    def as_json(self) -> dict[str, Any]:
        """For a model version."""
        return {"names": self.names, "lowest_price": None if np.isnan(self.lowest_price) else self.lowest_price}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """What `as_json` gave."""
        lowest = document["lowest_price"]
        return cls(list(document["names"]), float("nan") if lowest is None else float(lowest))


@dataclass(frozen=True, slots=True)
class ItemInputs:
    """Items as the tower reads them; a row of zeros in `texts` or `pictures` means that there is none.

    Attributes:
        texts: Shape `(n, D_text)`; no columns where the shop encodes no text.
        pictures: Shape `(n, D_picture)`; no columns where it has no pictures.
        names: Codes of categories and brand; shape `(n, MAX_NAMES)`.
        prices: Codes of price buckets; shape `(n,)`.
        n_seen: Events of each item in training; shape `(n,)`.
    """

    texts: Floats
    pictures: Floats
    names: npt.NDArray[np.int64]
    prices: npt.NDArray[np.int64]
    n_seen: Rows

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, data: TrainingData, vocabulary: Vocabulary, *, raw_text: bool = False) -> Self:
        """Describe a catalogue as known at `data.now_ms`.

        Args:
            raw_text: Read the encoder's own vectors instead of the whitened ones.
        """
        n = len(data.catalogue)
        texts = data.raw_vectors if raw_text else data.vectors
        nothing = np.zeros((n, 0), np.float32)
        return cls(
            nothing if texts is None else texts,
            nothing if data.pictures is None else data.pictures,
            vocabulary.name_codes(data.catalogue.paths, data.catalogue.brands),
            vocabulary.price_codes(data.catalogue.prices),
            np.bincount(data.interactions.item_rows, minlength=n).astype(np.int32),
        )


def _names(path: tuple[str, ...], brand: str | None) -> list[str]:
    """An item's names, a category told from a brand of the same name."""
    return [f"category: {name}" for name in path] + ([] if brand is None else [f"brand: {brand}"])
