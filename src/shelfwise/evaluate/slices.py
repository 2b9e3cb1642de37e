"""NDCG by part: answers nobody had touched, users without history, the head and the tail of popularity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shelfwise.datasets.examples import Examples
from shelfwise.datasets.training_data import TrainingData
from shelfwise.evaluate.measure import Measured
from shelfwise.evaluate.report import Slice

ITEM_BOUNDS = (0, 1, 6, 21)
USER_BOUNDS = (0, 1, 5, 20)


def slices(measured: dict[str, Measured], data: TrainingData, examples: Examples, k: int) -> list[Slice]:
    """Cut the questions by what was known.

    By items: only the answers inside the slice count, found in the lists that were shown; questions without such an
    answer are left out. By users: all answers of the users inside.

    Args:
        data: What the models knew.
    """
    touched = np.bincount(data.interactions.item_rows, minlength=len(data.catalogue))
    lengths = np.array([len(example.situation.history) for example in examples])
    found: list[Slice] = []
    for low, high, name in _ranges(ITEM_BOUNDS, "items with {} events"):
        inside = (touched >= low) & (touched < high)
        found.append(_by_items(name, inside, measured, examples, k))
    for low, high, name in _ranges(USER_BOUNDS, "users with {} events"):
        chosen = (lengths >= low) & (lengths < high)
        ndcg = {
            model: float(one.by_metric["ndcg"][chosen].mean()) if chosen.any() else 0.0
            for model, one in measured.items()
        }
        found.append(Slice(name, int(chosen.sum()), ndcg))
    return [part for part in found if part.n]


def _by_items(
    name: str, inside: npt.NDArray[np.bool_], measured: dict[str, Measured], examples: Examples, k: int
) -> Slice:
    answers = [example.relevant[inside[example.relevant]] for example in examples]
    asked = [place for place, found in enumerate(answers) if len(found)]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ndcg: dict[str, float] = {}
    for model, one in measured.items():
        total = 0.0
        for place in asked:
            hits = np.isin(one.lists[place], answers[place])
            total += float(discount[hits].sum() / discount[: min(k, len(answers[place]))].sum())
        ndcg[model] = total / max(len(asked), 1)
    return Slice(name, len(asked), ndcg)


def _ranges(bounds: tuple[int, ...], text: str) -> list[tuple[int, float, str]]:
    found: list[tuple[int, float, str]] = []
    for place, low in enumerate(bounds):
        high = bounds[place + 1] if place + 1 < len(bounds) else np.inf
        label = str(low) if high == low + 1 else f"{low}+" if high == np.inf else f"{low} to {int(high) - 1}"
        found.append((low, high, text.format(label)))
    return found
