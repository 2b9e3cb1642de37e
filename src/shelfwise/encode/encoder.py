"""What every encoder offers, and every text encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from shelfwise.config.component import Options
from shelfwise.errors import StateError
from shelfwise.schemas.ids import Floats


class Encoder(ABC):
    """Turns something of an item into vectors.

    A shop keeps one folder per encoder under its `vectors` folder, named by `key()`: what the encoder needs at run
    time and the vectors that it made.
    """

    Config: ClassVar[type[Options]] = Options
    where: ClassVar[str]
    """The table of `shop.toml` that names it, for errors."""

    @abstractmethod
    def key(self) -> str:
        """Names the folder: equal for two configurations exactly where their vectors are equal."""

    @abstractmethod
    def is_ready(self, folder: Path) -> bool:
        """Whether `folder` holds what `load` needs."""

    def prepare(self, folder: Path) -> None:
        """Make `folder` ready, where that takes nothing but what serving needs too.

        Raises:
            StateError: it takes more, or cannot be done here.
        """
        raise StateError(f"{folder} does not hold what {type(self).__name__} needs", where=self.where)

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what encoding needs from a folder that is ready."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of a vector; known after `load`."""

    @abstractmethod
    def runtime_files(self) -> tuple[str, ...]:
        """Names of the files in the folder that `load` reads: a model version carries copies of them."""


class TextEncoder(Encoder):
    """Turns texts into vectors."""

    where = "encode.text"
    is_local: ClassVar[bool] = True
    """Whether texts stay on this machine while they are encoded."""

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> Floats:
        """One vector per text, in order, of length 1 unless configured otherwise; shape `(len(texts), dim)`.

        Empty texts are allowed.
        """

    def encode_queries(self, texts: Sequence[str]) -> Floats:
        """Vectors of what shoppers type into a search box, to be held against those of items.

        The same as `encode` where a model makes no difference between the two.
        """
        return self.encode(texts)
