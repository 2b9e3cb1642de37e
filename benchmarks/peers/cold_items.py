"""The exam about items that nobody has touched yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from peers.exam import Bools, Exam, Questions

SHARE = 0.1
SEED = 0


def cold_items(exam: Exam) -> Exam:
    """A share of the items taken out of all training; asked are the users whose answer is one of them.

    The items stay in the catalogue with their texts and in the histories of questions: a model that reads texts may
    use both. The whole catalogue is ranked. The validation asks about the same items, through other events.

    Args:
        exam: Leave-one-out.
    """
    is_cold = np.zeros(exam.about.n_items, bool)
    drawn = np.random.default_rng(SEED).permutation(exam.about.n_items)
    is_cold[drawn[: round(SHARE * exam.about.n_items)]] = True
    kept = ~is_cold[exam.past.item_rows]
    asked = (
        f"each user's last event where it is one of the {is_cold.sum():,} items ({SHARE:.0%}) that were taken out of "
        "training altogether; the whole catalogue is ranked"
    )
    return replace(
        exam,
        about=replace(exam.about, protocol="cold-items", asked=asked),
        past=exam.past.where(kept),
        known_for_validation=exam.known_for_validation[kept],
        validation=_about(exam.validation, is_cold),
        test=_about(exam.test, is_cold),
    )


def _about(questions: Questions, is_cold: Bools) -> Questions:
    places = [place for place in range(len(questions)) if is_cold[questions.relevant(place)].all()]
    return questions.take(np.array(places, np.int64))
