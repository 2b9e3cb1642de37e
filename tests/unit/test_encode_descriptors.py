"""What the descriptors see, and what they overlook."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shelfwise.encode.pictures.colour import GREYS, N_COLOURS, colour_histogram, to_lab
from shelfwise.encode.pictures.descriptors import Descriptors
from shelfwise.encode.pictures.encoder import PictureEncoder
from shelfwise.encode.pictures.foreground import find_foreground
from shelfwise.encode.pictures.shape import N_DIRECTIONS, SIDE, edge_directions, silhouette
from shelfwise.encode.pictures.texture import N_PATTERNS, texture
from shelfwise.schemas.ids import Floats
from shelfwise.testing.pictures import PictureEncoderContract, plain, product

RED, BLUE, GREEN, BLACK, WHITE = (200, 30, 40), (30, 60, 200), (20, 140, 60), (15, 15, 15), (250, 250, 250)


class TestDescriptors(PictureEncoderContract):
    """The contract."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        self.folder = tmp_path_factory.mktemp("descriptors")
        self.make().prepare(self.folder)

    def make(self) -> PictureEncoder:
        return Descriptors(Descriptors.Config())

    def ready_folder(self) -> Path:
        return self.folder


def seen(*pictures: np.ndarray, **weights: float) -> Floats:
    return Descriptors(Descriptors.Config(**weights)).encode(pictures)


@pytest.mark.parametrize(
    ("srgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_lab_is_that_of_the_standard(srgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    np.testing.assert_allclose(to_lab(np.array([srgb], np.uint8))[0], lab, atol=0.05)


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=30))
def test_colours_are_shares(pixels: list[tuple[int, int, int]]) -> None:
    lab = to_lab(np.array(pixels, np.uint8))
    found = colour_histogram(lab)
    assert found.shape == (N_COLOURS,)
    assert (found >= 0).all()
    np.testing.assert_allclose((found**2).sum(), 1, atol=1e-5)
    # Neither the order of pixels nor their number counts.
    np.testing.assert_allclose(colour_histogram(np.repeat(lab[::-1], 3, axis=0)), found, atol=1e-5)


@given(st.integers(0, 255))
def test_grey_has_no_hue(level: int) -> None:
    assert colour_histogram(to_lab(np.full((4, 3), level, np.uint8)))[len(GREYS) :].sum() < 1e-3


def test_a_shade_lighter_moves_a_little_and_another_hue_far() -> None:
    one, lighter, other = (colour_histogram(to_lab(np.array([c], np.uint8))) for c in (RED, (205, 36, 46), BLUE))
    assert one @ lighter > 0.95
    assert one @ other < 0.2


def test_the_product_is_told_from_a_plain_background() -> None:
    picture = product(RED, height=80, width=60)
    found = find_foreground(to_lab(picture))
    assert found.is_found
    np.testing.assert_array_equal(found.mask, (picture != 255).any(axis=2))
    top, bottom, left, right = found.box
    assert found.mask[top:bottom, left:right].all()


def test_what_an_outline_closes_in_is_product() -> None:
    """A white shirt on white."""
    picture = product(BLACK)
    picture[20:60, 20:40] = 255
    assert find_foreground(to_lab(picture)).mask[30, 30]


@pytest.mark.parametrize("size", [(1, 1), (3, 80), (80, 2), (5, 5)])
def test_too_little_to_tell_is_taken_whole(size: tuple[int, int]) -> None:
    found = find_foreground(to_lab(plain(RED, *size)))
    assert not found.is_found
    assert found.mask.all()
    assert found.box == (0, size[0], 0, size[1])


def test_a_scene_without_a_plain_background_is_taken_whole() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 60, 3)).astype(np.uint8)
    assert not find_foreground(to_lab(noise)).is_found


def test_colour_counts_and_the_background_does_not() -> None:
    colours = {"texture": 0.0, "shape": 0.0}
    red, on_grey, blue = seen(product(RED), product(RED, background=(128, 128, 128)), product(BLUE), **colours)
    assert red @ on_grey > 0.98
    assert red @ blue < 0.8


def test_shape_does_not_see_colour() -> None:
    shapes = {"texture": 0.0, "colour": 0.0}
    red, green, trousers, disc = seen(
        product(RED), product(GREEN), product(RED, "trousers"), product(RED, "disc"), **shapes
    )
    assert red @ green > 0.97
    assert red @ green > max(red @ trousers, red @ disc) + 0.02


def test_texture_tells_stripes_from_plain() -> None:
    patterns = {"shape": 0.0, "colour": 0.0}
    one, other, striped = seen(product(RED), product(BLUE), product(RED, "stripes"), **patterns)
    assert one @ other > one @ striped + 0.05


@pytest.mark.parametrize("scale", [0.5, 2, 5])
def test_size_hardly_counts(scale: float) -> None:
    small, large = product(RED, "trousers"), product(RED, "trousers", height=round(80 * scale), width=round(60 * scale))
    one, other, different = seen(small, large, product(BLUE, "disc"))
    assert one @ other > 0.9
    assert one @ other > one @ different + 0.2


def test_where_the_product_stands_hardly_counts() -> None:
    small = product(RED, height=40, width=30)
    left, right = plain(WHITE), plain(WHITE)
    left[5:45, 2:32] = small
    right[35:75, 28:58] = small
    one, other = seen(left, right)
    assert one @ other > 0.99


def test_edges_keep_their_direction() -> None:
    """Bars across have their edges down, bars down across; each in half of the directions' circle."""
    bars = (np.arange(SIDE) // 4 % 2 * 80.0).astype(np.float32)
    across = edge_directions(np.tile(bars[:, None], (1, SIDE))).reshape(-1, N_DIRECTIONS).sum(axis=0)
    down = edge_directions(np.tile(bars[None], (SIDE, 1))).reshape(-1, N_DIRECTIONS).sum(axis=0)
    assert across.argmax() == N_DIRECTIONS // 2
    assert down.argmax() == 0


def test_patterns_of_a_plain_surface_are_all_alike() -> None:
    found = texture(np.full((20, 20), 50, np.float32), np.ones((20, 20), bool))
    assert found[0] == found[N_PATTERNS] == 1  # no neighbour is lighter
    assert np.count_nonzero(found) == 3


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_silhouette_keeps_the_share_of_the_box(height: int, width: int) -> None:
    mask = np.random.default_rng(height * width).random((height, width)) < 0.5
    assert silhouette(mask).mean() == pytest.approx(mask.mean(), abs=1e-5)
    np.testing.assert_allclose(silhouette(np.ones((height, width), bool)), 1, atol=1e-5)


def test_weights_are_part_of_the_key() -> None:
    assert Descriptors(Descriptors.Config()).key() != Descriptors(Descriptors.Config(shape=2.0)).key()
