"""What diversity costs, and who gives most of it: every reranker on the same candidates with a real model's scores.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/diversity.py

FOLDER holds `beauty/` and `games/`; `online-retail` comes with Shelfwise. A model of each shop (see
`slates/candidates.py`) is trained once and asked for 100 candidates of every question; candidates are kept under
`benchmarks/.prepared`. Slates are of ten. Every setting that is reported at a loss of NDCG was chosen on the questions
of the validation, which no test question is among; the test is asked once. NDCG counts right answers that are no
candidates. Distance is the mean cosine distance of the whitened texts within a slate, as `shelfwise evaluate` states
it. Intervals by paired bootstrap over users, those of coverage by the jackknife.

- `mmr`, `dpp`, `calibrated`, `coverage`, `tail`: ours as they come.
- `mmr, seldom shown`: `mmr` that prefers what it has shown seldom so far, by a weight chosen on the validation.
- `plain MMR`: as it was published: scores scaled to [0, 1] within the request, the most alike of those picked, shown in
  the order of picking.
- `popularity penalty`: scores scaled alike, less an item's share of the most popular candidate's events.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console
from scipy.optimize import isotonic_regression

from record import Record, arguments
from shelfwise.evaluate.slates import Items, Make, Qualities, Question, by_relevance, made_by, qualities
from shelfwise.metrics import coverage, hypervolume, paired_difference
from shelfwise.rerank.brakes import Tail
from shelfwise.rerank.calibrated import Calibrated
from shelfwise.rerank.coverage import Coverage
from shelfwise.rerank.dpp import DPP
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.mmr import MMR
from shelfwise.schemas.ids import Bools, Doubles, Floats, Rows
from slates.candidates import prepared
from slates.measured import K, items_of, known_data, questions_of
from tables import DIVERSITY_COLUMNS, diversity_lines, diversity_title, show

SHOPS = {"online-retail": "time-split", "beauty": "leave-one-out", "games": "leave-one-out"}
QUICK_QUESTIONS = 400
STEPS = tuple(round(step / 10, 1) for step in range(1, 11))
SELDOM = (0.25, 0.5, 1.0)
AFFORDABLE, CHOSEN_AT = 0.03, 0.025
"""Of NDCG: what may be given up, and what a setting may cost on the validation, which is another sample of users."""

DISTANCE_GAIN, COVERAGE_GAIN, KL_FALL, VOLUME_GAIN = 0.20, 0.30, 0.50, 0.05
ROUNDING = 5e-4
"""A mean distance that falls by less has not fallen."""

REFERENCE = np.array([0.5, 1.0])
"""Volumes are of NDCG and distance, both relative to the ranker's own: from half of its NDCG and its own distance."""

N_TUNED, N_ASKED, N_SWEPT = 3_000, 5_000, 800
"""Users, about: whose validation questions choose settings, whose test questions are asked at those, and at every
setting. All users where a shop has fewer."""

BETWEEN = 20
"""Points between two settings: one user in so many can be given the next one."""

N_RESAMPLES = 1_000
N_GROUPS = 20
"""Of users, that are left out in turn."""

PLAIN, PENALTY, SPREAD = "plain MMR", "popularity penalty", "mmr, seldom shown"

Maker = Callable[[float], Make]

console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Contender:
    """Slates by how much diversity is asked for, from 0 to 1."""

    name: str
    make: Maker
    is_ours: bool


def scaled(listed: Listed) -> Floats:
    """Scores brought to [0, 1] within the request."""
    scores = listed.scores
    return (scores - scores[-1]) / max(float(scores[0] - scores[-1]), 1e-9)


def plain_mmr(diversity: float) -> Make:
    """Carbonell & Goldstein (1998), literally."""

    def make(listed: Listed) -> Rows:
        vectors, _ = listed.facts.vectors["text"].take(listed.rows)
        alike = vectors @ vectors.T
        value = (1 - diversity) * scaled(listed)
        nearest = np.zeros(len(listed), np.float32)
        chosen: list[int] = []
        for _ in range(min(listed.k, len(listed))):
            place = int((value - diversity * nearest).argmax())
            nearest = np.maximum(nearest, alike[place]) if chosen else alike[place]
            value[place] = -np.inf
            chosen.append(place)
        return np.array(chosen, np.int32)

    return make


def popularity_penalty(diversity: float) -> Make:
    """Scores less popularity, both scaled within the request."""

    def make(listed: Listed) -> Rows:
        popularity = np.expm1(listed.facts.state.popularity[listed.rows, -1])
        value = (1 - diversity) * scaled(listed) - diversity * popularity / max(float(popularity.max()), 1e-9)
        return np.argsort(-value, kind="stable")[: listed.k].astype(np.int32)

    return make


def contenders(seldom: float) -> list[Contender]:
    """Everybody; ours with the weight of being seldom shown that validation chose."""
    ours = {
        "mmr": MMR(MMR.Config()),
        SPREAD: MMR(MMR.Config(seldom=seldom)),
        "dpp": DPP(DPP.Config()),
        "calibrated": Calibrated(Calibrated.Config()),
        "coverage": Coverage(Coverage.Config()),
        "tail": Tail(Tail.Config()),
    }
    found = [Contender(name, lambda d, one=one: made_by(one, d), True) for name, one in ours.items()]
    return [*found, Contender(PLAIN, plain_mmr, False), Contender(PENALTY, popularity_penalty, False)]


@dataclass(frozen=True, slots=True)
class Asker:
    """Questions with the ranker's own slates."""

    questions: Sequence[Question]
    items: Items
    plain: Qualities

    @classmethod
    def of(cls, questions: Sequence[Question], items: Items) -> Asker:
        """Make the ranker's own slates."""
        return cls(questions, items, qualities(questions, items, by_relevance, K))

    def made(self, make: Make, *, with_mix: bool = True) -> Qualities:
        """Make and measure."""
        return qualities(self.questions, self.items, make, K, with_mix=with_mix)

    def relative(self, found: Qualities) -> dict[str, float]:
        """Means relative to the ranker's own: 0 is no change."""
        own = self.plain.means()
        return {
            name: value / own[name] - 1
            for name, value in found.means().items()
            if name in ("ndcg", "distance", "miscalibration", "coverage", "gini", "head_share", "entropy")
        }


def affordable(asker: Asker, maker: Maker) -> tuple[float, dict[str, float]]:
    """The most diversity that costs at most `CHOSEN_AT`, and what it gives.

    Costs are measured at every tenth and made monotone by isotonic regression, so that one lucky or unlucky tenth does
    not decide; between two tenths they are taken as straight.
    """
    costs, steps = [0.0], [0.0]
    for step in STEPS:
        found = asker.relative(asker.made(maker(step), with_mix=False))
        costs.append(-found["ndcg"])
        steps.append(step)
        if costs[-1] > 3 * AFFORDABLE:
            break
    rising = np.maximum(isotonic_regression(costs).x, 0.0)
    setting = float(np.interp(CHOSEN_AT, rising + 1e-9 * np.arange(len(rising)), steps))
    return setting, asker.relative(asker.made(maker(setting), with_mix=False))


def measured(name: str, n_questions: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """One shop: constants by its validation, everything else on its test."""
    kept = prepared(name, SHOPS[name], say)  # type: ignore[arg-type]
    data = known_data(name, SHOPS[name])
    items = items_of(data)
    say(f"{name}: validation")
    tuning = Asker.of(thinned(questions_of(kept.validation, items, data.now_ms), n_questions or N_TUNED), items)
    weights: dict[float, float] = {}
    for seldom in SELDOM:
        _, found = affordable(tuning, lambda d, seldom=seldom: made_by(MMR(MMR.Config(seldom=seldom)), d))
        # Both gains in units of what is promised of them: the weaker one counts.
        weights[seldom] = min(found["distance"] / DISTANCE_GAIN, found["coverage"] / COVERAGE_GAIN)
    seldom = max(weights, key=lambda one: weights[one])
    test = Asker.of(thinned(questions_of(kept.test, items, data.now_ms), n_questions or N_ASKED), items)
    # A mean over so many tells one setting from the next: the same slates are compared.
    part = Asker.of(thinned(test.questions, N_SWEPT), items)
    rows: list[dict[str, Any]] = []
    for one in contenders(seldom):
        say(f"{name}: {one.name}")
        setting, _ = affordable(tuning, one.make)
        sweep = [part.plain.means(), *(part.made(one.make(step), with_mix=False).means() for step in STEPS)]
        rows.append(
            {
                "contender": one.name,
                "ours": one.is_ours,
                "at_most_3_percent": {"diversity": setting, **beside(test, test.made(one.make(setting)))},
                "sweep": [{"diversity": step, **means} for step, means in zip((0.0, *STEPS), sweep, strict=True)],
                "largest_fall": largest_fall(sweep),
                "hypervolume": volume(sweep),
            }
        )
    return {
        "n_validation": len(tuning.questions),
        "n_test": len(test.questions),
        "n_items": items.n_allowed,
        "seldom_weight": seldom,
        "ranker": test.plain.means(),
        "contenders": rows,
    }


def thinned(questions: Sequence[Question], n: int) -> Sequence[Question]:
    """Every so many, about `n` together."""
    return questions[:: max(1, round(len(questions) / n))]


def beside(asker: Asker, found: Qualities) -> dict[str, Any]:
    """Against the ranker's own slates of the same users, with intervals."""
    answer: dict[str, Any] = {}
    for name in ("ndcg", "distance", "miscalibration"):
        one = paired_difference(getattr(found, name), getattr(asker.plain, name), n_resamples=N_RESAMPLES)
        answer[name] = {"relative": one.relative, "low": one.relative_low, "high": one.relative_high}
    low, high = coverage_interval(asker, found)
    answer["coverage"] = {"relative": asker.relative(found)["coverage"], "low": low, "high": high}
    return answer | {"means": found.means()}


def coverage_interval(asker: Asker, found: Qualities) -> tuple[float, float]:
    """Bounds of the relative gain by leaving out one group of users after the other.

    Drawn with repeats, lists would repeat and cover less than those of as many users do.

    Source:
        Tukey (1958), Bias and Confidence in Not Quite Large Samples: the jackknife.
    """
    n_items, n_users = len(asker.items.popularity), len(found.lists)
    group = np.random.default_rng(0).permutation(n_users) % N_GROUPS

    def gain(users: Bools) -> float:
        return coverage(found.lists[users], n_items) / coverage(asker.plain.lists[users], n_items) - 1

    without = np.array([gain(group != left_out) for left_out in range(N_GROUPS)])
    error = float(np.sqrt((N_GROUPS - 1) * without.var()))
    middle = gain(np.ones(n_users, bool))
    return middle - 1.96 * error, middle + 1.96 * error


def largest_fall(sweep: Sequence[Mapping[str, float]]) -> float:
    """Of the mean distance, from one setting to the next."""
    return max(0.0, *(earlier["distance"] - later["distance"] for earlier, later in pairwise(sweep)))


def volume(sweep: Sequence[Mapping[str, float]]) -> float:
    """Of NDCG and distance, both relative to the ranker's own; what lies between two settings is reached by both."""
    own = sweep[0]
    points: Doubles = np.array([[one["ndcg"] / own["ndcg"], one["distance"] / own["distance"]] for one in sweep])
    places = np.linspace(0, len(points) - 1, BETWEEN * (len(points) - 1) + 1)
    return hypervolume(
        np.column_stack([np.interp(places, np.arange(len(points)), column) for column in points.T]), REFERENCE
    )


def promise(record: Record, name: str, found: Mapping[str, Any]) -> None:
    """Hold one shop's numbers against what was promised."""
    by_name = {row["contender"]: row for row in found["contenders"]}
    ours = [row for row in found["contenders"] if row["ours"]]
    at = {row["contender"]: row["at_most_3_percent"] for row in ours}
    both = max(
        at.values(),
        key=lambda one: min(one["distance"]["relative"] / DISTANCE_GAIN, one["coverage"]["relative"] / COVERAGE_GAIN),
    )
    dearest = max(-one["ndcg"]["relative"] for one in at.values())
    record.promise(f"{name}-largest-ndcg-loss-of-all-these", dearest, AFFORDABLE, "below")
    record.promise(f"{name}-distance-gain-at-3-percent", both["distance"]["relative"], DISTANCE_GAIN, "at least")
    record.promise(f"{name}-coverage-gain-of-the-same-slates", both["coverage"]["relative"], COVERAGE_GAIN, "at least")
    for measure, bar in (("distance", DISTANCE_GAIN), ("coverage", COVERAGE_GAIN)):
        best = max(one[measure]["relative"] for one in at.values())
        record.promise(f"{name}-best-{measure}-gain-at-3-percent", best, bar, "at least")
    record.promise(
        f"{name}-miscalibration-fall-at-3-percent",
        -at["calibrated"]["miscalibration"]["relative"],
        KL_FALL,
        "at least",
    )
    best_volume = max(row["hypervolume"] for row in ours)
    for other in (PLAIN, PENALTY):
        record.promise(
            f"{name}-{other.replace(' ', '-').lower()}-share-of-our-volume",
            by_name[other]["hypervolume"] / best_volume,
            1 / (1 + VOLUME_GAIN),
            "below",
        )
    for row in ours:
        record.promise(
            f"{name}-largest-fall-{row['contender'].replace(' ', '-')}", row["largest_fall"], ROUNDING, "below"
        )


def main() -> int:
    """Every shop, then what was promised."""
    parser = arguments(__doc__ or "", f"online-retail only, {QUICK_QUESTIONS} questions")
    parser.add_argument("--data", nargs="*", choices=list(SHOPS), help="only these shops")
    options = parser.parse_args()
    record, people = Record("diversity", options.quick), Console(stderr=True)
    wanted = options.data or (["online-retail"] if options.quick else list(SHOPS))
    for name in SHOPS:
        if name not in wanted:
            record.skip(name, "not asked for")
            continue
        with people.status("") as status:
            found = measured(name, QUICK_QUESTIONS if options.quick else None, status.update)
        show(console, diversity_title(name, found), DIVERSITY_COLUMNS, diversity_lines(found))
        record.results[name] = found
        promise(record, name, found)
    return record.finish(options.json)


if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1":  # slates are small: threads would only wait for each other
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {"OMP_NUM_THREADS": "1"})
    sys.exit(main())
