"""Learn from a shop's own past who buys of what, and who answered to real offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from shelfwise.datasets.training_data import TrainingData
from shelfwise.offers.buyers import Demand
from shelfwise.offers.logistic import Logistic
from shelfwise.offers.past_questions import Asker, Questions, moments
from shelfwise.offers.replies import PastOffer, Replies
from shelfwise.offers.response import ResponseModel, Tells, answer_features
from shelfwise.rank.calibration import Calibration, calibration_error
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats

FEWEST_PURCHASES = 200
"""That happened in the imagined offers to learn from; of fewer, nothing is learned."""

FEWEST_ANSWERS = 100
"""Users of past offers who answered, all offers together."""

CALIBRATING_SHARE = 0.25
"""Of the answers, those of the latest offers, which calibrate."""

RIDGE = 1.0
ANSWER_RIDGE = 100.0
"""Answers are few: what they say of the features counts little until there are many of them."""

MAX_SILENT = 100_000
"""Users who did not answer that are learned from at most; they are weighted back up."""

Report = Callable[[str], None]


class Learned(NamedTuple):
    """A model, and what the manifest says of it."""

    model: ResponseModel
    about: dict[str, Any]


class _Answers(NamedTuple):
    """Users of one or more past offers: log-odds of buying, features, and whether they answered."""

    buying: Floats
    features: Floats
    answered: Floats
    weights: Floats

    def tells(self, model: Logistic) -> Floats:
        return self.buying + model(self.features)


def learn_response(
    data: TrainingData,
    may_be_asked: Bools,
    past: Sequence[PastOffer] = (),
    replies: Replies | None = None,
    report: Report = lambda text: None,
    *,
    seed: int = 0,
) -> Learned:
    """The chance of buying, from imagined offers; that of answering, from real ones, where there are enough.

    Args:
        data: What may be known.
        may_be_asked: By user row.
        past: Offers that are over.
        replies: What was sent and answered at any time.
        report: Told of every step.
        seed: Of what is drawn.

    Cost:
        Some seconds, whatever the size of the log.
    """
    log = data.interactions
    model = ResponseModel(Demand.of(log, data.now_ms))
    n_purchases = int((log.kinds == CODE_BY_KIND[EventKind.PURCHASE]).sum())
    if not log.has_clock or n_purchases < FEWEST_PURCHASES:
        why = "the log has no clock" if not log.has_clock else f"the log has {n_purchases} purchases"
        return Learned(model, {"why_not": why})
    report("asking who bought what")
    asker = Asker(data, may_be_asked)
    learn, calibrate = moments(log, data.now_ms)
    if not learn:
        return Learned(model, {"why_not": "the log is too short"})
    early = Questions.together([asker.ask(moment, seed + place) for place, moment in enumerate(learn)])
    late = Questions.together([asker.ask(moment, seed + 1_000 + place) for place, moment in enumerate(calibrate)])
    n_bought = int(early.bought.sum())
    if n_bought < FEWEST_PURCHASES:
        return Learned(model, {"why_not": f"of {len(early):,} imagined offers, {n_bought} were followed by a purchase"})
    report("learning who buys what")
    fitted = Logistic.fit(early.features, early.bought, ridge=RIDGE)
    said = fitted(late.features)
    buying = Tells(fitted, Calibration.fit(said, late.bought))
    days = [moment.days for moment in learn]
    model = ResponseModel(model.demand, buying, None, (min(days) / 2, max(days) * 2))
    about = {
        "imagined": len(early),
        "bought": n_bought,
        "calibrated_on": len(late),
        "calibration_error_before": round(calibration_error(expit(said), late.bought), 5),
    }
    answering = _learn_answers(asker, model, past, replies or Replies(), seed)
    if answering is None:
        return Learned(model, {**about, "answers": int(sum(one.answered.sum() for one in past))})
    answers, about_answers = answering
    return Learned(ResponseModel(model.demand, buying, answers, model.days), {**about, **about_answers})


def _learn_answers(
    asker: Asker, model: ResponseModel, past: Sequence[PastOffer], replies: Replies, seed: int
) -> tuple[Tells, dict[str, Any]] | None:
    n_answers = int(sum(one.answered.sum() for one in past))
    if n_answers < FEWEST_ANSWERS:
        return None
    by_end = sorted(past, key=lambda one: one.end_ms)
    tables = [_asked(asker, model, one, replies, seed + place, n_answers) for place, one in enumerate(by_end)]
    # The latest offers that hold a quarter of the answers calibrate, all but the earliest of all at most.
    after = np.cumsum([float(one.answered.sum()) for one in reversed(tables)])
    n_late = int(min(np.searchsorted(after, CALIBRATING_SHARE * n_answers) + 1, len(tables) - 1))
    calibration = Calibration.as_it_is()
    if n_late:
        early, late = _together(tables[:-n_late]), _together(tables[-n_late:])
        times = np.maximum(np.rint(late.weights), 1).astype(np.int64)
        said = late.tells(_fitted(early))
        calibration = Calibration.fit(np.repeat(said, times), np.repeat(late.answered, times))
    whole = _together(tables)
    about = {"answers": n_answers, "past_offers": len(past), "offers_that_calibrate": n_late}
    return Tells(_fitted(whole), calibration), about


def _fitted(table: _Answers) -> Logistic:
    return Logistic.fit(table.features, table.answered, ridge=ANSWER_RIDGE, start=table.buying, weights=table.weights)


def _asked(
    asker: Asker, model: ResponseModel, offer: PastOffer, replies: Replies, seed: int, n_answers: int
) -> _Answers:
    silent = np.flatnonzero(~offer.answered)
    share = max(float(offer.answered.sum()) / n_answers, 1e-3)
    kept = np.random.default_rng(seed).permutation(silent)[: max(int(MAX_SILENT * share), 1_000)]
    chosen = np.sort(np.concatenate([np.flatnonzero(offer.answered), kept]))
    days = model.days_that_count(offer.days)
    features = asker.features(offer.is_member, offer.sent, offer.start_ms, days)[chosen]
    answered = offer.answered[chosen]
    weights = np.where(answered, 1.0, len(silent) / max(len(kept), 1)).astype(np.float32)
    return _Answers(
        model.log_odds_of_buying(features),
        answer_features(features, replies.features(offer.sent[chosen], offer.start_ms)),
        answered.astype(np.float32),
        weights,
    )


def _together(tables: Sequence[_Answers]) -> _Answers:
    return _Answers(*(np.concatenate(parts) for parts in zip(*tables, strict=True)))
