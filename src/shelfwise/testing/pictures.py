"""The contract of picture encoders, and pictures to hold them to it."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from shelfwise.encode.pictures.encoder import PictureEncoder, Pixels
from shelfwise.schemas.ids import Floats


def plain(colour: tuple[int, int, int], height: int = 80, width: int = 60) -> Pixels:
    """One colour all over."""
    return np.full((height, width, 3), colour, np.uint8)


def product(
    colour: tuple[int, int, int],
    shape: str = "box",
    *,
    height: int = 80,
    width: int = 60,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Pixels:
    """A "box", "disc", "trousers" or "stripes" (a box with dark bars) in the middle of a plain background."""
    picture = plain(background, height, width)
    down, right = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    box = (np.abs(down) < 0.7) & (np.abs(right) < 0.6)
    masks = {
        "box": box,
        "disc": down**2 + right**2 < 0.45,
        "trousers": box & ((np.abs(right) > 0.15) | (down < -0.3)),
        "stripes": box,
    }
    picture[masks[shape]] = colour
    if shape == "stripes":
        picture[box & (np.arange(height)[:, None] // 4 % 2 == 0)] = (20, 20, 20)
    return picture


PICTURES = (
    product((200, 30, 40)),
    product((200, 30, 40), "trousers"),
    product((30, 60, 200), "disc", height=33, width=120),
    product((250, 250, 240), "stripes", background=(10, 10, 10)),
    plain((255, 255, 255)),
    plain((0, 0, 0), 1, 1),
    np.random.default_rng(0).integers(0, 256, (300, 200, 3)).astype(np.uint8),
)


class PictureEncoderContract(ABC):
    """What every picture encoder keeps."""

    tolerance: float = 1e-4
    """How far the cosine between two vectors of one picture may be from 1; graphs in int8 need 0.02."""

    @abstractmethod
    def make(self) -> PictureEncoder:
        """A new encoder, not loaded; where it has a batch size, one below 7."""

    @abstractmethod
    def ready_folder(self) -> Path:
        """A folder that is ready for `make()`."""

    def loaded(self) -> PictureEncoder:
        """An encoder that can run."""
        encoder, folder = self.make(), self.ready_folder()
        assert encoder.is_ready(folder)
        encoder.load(folder)
        return encoder

    def test_one_vector_of_length_1_per_picture_whatever_its_size(self) -> None:
        encoder = self.loaded()
        vectors = encoder.encode(PICTURES)
        assert vectors.shape == (len(PICTURES), encoder.dim)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert encoder.encode([]).shape == (0, encoder.dim)

    def test_vectors_keep_the_order_of_pictures(self) -> None:
        encoder = self.loaded()
        forwards, backwards = encoder.encode(PICTURES), encoder.encode(PICTURES[::-1])
        self.assert_same(forwards, backwards[::-1])
        # Not just any order: a picture is nearer to itself than to every other.
        assert ((forwards @ backwards[::-1].T).argmax(axis=1) == np.arange(len(PICTURES))).all()

    def test_company_does_not_matter(self) -> None:
        encoder = self.loaded()
        self.assert_same(np.concatenate([encoder.encode([one]) for one in PICTURES]), encoder.encode(PICTURES))

    def test_twice_the_same(self) -> None:
        np.testing.assert_array_equal(self.loaded().encode(PICTURES), self.loaded().encode(PICTURES))

    def test_pictures_are_left_as_they_are(self) -> None:
        before = [picture.copy() for picture in PICTURES]
        self.loaded().encode(PICTURES)
        for one, other in zip(before, PICTURES, strict=True):
            np.testing.assert_array_equal(one, other)

    def test_runtime_files_suffice_elsewhere(self, tmp_path: Path) -> None:
        here = self.loaded()
        for name in here.runtime_files():
            shutil.copyfile(self.ready_folder() / name, tmp_path / name)
        there = self.make()
        assert there.is_ready(tmp_path)
        there.load(tmp_path)
        np.testing.assert_array_equal(here.encode(PICTURES), there.encode(PICTURES))

    def test_the_key_names_a_folder_and_is_the_same_for_the_same_options(self) -> None:
        assert self.make().key() == self.make().key()
        assert self.make().key().replace("-", "").replace("_", "").isalnum()

    def assert_same(self, one: Floats, other: Floats) -> None:
        """Hold two arrays of vectors against each other, line by line."""
        cosines = np.sum(one * other, axis=1)
        assert (cosines > 1 - self.tolerance).all(), cosines
