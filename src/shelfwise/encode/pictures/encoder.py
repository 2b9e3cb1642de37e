"""What every picture encoder offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from shelfwise.encode.encoder import Encoder
from shelfwise.schemas.ids import Floats

Pixels = npt.NDArray[np.uint8]
"""A picture: sRGB in 0 … 255, rows from the top; shape `(height, width, 3)`, at least one pixel."""


class PictureEncoder(Encoder):
    """Turns pictures into vectors."""

    where = "encode.image"

    @abstractmethod
    def encode(self, pictures: Sequence[Pixels]) -> Floats:
        """One vector per picture, in order, of length 1; shape `(len(pictures), dim)`.

        Pictures may differ in size and shape; a single pixel is one too.
        """
