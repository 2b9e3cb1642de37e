"""What diversity costs, and who gives most of it: every reranker on the same candidates with a real model's scores.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/diversity.py

FOLDER holds `beauty/` and `games/`; `online-retail` comes with Shelfwise. A model of each shop (see
`slates/candidates.py`) is trained once and asked for the candidates of every question; candidates are kept under
`benchmarks/.prepared`. Slates are of ten. Every setting that is reported at a loss of NDCG was chosen on the questions
of the validation, which no test question is among: as the most of which it is sure enough that it costs other users no
more (see `slates/asker.py`). The test is asked once. NDCG counts right answers that are no candidates. Distance is the
mean cosine distance of the whitened texts within a slate, as `shelfwise evaluate` states it; beside it stands that of
the encoder's own vectors. Intervals by paired bootstrap over users, those of coverage by the jackknife.

- `mmr`, `dpp`, `calibrated`, `coverage`, `tail`: ours as they come: of the best 100, `calibrated` of 200.
- `mmr, seldom shown`: `mmr` that prefers what it has shown seldom so far, by a weight chosen on the validation: the
  smallest whose slates cover enough more.
- `mmr, raw texts`: `mmr` with likeness by the encoder's own vectors.
- `plain MMR`: as it was published: scores scaled to [0, 1] within the request, the most alike of those picked, shown in
  the order of picking; of the best 100.
- `popularity penalty`: scores scaled alike, less an item's share of the most popular candidate's events.

Ceilings are the largest distances that were found for slates of the best 100, by somebody who does not care for
relevance, and by somebody who knows the right answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from rich.console import Console
from scipy.optimize import isotonic_regression

from record import Record, arguments
from shelfwise.evaluate.slates import Items, Make, made_by
from shelfwise.features.text_vectors import TextVectors
from shelfwise.metrics import hypervolume, paired_difference
from shelfwise.rerank.brakes import Tail
from shelfwise.rerank.calibrated import Calibrated
from shelfwise.rerank.coverage import Coverage
from shelfwise.rerank.dpp import DPP
from shelfwise.rerank.listed import Listed
from shelfwise.rerank.mmr import MMR
from shelfwise.schemas.ids import Doubles, Floats, Rows
from slates.asker import AFFORDABLE, PER_USER, STEPS, Asker, Made, affordable
from slates.candidates import prepared
from slates.ceilings import ceilings
from slates.measured import cut, items_of, known_data, known_raw, questions_of, thinned
from tables import DIVERSITY_COLUMNS, diversity_lines, diversity_title, show

SHOPS = {"online-retail": "time-split", "beauty": "leave-one-out", "games": "leave-one-out"}
QUICK_QUESTIONS = 400
N_BEST = 100
"""Candidates that the others choose from, and that ceilings are of."""

SELDOM = (0.1, 0.2, 0.35, 0.6, 1.0)
DISTANCE_GAIN, COVERAGE_GAIN, KL_FALL, VOLUME_GAIN = 0.20, 0.30, 0.50, 0.05
COVERAGE_AIM = 1.2 * COVERAGE_GAIN
"""On the validation: other users are shown other things."""

ROUNDING = 5e-4
"""A mean distance that falls by less has not fallen."""

REFERENCE = np.array([0.5, 1.0])
"""Volumes are of NDCG and distance, both relative to the ranker's own: from half of its NDCG and its own distance."""

N_TUNED, N_WEIGHED, N_ASKED, N_SWEPT, N_CEILED = 12_500, 6_000, 25_000, 1_000, 1_000
"""Users, about: whose validation questions choose settings, and the weight of being seldom shown; whose test questions
are asked at those, and at every setting; whose furthest slates are sought. All users where a shop has fewer."""

BETWEEN = 20
"""Points between two settings: one user in so many can be given the next one."""

N_RESAMPLES = 1_000

PLAIN, PENALTY, SPREAD, RAW = "plain MMR", "popularity penalty", "mmr, seldom shown", "mmr, raw texts"

Maker = Callable[[float], Make]

console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Contender:
    """Slates by how much diversity is asked for, from 0 to 1."""

    name: str
    make: Maker
    is_ours: bool


def scaled(listed: Listed) -> Floats:
    """Scores of the best, brought to [0, 1] within the request."""
    scores = listed.scores[:N_BEST]
    return (scores - scores[-1]) / max(float(scores[0] - scores[-1]), 1e-9)


def plain_mmr(diversity: float) -> Make:
    """Carbonell & Goldstein (1998), literally."""

    def make(listed: Listed) -> Rows:
        vectors, _ = listed.facts.vectors["text"].take(listed.rows[:N_BEST])
        alike = vectors @ vectors.T
        value = (1 - diversity) * scaled(listed)
        nearest = np.zeros(len(value), np.float32)
        chosen: list[int] = []
        for _ in range(min(listed.k, len(value))):
            place = int((value - diversity * nearest).argmax())
            nearest = np.maximum(nearest, alike[place]) if chosen else alike[place]
            value[place] = -np.inf
            chosen.append(place)
        return np.array(chosen, np.int32)

    return make


def popularity_penalty(diversity: float) -> Make:
    """Scores less popularity, both scaled within the request."""

    def make(listed: Listed) -> Rows:
        popularity = np.expm1(listed.facts.state.popularity[listed.rows[:N_BEST], -1])
        value = (1 - diversity) * scaled(listed) - diversity * popularity / max(float(popularity.max()), 1e-9)
        return np.argsort(-value, kind="stable")[: listed.k].astype(np.int32)

    return make


def by_raw(raw: Floats, maker: Maker) -> Maker:
    """The same component, told the encoder's own vectors in place of the whitened ones."""
    vectors = TextVectors(raw)

    def at(diversity: float) -> Make:
        make = maker(diversity)

        def told(listed: Listed) -> Rows:
            facts = replace(listed.facts, vectors={**listed.facts.vectors, "text": vectors})
            return make(replace(listed, facts=facts))

        return told

    return at


def contenders(seldom: float, raw: Floats) -> list[Contender]:
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
    found.append(Contender(RAW, by_raw(raw, lambda d: made_by(ours["mmr"], d)), True))
    return [*found, Contender(PLAIN, plain_mmr, False), Contender(PENALTY, popularity_penalty, False)]


def seldom_weight(asker: Asker, n_unseen: int) -> float:
    """The smallest weight whose slates, at what is affordable, cover as much more as is aimed at.

    Between two weights coverage is taken as straight, over all of them as rising.
    """
    covered = []
    for weight in SELDOM:
        one = MMR(MMR.Config(seldom=weight))
        setting = affordable(asker, lambda d, one=one: made_by(one, d), n_unseen)
        covered.append(asker.relative(asker.made(made_by(one, setting), with_mix=False))["coverage"])
    rising = isotonic_regression(covered).x + 1e-9 * np.arange(len(covered))
    return float(np.interp(COVERAGE_AIM, rising, SELDOM))


def measured(name: str, n_questions: int | None, say: Callable[[str], None]) -> dict[str, Any]:
    """One shop: constants by its validation, everything else on its test."""
    kept = prepared(name, SHOPS[name], say)  # type: ignore[arg-type]
    data = known_data(name, SHOPS[name])
    items, raw = items_of(data), known_raw(data)
    say(f"{name}: validation")
    validation = thinned(questions_of(kept.validation, items, data.now_ms), n_questions or N_TUNED)
    tuning = Asker.of(validation, items, raw)
    test = Asker.of(thinned(questions_of(kept.test, items, data.now_ms), n_questions or N_ASKED), items, raw)
    n_unseen = test.n_questions
    seldom = seldom_weight(Asker.of(thinned(validation, N_WEIGHED), items, raw), n_unseen)
    # A mean over so many tells one setting from the next: the same slates are compared.
    part = Asker.of(thinned(test.questions, N_SWEPT), items, raw)
    rows: list[dict[str, Any]] = []
    for one in contenders(seldom, raw):
        say(f"{name}: {one.name}")
        setting = affordable(tuning, one.make, n_unseen)
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
    say(f"{name}: ceilings")
    return {
        "n_validation": tuning.n_questions,
        "n_test": test.n_questions,
        "n_items": items.n_allowed,
        "seldom_weight": seldom,
        "ranker": test.plain.means(),
        "ceilings": limits(test, items, raw),
        "contenders": rows,
    }


def limits(asker: Asker, items: Items, raw: Floats) -> dict[str, dict[str, float]]:
    """Of the candidates of some users, by either kind of vectors."""
    assert items.vectors is not None
    some = [cut(one, N_BEST) for one in thinned(asker.questions, N_CEILED)]
    return {"whitened": ceilings(some, items.vectors), "raw": ceilings(some, raw)}


def beside(asker: Asker, found: Made) -> dict[str, Any]:
    """Against the ranker's own slates of the same users, with intervals."""
    answer: dict[str, Any] = {}
    for name in PER_USER:
        one = paired_difference(found.each(name), asker.plain.each(name), n_resamples=N_RESAMPLES)
        answer[name] = {"relative": one.relative, "low": one.relative_low, "high": one.relative_high}
    low, high = asker.coverage_interval(found)
    answer["coverage"] = {"relative": asker.relative(found)["coverage"], "low": low, "high": high}
    return answer | {"means": found.means()}


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
