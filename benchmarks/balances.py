"""How the objectives' losses are balanced in training: fronts by hypervolume, and who pays for whom.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/balances.py

FOLDER holds `retailrocket/`; known is what happened before its last 28 days. Our retrievers are asked at visits of the
past, and the ranker learns clicks, carts and purchases from a quarter of these, with each of three seeds another,
by each way of balancing, and by one network per objective. Judged on 1,500 visits of the last 28 days, drawn at random,
each with all of its candidates; intervals by bootstrap over users of the means over seeds.

- hypervolume: of the points (NDCG@10 of clicks, of carts, of purchases) that the requests' weights can reach, over a
  grid of weights in quarters, each objective's value counted in its mean; above 0. Of one network per objective too,
  whose values are weighed the same.
- loss: cross-entropy per candidate, divided by that of the objective's own network. An objective pays where the whole
  interval lies above 1.

Networks are judged as they were trained, before calibration: that would hide what balancing does to losses. What no
retriever named is left out: the candidates are the same for all.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from goal_tables import BALANCE_COLUMNS, balance_lines, balance_title
from goals import retailrocket
from record import Record, arguments
from shelfwise.config.objectives import present
from shelfwise.datasets.outcomes import Judge
from shelfwise.datasets.splits import next_moments
from shelfwise.metrics import front, hypervolume
from shelfwise.neural.ranking import training
from shelfwise.neural.ranking.lines import ABSENT, Lines
from shelfwise.neural.ranking.network import Shape
from shelfwise.neural.ranking.settings import RankingOptions
from shelfwise.rank.outcome_tables import thinned
from shelfwise.rank.ranker import RankingTable
from shelfwise.schemas.candidates import ANY_KIND
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import Doubles, Floats
from shelfwise.track.tracker import NOTHING, untracked
from shelfwise.train.examples import ranking_table
from shelfwise.train.past_requests import ask_the_past, fitted_retrievers
from shelfwise.train.stages import Stages
from tables import show

DATA = "SHELFWISE_BENCH_DATA"
OBJECTIVES = ("click", "cart", "purchase")
BALANCES = ("fixed", "uncertainty", "upgrad", "mgda", "pcgrad", "nash")
ALONE = "one network each"
SEEDS = (0, 1, 2)
N_VISITS = 1_500
EVERY = 4
"""Of the visits that there are to learn from, one in so many is; with each seed others."""

K = 10
QUARTERS = 4
N_RESAMPLES = 1_000

console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one way brought, by user; U users, G points of the grid, K objectives.

    Attributes:
        ndcg: NaN where the user never did that; shape `(G, K, U)`.
        loss: Summed over the user's candidates; shape `(K, U)`.
    """

    ndcg: Doubles
    loss: Doubles


def main() -> int:
    """Measure, print."""
    args = arguments(__doc__ or "", "one seed, a tenth of the visits that are judged").parse_args()
    record = Record("balances", args.quick)
    folder = Path(os.environ.get(DATA, "")) / "retailrocket"
    if DATA not in os.environ or not folder.is_dir():
        record.skip("everything", f"{DATA} must name the folder that holds retailrocket/")
        return record.finish(args.json)
    log, held_out = _log(folder)
    say("fitting the retrievers on everything known")
    retrievers = fitted_retrievers(log.config, log.data, {}, "everything", lambda *_: None, Stages(), NOTHING)
    asked = ranking_table(
        retrievers,
        log.data,
        held_out[0],
        repeats=False,
        n_history=log.config.behaviour.history,
        has_clock=True,
        max_requests=N_VISITS // 10 if args.quick else N_VISITS,
        judge=held_out[1],
    )
    say("asking the past")
    everybody = np.ones(log.data.interactions.n_users, bool)
    past = ask_the_past(log.config, log.data, everybody, lambda *_: None, outcomes=True).table
    runs: dict[str, list[Judged]] = {}
    seconds: dict[str, list[float]] = {}
    for seed in SEEDS[:1] if args.quick else SEEDS:
        table = past.where(np.arange(len(past.groups)) % EVERY == seed)
        rates = (table.outcomes == 1).mean(axis=0)
        for way in (*BALANCES, ALONE):
            started = time.process_time()
            values = _alone(table, asked, seed) if way == ALONE else _values(table, asked, seed, balance=way)
            runs.setdefault(way, []).append(_judged(values, asked, rates))
            seconds.setdefault(way, []).append(time.process_time() - started)
            say(f"seed {seed}: {way}, {seconds[way][-1]:.0f} CPU s")
        found = _compared(runs)
        for line in found["lines"]:
            line["seconds"] = seconds[line["balance"]]
        found |= {"n_visits": len(asked.groups), "n_candidates": len(asked.rows), "n_seeds": len(runs[ALONE])}
        record.results["retailrocket, time split"] = found
        record.finish(args.json)
    _show(record.results["retailrocket, time split"])
    return 0


def _log(folder: Path) -> tuple[retailrocket.Log, tuple[Any, Judge]]:
    """The shop before its last weeks with three objectives; visits of these weeks, and who tells their outcomes."""
    whole = next(log for log in retailrocket.splits(folder) if log.name == "published")
    known = next(log for log in retailrocket.splits(folder) if log.name == "time-split")
    objectives = {name: spec for name, spec in known.config.objectives.items() if name in OBJECTIVES}
    config = known.config.model_copy(update={"objectives": objectives})
    log = whole.data.interactions
    visits = next_moments(
        log,
        EventKind.PURCHASE,
        np.ones(log.n_users, bool),
        cut_ms=known.data.now_ms,
        until_ms=log.end_ms,
        per_user=retailrocket.VISITS,
        seed=0,
        any_kind=True,
    ).where_had_is(ANY_KIND)
    return replace(known, config=config), (visits.shuffled(0), Judge(log, objectives, log.end_ms))


def _values(table: RankingTable, asked: RankingTable, seed: int, **options: Any) -> Floats:
    """What a network says of every candidate, as it was trained: by nothing but its losses; shape `(N, K)`."""
    config = RankingOptions(**options)
    names = list(table.objectives)
    parents = tuple(-1 if one.given is None else names.index(one.given) for one in table.objectives.values())
    shape = Shape(table.features.shape[1], 0, 0, len(EventKind), 1, parents, (False,) * len(names))
    network = training.train(
        _lines(*thinned(table, seed)), shape, names, config, seed=seed, report=lambda *_: None, track=untracked
    )
    return np.exp(training.predict(network, _lines(asked, np.ones(len(asked.rows), np.float32))))


def _lines(table: RankingTable, weights: Floats) -> Lines:
    """Without histories: items of this log have no texts, and attention has nothing to look at."""
    n = len(table.groups)
    return Lines(
        table.features,
        table.outcomes,
        weights,
        table.rows,
        np.zeros(len(table.rows), np.int64),
        np.concatenate([[0], np.cumsum(table.groups)]).astype(np.int64),
        np.zeros((n, 0), np.float32),
        np.zeros(n, np.int64),
        np.full((n, 1), ABSENT, np.int32),
        np.zeros((n, 1), np.int64),
        np.zeros((n, 1), np.float32),
        np.zeros((1, 0), np.float32),
    )


def _alone(table: RankingTable, asked: RankingTable, seed: int) -> Floats:
    """The same by one network for each objective."""
    found = []
    for column, name in enumerate(table.objectives):
        single = replace(table, outcomes=table.outcomes[:, [column]], objectives=present(table.objectives, {name}))
        found.append(_values(single, asked, seed))
    return np.concatenate(found, axis=1)


def _judged(values: Floats, asked: RankingTable, rates: Doubles) -> Judged:
    happened = asked.outcomes == 1
    said = np.clip(values.astype(np.float64), 1e-9, 1 - 1e-9)
    entropy = -np.where(happened, np.log(said), np.log1p(-said))
    owners = _owners(asked)
    n_users = int(owners.max()) + 1
    of_line = np.repeat(owners, asked.groups)
    loss = np.array(
        [np.bincount(of_line, entropy[:, column], n_users) for column in range(values.shape[1])], np.float64
    )
    ndcg = [_ndcg_by_user((values / rates) @ np.array(weights), asked, happened, owners) for weights in grid()]
    return Judged(np.array(ndcg), loss)


def grid() -> list[tuple[float, ...]]:
    """Weights of the objectives, in quarters that sum to 1."""
    return [
        tuple(part / QUARTERS for part in parts)
        for parts in product(range(QUARTERS + 1), repeat=len(OBJECTIVES))
        if sum(parts) == QUARTERS
    ]


def _ndcg_by_user(scores: Doubles, asked: RankingTable, happened: Any, owners: Any) -> Doubles:
    """Of one order of each visit's candidates, for every objective; a user's visits averaged; shape `(K, U)`."""
    n_users, n_objectives = int(owners.max()) + 1, happened.shape[1]
    discounts = 1 / np.log2(np.arange(K) + 2)
    ideal = np.concatenate([[np.inf], np.cumsum(discounts)])
    total, n_told = np.zeros((n_objectives, n_users)), np.zeros((n_objectives, n_users))
    ends = np.cumsum(asked.groups)
    for visit, (end, n) in enumerate(zip(ends.tolist(), asked.groups.tolist(), strict=True)):
        right = happened[end - n : end]
        n_right = right.sum(axis=0)
        if not n_right.any():
            continue
        top = np.argsort(-scores[end - n : end], kind="stable")[:K]
        gained = discounts[: len(top)] @ right[top] / ideal[np.minimum(n_right, K)]
        total[:, owners[visit]] += gained
        n_told[:, owners[visit]] += n_right > 0
    return np.divide(total, n_told, out=np.full_like(total, np.nan), where=n_told > 0)


def _owners(asked: RankingTable) -> Any:
    """A number for each visit's user; strangers are one each."""
    rows = np.array([one.history.user_row for one in asked.situations])
    return np.unique(np.where(rows >= 0, rows, -1 - np.arange(len(rows))), return_inverse=True)[1]


def _compared(runs: dict[str, list[Judged]]) -> dict[str, Any]:
    """Means over seeds with intervals over users, each way against the fixed weights and the networks of one goal."""
    ndcg = {way: np.mean([one.ndcg for one in found], axis=0) for way, found in runs.items()}
    loss = {way: np.mean([one.loss for one in found], axis=0) for way, found in runs.items()}
    random, n_users = np.random.default_rng(0), loss[ALONE].shape[1]
    drawn = [np.arange(n_users), *(random.integers(n_users, size=n_users) for _ in range(N_RESAMPLES))]
    volumes = {way: np.array([_volume(ndcg[way][:, :, users]) for users in drawn]) for way in runs}
    ratios = {
        way: np.array([loss[way][:, users].sum(1) / loss[ALONE][:, users].sum(1) for users in drawn]) for way in runs
    }
    lines = []
    for way in sorted(runs, key=lambda one: -volumes[one][0]):
        points = np.nanmean(ndcg[way], axis=2)
        by_objective = {name: _interval(ratios[way][:, place]) for place, name in enumerate(OBJECTIVES)}
        lines.append(
            {
                "balance": way,
                "hypervolume": _interval(volumes[way]),
                "over_seeds": float(np.std([_volume(one.ndcg) for one in runs[way]])),
                "against_fixed": _interval(volumes[way] / volumes["fixed"] - 1),
                "loss_against_alone": by_objective,
                "pays": [name for name, (_, low, _) in by_objective.items() if way != ALONE and low > 1],
                "ndcg_by_its_own_weight": {
                    name: float(points[_corner(place), place]) for place, name in enumerate(OBJECTIVES)
                },
                "front": [
                    {"weights": dict(zip(OBJECTIVES, weights, strict=True)), "ndcg": point.tolist()}
                    for weights, point, is_front in zip(grid(), points, front(points), strict=True)
                    if is_front
                ],
            }
        )
    return {"objectives": list(OBJECTIVES), "n_users": n_users, "lines": lines}


def _corner(place: int) -> int:
    return grid().index(tuple(float(other == place) for other in range(len(OBJECTIVES))))


def _volume(ndcg: Doubles) -> float:
    return hypervolume(np.nanmean(ndcg, axis=2), np.zeros(len(OBJECTIVES)))


def _interval(values: Doubles) -> list[float]:
    """The first is the figure, the others are resamples of it."""
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return [float(values[0]), float(low), float(high)]


def _show(found: dict[str, Any]) -> None:
    show(console, balance_title(found), BALANCE_COLUMNS, balance_lines(found))


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
