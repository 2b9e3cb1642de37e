"""The chance that a user answers to an offer: buys of its items while it holds.

Where too few real answers were logged, it is the chance of buying, whether an offer is made or not. Neither is the
difference that the offer makes: a log tells that only where some were left without it by chance.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from scipy.special import expit

from shelfwise.offers.buyers import Demand
from shelfwise.offers.logistic import Logistic
from shelfwise.offers.response_features import EXPECTED_AS_A_RULE, NAMES
from shelfwise.rank.calibration import Calibration
from shelfwise.schemas.ids import Doubles, Floats

FILE, SHARE_FILE = "response.json", "share.npy"

ChanceOf = Literal["answering", "buying"]

ANSWER_FEATURES = tuple(
    NAMES.index(name)
    for name in (
        "expected_lately",
        "share",
        "expected_of_all",
        "days_bought",
        "user_recency",
        "user_days",
        "likeness",
        "set_size",
    )
)
"""What answers are told from beside the chance of buying and the user's earlier answers: few, for answers are few."""


@dataclass(frozen=True, slots=True)
class Tells:
    """A logistic model with the calibration of what it says.

    Attributes:
        model: Fitted on earlier moments.
        calibration: Fitted on later ones.
    """

    model: Logistic
    calibration: Calibration

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"model": self.model.as_document(), "calibration": self.calibration.as_document()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        return cls(Logistic.from_document(document["model"]), Calibration.from_document(document["calibration"]))


@dataclass(frozen=True, slots=True)
class ResponseModel:
    """What is needed to tell the chance, of any set of items.

    Attributes:
        demand: What the shop sells.
        buying: Tells who buys; None where nothing could be learned: then it follows from how often the user and the
            shop's others buy of the items.
        answering: Tells who answers, beside the log-odds of buying; None where too few answers were logged.
        days: The shortest and the longest offers that were learned from; others count as these.
    """

    demand: Demand
    buying: Tells | None = None
    answering: Tells | None = None
    days: tuple[float, float] = field(default=(1.0, 366.0))

    @property
    def chance_of(self) -> ChanceOf:
        """What the chances are those of."""
        return "buying" if self.answering is None else "answering"

    def days_that_count(self, days: float) -> float:
        """Days of an offer, within what was learned."""
        return float(np.clip(days, *self.days))

    def log_odds_of_buying(self, features: Floats) -> Floats:
        """That the user buys of the items in time; shape `(N,)`.

        Args:
            features: In the order of `response_features.NAMES`; shape `(N, F)`.
        """
        if self.buying is None:
            # Purchases as rare events of a known rate: at least one with 1 - exp(-rate).
            rate = np.exp(np.minimum(features[:, EXPECTED_AS_A_RULE], 3.0).astype(np.float64))
            return np.log(np.expm1(rate)).astype(np.float32)
        return self.buying.calibration(self.buying.model(features))

    def chances(self, features: Floats, replies: Floats) -> Doubles:
        """Of an answer, or of buying where `chance_of` says so; shape `(N,)`.

        Args:
            features: In the order of `response_features.NAMES`; shape `(N, F)`.
            replies: In the order of `replies.REPLY_NAMES`; shape `(N, 4)`.
        """
        buying = self.log_odds_of_buying(features)
        if self.answering is None:
            return expit(buying.astype(np.float64))
        told = buying + self.answering.model(answer_features(features, replies))
        return expit(self.answering.calibration(told).astype(np.float64))

    def save(self, folder: Path) -> None:
        """Write everything into a folder that is there."""
        parts = {"buying": self.buying, "answering": self.answering}
        document = {name: None if part is None else part.as_document() for name, part in parts.items()}
        document |= {"per_day": self.demand.per_day, "days": list(self.days)}
        (folder / FILE).write_text(json.dumps(document), encoding="utf-8")
        np.save(folder / SHARE_FILE, self.demand.share)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        document = json.loads((folder / FILE).read_text(encoding="utf-8"))
        buying, answering = (
            None if document[name] is None else Tells.from_document(document[name]) for name in ("buying", "answering")
        )
        shortest, longest = document["days"]
        return cls(
            Demand(np.load(folder / SHARE_FILE), float(document["per_day"])), buying, answering, (shortest, longest)
        )


def answer_features(features: Floats, replies: Floats) -> Floats:
    """What an answer is told from, beside the log-odds of buying; shape `(N, 8 + 4)`."""
    return np.concatenate([features[:, ANSWER_FEATURES], replies], axis=1)
