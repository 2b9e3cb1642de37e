"""What every picture encoder offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from shelfwise.config.component import Options
from shelfwise.errors import StateError
from shelfwise.schemas.ids import Floats

Pixels = npt.NDArray[np.uint8]
"""A picture: sRGB in 0 … 255, rows from the top; shape `(height, width, 3)`, at least one pixel."""


class PictureEncoder(ABC):
    """Turns pictures into vectors.

    As with text encoders, a shop keeps one folder per encoder under its `vectors` folder, named by `key()`: what the
    encoder needs at run time and the vectors that it made.
    """

    Config: ClassVar[type[Options]] = Options

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
        raise StateError(f"{folder} does not hold what {type(self).__name__} needs", where="encode.image")

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `encode` needs from a folder that is ready."""

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of a vector; known after `load`."""

    @abstractmethod
    def encode(self, pictures: Sequence[Pixels]) -> Floats:
        """One vector per picture, in order, of length 1; shape `(len(pictures), dim)`.

        Pictures may differ in size and shape; a single pixel is one too.
        """

    @abstractmethod
    def runtime_files(self) -> tuple[str, ...]:
        """Names of the files in the folder that `load` reads: a model version carries copies of them."""
