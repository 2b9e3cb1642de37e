"""How alike two items are by text and picture, whichever of the two both have."""

from __future__ import annotations

import numpy as np

from shelfwise.schemas.ids import Bools, Floats

DEFAULT_PICTURE_WEIGHT = 1.0
"""Measured on the validation part of real product photos, see docs/experiments.md."""


def fused_similarity(
    text_cosines: Floats, picture_cosines: Floats, share_text: Bools, share_picture: Bools, picture_weight: float
) -> Floats:
    """The weighted sum of the cosines over those modalities that both sides have, on one scale.

    A modality that either side lacks is masked: it is neither counted as 0 nor as a likeness, and the other one
    decides alone. The sum is divided by the root of the summed squares of the weights, as sums of independent scores
    are: so chance makes pairs that share two modalities and pairs that share one equally alike, and two that agree
    say more than one. (Dividing by the sum of the weights, the mean, lets pairs that share less come first.)

    Args:
        text_cosines: Cosines of the texts; any value where not shared; shape `S`.
        picture_cosines: Cosines of the pictures; likewise.
        share_text: Whether both have a text; shape `S`, or one that broadcasts to it.
        share_picture: Whether both have a picture; likewise.
        picture_weight: Weight of pictures relative to texts, above 0.

    Returns:
        Shape `S`, in [-√2, √2], in [-1, 1] where one modality is shared; NaN where nothing is: then nothing is known.
    """
    of_picture = share_picture * np.float32(picture_weight)
    total = np.where(share_text, text_cosines, 0) + np.where(share_picture, picture_cosines, 0) * of_picture
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / np.sqrt(share_text + of_picture**2)).astype(np.float32)


def has_vector(vectors: Floats) -> Bools:
    """Which rows are there: a missing text or picture is a row of zeros; shape `(n,)`."""
    return np.asarray(vectors.any(axis=1), np.bool_)
