"""The bag of words with so many buckets that no two words of these tests meet in one."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from bag_of_words import BagOfWords

from shelfwise.schemas.ids import Floats

DIM = 1_024


class WideBagOfWords(BagOfWords):
    """Counts words."""

    def key(self) -> str:
        return "wide-bag-of-words"

    @property
    def dim(self) -> int:
        return DIM

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), DIM), np.float32)
        for line, text in enumerate(texts):
            for word in "".join(c if c.isalnum() else " " for c in text.lower()).split():
                vectors[line, zlib.crc32(word.encode()) % DIM] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
