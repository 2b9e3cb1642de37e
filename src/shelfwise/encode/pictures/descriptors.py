"""Colour, texture and shape of a picture, measured: what there is without a model's weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.encode.pictures.colour import N_COLOURS, N_PLACES, colour_histogram, colour_layout, to_lab
from shelfwise.encode.pictures.encoder import PictureEncoder, Pixels
from shelfwise.encode.pictures.foreground import find_foreground
from shelfwise.encode.pictures.shape import (
    N_EDGES,
    N_PROPORTIONS,
    N_SILHOUETTE,
    SIDE,
    edge_directions,
    proportions,
    silhouette,
)
from shelfwise.encode.pictures.texture import N_TEXTURES, texture
from shelfwise.schemas.ids import Floats

KEY_VERSION = 1
"""Part of the key: a change in what is measured encodes everything anew."""

ABOUT_FILE = "encoder.json"
SIZE = 96
"""Pixels of the longer side at which everything is measured."""


class Descriptors(PictureEncoder):
    """Measures colour, texture and shape of what stands before a plain background, or of the whole picture.

    Cost:
        Some 3 ms a picture on one core, decoding aside.

    Source:
        Soft histograms in Lab under the Hellinger map (Arandjelović & Zisserman 2012), local binary patterns
        (Ojala et al. 2002), histograms of oriented gradients (Dalal & Triggs 2005).
    """

    class Config(Options):
        """Options of `[encode.image]`."""

        colour: float = Field(default=1.0, ge=0, le=10, description="Weight of colours, against the others' weights.")
        texture: float = Field(default=0.5, ge=0, le=10, description="Weight of patterns and edge strengths.")
        shape: float = Field(default=1.0, ge=0, le=10, description="Weight of outline, inner edges and proportions.")

    def __init__(self, config: Config) -> None:
        self.config = config

    def key(self) -> str:
        """Names the folder."""
        config = self.config
        stated = json.dumps([KEY_VERSION, config.colour, config.texture, config.shape])
        return f"descriptors-{hashlib.sha256(stated.encode()).hexdigest()[:16]}"

    def runtime_files(self) -> tuple[str, ...]:
        """What is known of the vectors."""
        return (ABOUT_FILE,)

    def is_ready(self, folder: Path) -> bool:
        """Whether `prepare` was here."""
        return (folder / ABOUT_FILE).is_file()

    def prepare(self, folder: Path) -> None:
        """Note what is measured."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {"kind": "descriptors", "dim": self.dim, **self.config.model_dump()}
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=2), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Nothing is learned, so nothing is read."""

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return N_COLOURS + N_PLACES + N_TEXTURES + N_EDGES + N_SILHOUETTE + N_PROPORTIONS

    def encode(self, pictures: Sequence[Pixels]) -> Floats:
        """Measure one picture after the other."""
        vectors = np.empty((len(pictures), self.dim), np.float32)
        for place, picture in enumerate(pictures):
            vectors[place] = self._measured(picture)
        return vectors

    def _measured(self, picture: Pixels) -> Floats:
        from PIL import Image

        image = Image.fromarray(picture)
        scale = SIZE / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        lab = to_lab(np.asarray(image.resize(size, Image.Resampling.BILINEAR)))
        found = find_foreground(lab)
        top, bottom, left, right = found.box
        boxed, inside = lab[top:bottom, left:right], found.mask[top:bottom, left:right]
        stretched = Image.fromarray(boxed[..., 0]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        config = self.config
        parts = (
            (config.colour, colour_histogram(lab[found.mask])),
            (config.colour, colour_layout(boxed, inside)),
            (config.texture, texture(lab[..., 0], found.mask)),
            (config.shape, edge_directions(np.asarray(stretched)) / 2),
            (config.shape, silhouette(inside) / 6),
            (config.shape, proportions(found.mask, found.box) / 2),
        )
        vector = np.concatenate([weight * part for weight, part in parts])
        return vector / max(float(np.linalg.norm(vector)), 1e-9)
