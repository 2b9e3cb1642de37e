"""The contract of text encoders."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np

from shelfwise.encode.encoder import TextEncoder
from shelfwise.schemas.ids import Floats

TEXTS = (
    "Red mug. Kitchen, Mugs",
    "",
    "Blue lamp",
    "waterproof leather boot for hiking trails " * 30,
    "kite",
    "Tasse à café, émaillée, 10 €",
    "red mug",
)


class TextEncoderContract(ABC):
    """What every text encoder keeps."""

    tolerance: float = 1e-4
    """How far the cosine between two vectors of one text may be from 1. Graphs in int8 need 0.02: they scale what they
    compute by the largest number of a batch."""

    @abstractmethod
    def make(self) -> TextEncoder:
        """A new encoder, not loaded; where it has a batch size, one below 7."""

    @abstractmethod
    def ready_folder(self) -> Path:
        """A folder that is ready for `make()`."""

    def loaded(self) -> TextEncoder:
        """An encoder that can run."""
        encoder, folder = self.make(), self.ready_folder()
        assert encoder.is_ready(folder)
        encoder.load(folder)
        return encoder

    def test_one_vector_of_length_1_per_text_the_empty_one_included(self) -> None:
        encoder = self.loaded()
        vectors = encoder.encode(TEXTS)
        assert vectors.shape == (len(TEXTS), encoder.dim)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)
        assert encoder.encode([]).shape == (0, encoder.dim)
        assert encoder.encode_queries(["red mug"]).shape == (1, encoder.dim)

    def test_vectors_keep_the_order_of_texts(self) -> None:
        encoder = self.loaded()
        forwards, backwards = encoder.encode(TEXTS), encoder.encode(TEXTS[::-1])
        self.assert_same(forwards, backwards[::-1])
        # Not just any order: a text is nearer to itself than to every other.
        assert ((forwards @ backwards[::-1].T).argmax(axis=1) == np.arange(len(TEXTS))).all()

    def test_company_does_not_matter(self) -> None:
        encoder = self.loaded()
        self.assert_same(np.concatenate([encoder.encode([text]) for text in TEXTS]), encoder.encode(TEXTS))

    def test_twice_the_same(self) -> None:
        np.testing.assert_array_equal(self.loaded().encode(TEXTS), self.loaded().encode(TEXTS))

    def test_runtime_files_suffice_elsewhere(self, tmp_path: Path) -> None:
        here = self.loaded()
        for name in here.runtime_files():
            shutil.copyfile(self.ready_folder() / name, tmp_path / name)
        there = self.make()
        assert there.is_ready(tmp_path)
        there.load(tmp_path)
        np.testing.assert_array_equal(here.encode(TEXTS), there.encode(TEXTS))

    def test_the_key_names_a_folder_and_is_the_same_for_the_same_options(self) -> None:
        assert self.make().key() == self.make().key()
        assert self.make().key().replace("-", "").replace("_", "").isalnum()

    def assert_same(self, one: Floats, other: Floats) -> None:
        """Hold two arrays of vectors against each other, line by line."""
        cosines = np.sum(one * other, axis=1)
        assert (cosines > 1 - self.tolerance).all(), cosines
