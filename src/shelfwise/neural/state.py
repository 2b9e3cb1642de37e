"""What is kept of a trained network so that a later training can go on from it; free of torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from shelfwise.neural.item_inputs import Vocabulary
from shelfwise.schemas.ids import Floats

WEIGHTS_FILE = "network.safetensors"
ABOUT_FILE = "network.json"
KNOWN_FILE = "known.npz"
N_PROBES = 64
SAME_COSINE = 0.95
"""Vectors of an item at least this near to each other are of one space."""


@dataclass(frozen=True, slots=True)
class State:
    """A network at rest.

    Rows of items never change, so the item of row `i` is the same here and in every later catalogue.

    Attributes:
        weights: By name.
        vocabulary: The meaning of the codes of names and prices.
        n_events: How many events of each user it has learned from; shape `(n_users,)`.
        probes: The text vectors of the first items, by which a changed text space is noticed; shape `(p, D_text)`.
    """

    weights: dict[str, Floats]
    vocabulary: Vocabulary
    n_events: npt.NDArray[np.int32]
    probes: Floats

    def reads(self, texts: Floats) -> bool:
        """Whether these text vectors lie in the space that the network learned to read; shape `(n, D_text)`.

        A few items may have a new text. Whitening that was fitted anew turns the whole space; encoding the same text
        again in another batch moves an 8-bit vector by a hair.
        """
        probes = self.probes
        if probes.shape[1] != texts.shape[1] or len(probes) > len(texts):
            return False
        texts = texts[: len(probes)]
        lengths = np.linalg.norm(probes, axis=1) * np.linalg.norm(texts, axis=1)
        cosines = np.sum(probes * texts, axis=1) / np.maximum(lengths, 1e-9)
        same = (cosines >= SAME_COSINE) | (~probes.any(axis=1) & ~texts.any(axis=1))
        return not len(same) or bool(same.mean() >= 0.5)

    def save(self, folder: Path) -> None:
        """Write weights, vocabulary and counts."""
        save_file({name: np.array(array, order="C") for name, array in self.weights.items()}, folder / WEIGHTS_FILE)
        about: dict[str, Any] = {"vocabulary": self.vocabulary.as_json()}
        (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
        np.savez(folder / KNOWN_FILE, n_events=self.n_events, probes=self.probes)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        with np.load(folder / KNOWN_FILE) as arrays:
            known = {name: arrays[name] for name in arrays.files}
        return cls(
            load_file(folder / WEIGHTS_FILE),
            Vocabulary.from_json(about["vocabulary"]),
            known["n_events"],
            known["probes"],
        )
