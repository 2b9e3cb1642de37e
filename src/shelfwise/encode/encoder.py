"""What every text encoder offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from shelfwise.config.component import Options
from shelfwise.schemas.ids import Floats


class TextEncoder(ABC):
    """Turns texts into vectors.

    A shop keeps one folder per encoder under its `vectors` folder, named by `key()`: what the encoder needs at run
    time (graph, tokenizer) and the vectors that it made.
    """

    Config: ClassVar[type[Options]] = Options

    @abstractmethod
    def key(self) -> str:
        """Names the folder: equal for two configurations exactly where their vectors are equal."""

    @abstractmethod
    def is_ready(self, folder: Path) -> bool:
        """Whether `folder` holds what `load` needs."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read graph and tokenizer from a folder that is ready."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of a vector; known after `load`."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Floats:
        """One vector of length 1 per text, in order; shape `(len(texts), dim)`. Empty texts are allowed."""

    @abstractmethod
    def runtime_files(self) -> tuple[str, ...]:
        """Names of the files in the folder that `load` reads: a model version carries copies of them."""
