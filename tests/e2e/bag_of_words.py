"""An encoder as a shop's engineer may bring one: a module of its own, named in shop.toml, without weights."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from shelfwise.config.component import Options
from shelfwise.encode.encoder import TextEncoder
from shelfwise.schemas.ids import Floats

DIM = 48


class BagOfWords(TextEncoder):
    """Counts words in buckets."""

    Config: ClassVar[type[Options]] = Options

    def __init__(self, config: Options) -> None:
        self.config = config

    def key(self) -> str:
        return "bag-of-words"

    def is_ready(self, folder: Path) -> bool:
        return True

    def load(self, folder: Path) -> None:
        """Nothing to read."""

    def runtime_files(self) -> tuple[str, ...]:
        return ()

    @property
    def dim(self) -> int:
        return DIM

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), DIM), np.float32)
        for line, text in enumerate(texts):
            for word in "".join(c if c.isalnum() else " " for c in text.lower()).split():
                vectors[line, zlib.crc32(word.encode()) % DIM] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
