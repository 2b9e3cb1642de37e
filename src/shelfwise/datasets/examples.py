"""Point-in-time examples: what was known of a user at a moment, and what came next."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.devices import UNKNOWN_DEVICE
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Rows
from shelfwise.schemas.scenario_names import UNKNOWN

NO_CONTEXT: Rows = np.empty(0, np.int32)


@dataclass(frozen=True, slots=True)
class Example:
    """One question with its right answers.

    Attributes:
        user_row: Who.
        situation: What was known: nothing in it happened after `situation.now_ms`.
        relevant: The distinct items that came next; never empty.
        left_out: Items that are neither right nor wrong: they are not to be named.
    """

    user_row: int
    situation: Situation
    relevant: Rows
    left_out: Rows = field(default_factory=lambda: NO_CONTEXT)


@dataclass(frozen=True, slots=True)
class Examples:
    """Examples as a sequence."""

    entries: list[Example]

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.entries)

    def shuffled(self, seed: int) -> Examples:
        """All of them in a random order, so that any first part is a fair sample."""
        order = np.random.default_rng(seed).permutation(len(self.entries))
        return Examples([self.entries[index] for index in order])

    def without_repeats(self) -> Examples:
        """With only those answers that the user did not have before; examples left without any are dropped."""
        kept: list[Example] = []
        for example in self.entries:
            new = example.relevant[~np.isin(example.relevant, example.situation.had)]
            if len(new):
                kept.append(replace(example, relevant=new))
        return Examples(kept)

    def where_had_is(self, code: int) -> Examples:
        """The same questions, with another kind of event making an item one that the user had."""
        return Examples([replace(one, situation=replace(one.situation, target=code)) for one in self.entries])

    def with_profiles(self, profiles: ProfileVectors | None, *, as_new_share: float = 0.0, seed: int = 0) -> Examples:
        """The same questions, with what each user says of himself.

        A users' file tells the present: it is taken to have been so at every moment.

        Args:
            profiles: By user row; None where there are none: then the examples are returned as they are.
            as_new_share: Share of the questions about users with a profile that are asked as if the user had done
                nothing yet, in [0, 1]. What the user had turned to before is then left out; where no right answer is
                left, the question stays as it is.
            seed: Of the draw.
        """
        if profiles is None:
            return self
        random = np.random.default_rng(seed)
        found: list[Example] = []
        for example in self.entries:
            vector = profiles.of_user(example.user_row)
            if vector is None:
                found.append(example)
                continue
            told = replace(example, situation=replace(example.situation, profile=vector))
            if len(told.situation.history) and random.random() < as_new_share:
                told = _as_new(told) or told
            found.append(told)
        return Examples(found)

    def repeat_share(self) -> float:
        """The share of answers that the user had before; 0 without examples."""
        n_answers = sum(len(example.relevant) for example in self.entries)
        n_new = sum(len(example.relevant) for example in self.without_repeats().entries)
        return 0.0 if n_answers == 0 else 1.0 - n_new / n_answers


def _as_new(example: Example) -> Example | None:
    """The question as if the user had done nothing; None where the answers are what was turned to before alone.

    What was turned to before is no wrong answer: it fits the user, and nobody can tell when it would have been chosen.
    """
    before = np.unique(example.situation.history.rows)
    anew = example.relevant[~np.isin(example.relevant, before)]
    if not len(anew):
        return None
    return replace(
        example, situation=replace(example.situation, history=History.empty()), relevant=anew, left_out=before
    )


def example(
    history: History,
    now_ms: int,
    user_row: int,
    relevant: npt.NDArray[np.int32],
    target: EventKind = EventKind.PURCHASE,
    *,
    scenario: int = UNKNOWN,
    device: int = UNKNOWN_DEVICE,
) -> Example:
    """An example without context items."""
    situation = Situation(history, now_ms, NO_CONTEXT, CODE_BY_KIND[target], scenario=scenario, device=device)
    return Example(user_row, situation, np.unique(relevant).astype(np.int32))
