"""Who answers to which offer: real coupons of a grocer, calibration on two shops, and plans within a budget.

    SHELFWISE_BENCH_DATA=FOLDER python benchmarks/offers.py

FOLDER holds `complete-journey/`. `online-retail` comes with the package.

**Answers.** 27 campaigns of 2017 with their coupons, the households that got them, and what these redeemed. For every
campaign the model learns from what was known when it began: purchases until then (a random twentieth of all lines, so
that most of what a household bought is not known), and campaigns that were over by then. It then ranks the campaign's
households by coupons. In the largest campaigns each household got some of the coupons only, the data do not say which:
all of them count as sent. Features, ridge and form of the model were chosen on the campaigns that began from May to
July (`VALIDATION`); those from August on (`TEST`) were asked once.

Against it: how often the household bought of the coupon's products so far, how lately, how much the products are bought
by anybody, and chance. The AUC is the mean over campaigns, by redemptions; captured is the share of redemptions that
lie among the best twentieth of each campaign's sendings. Equal scores count as mixed. Intervals are by paired bootstrap
over households.

**Calibration.** The chance of buying, learned on the log without its last 56 days, asked about sets drawn from the
shop's categories, brands and names, over 7 to 56 of these days: the expected calibration error over all pairs, and over
those alone that were given one chance in twenty or more, where errors are not hidden among the many that never buy.

**Plans.** 50 offers on such sets of `online-retail`, with and without budgets of their own: the share of the bound that
the plan brings; and how long 100,000 made-up users by 50 offers take.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from baskets import write_tables
from campaigns import Campaign, read_campaigns
from offer_tables import ANSWER_COLUMNS, answer_lines, answer_title
from record import Record, arguments
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.training_data import TrainingData
from shelfwise.metrics import PooledAuc
from shelfwise.offers.assignment import assign
from shelfwise.offers.learning import learn_response
from shelfwise.offers.past_questions import Asker, Moment
from shelfwise.offers.replies import Replies
from shelfwise.offers.response_features import NAMES
from shelfwise.rank.calibration import calibration_error
from shelfwise.shop import Shop
from shelfwise.train.data import Loaded, load
from tables import show

DATA = "SHELFWISE_BENCH_DATA"
VALIDATION = ("2017-05-01", "2017-08-01")
TEST = ("2017-08-01", "2018-01-01")
BEST = 0.05
"""Share of the sendings that are looked at."""

N_RESAMPLES, QUICK_RESAMPLES = 300, 50
QUICK_CAMPAIGNS = 3
WINDOW_D, DAYS = 56.0, (7.0, 14.0, 28.0, 56.0)
LIKELY = 0.05
WORST_ERROR = 0.02
LEAST_OF_BOUND = 0.99
BASELINES = {"purchases so far": "days_bought", "recency": "recency", "popularity": "share"}
OURS = "ours"

console = Console(width=140)
people = Console(stderr=True)


class Captured:
    """The share of what happened among the best scored, equal scores mixed; users may be drawn again and again."""

    def __init__(self, scores: np.ndarray, happened: np.ndarray, owners: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        self._starts = np.flatnonzero(np.append(True, np.diff(scores[order]) < 0))
        self._happened, self._owners = happened[order].astype(np.float64), owners[order]

    def __call__(self, weights: np.ndarray) -> float:
        """How much of what happened lies among the best `BEST` of the sendings, users counting as often as said."""
        each = weights[self._owners].astype(np.float64)
        seen = np.append(0, np.cumsum(np.add.reduceat(each, self._starts)))
        found = np.append(0, np.cumsum(np.add.reduceat(each * self._happened, self._starts)))
        return float(np.interp(BEST * seen[-1], seen, found))


@dataclass(frozen=True, slots=True)
class Asked:
    """One campaign, ranked by every model.

    Attributes:
        happened: Which of its sendings were answered; shape `(N,)`.
        owners: Household of each; shape `(N,)`.
        scores: By model; shape `(N,)` each.
    """

    happened: np.ndarray
    owners: np.ndarray
    scores: dict[str, np.ndarray]


def ask(loaded: Loaded, campaigns: list[Campaign], replies: Replies, campaign: Campaign) -> Asked:
    """Learn from what was known when a campaign began, and rank its sendings."""
    data, began = loaded.data, campaign.start_ms
    known = data.with_interactions(data.interactions.before(began), began)
    past = [offer for one in campaigns if one.end_ms <= began for offer in one.offers]
    model, about = learn_response(known, loaded.users, past, replies.before(began))
    asker, scores = Asker(known, loaded.users), dict[str, list[np.ndarray]]()
    for offer in campaign.offers:
        features = asker.features(offer.is_member, offer.sent, began, model.days_that_count(offer.days))
        told = model.chances(features, replies.features(offer.sent, began))
        scores.setdefault(OURS, []).append(told)
        scores.setdefault("chance of buying alone", []).append(model.log_odds_of_buying(features))
        for name, feature in BASELINES.items():
            scores.setdefault(name, []).append(features[:, NAMES.index(feature)])
    happened = np.concatenate([offer.answered for offer in campaign.offers])
    owners = np.concatenate([offer.sent for offer in campaign.offers])
    joined = {name: np.concatenate(parts) for name, parts in scores.items()}
    joined["random"] = np.random.default_rng(0).random(len(happened))
    people.print(
        f"campaign {campaign.name}: {len(happened):,} sendings, {happened.sum()} redeemed; {about}", markup=False
    )
    return Asked(happened, owners, joined)


def measured(asked: list[Asked], n_households: int, n_resamples: int) -> dict[str, Any]:
    """AUC and captured of every model, and how far ours is ahead of each; by bootstrap over households."""
    names = list(asked[0].scores)
    random = np.random.default_rng(0)
    draws = [np.ones(n_households)]
    draws += [
        np.bincount(random.integers(n_households, size=n_households), minlength=n_households)
        for _ in range(n_resamples)
    ]
    found = {name: {"auc": np.zeros(len(draws)), "captured": np.zeros(len(draws))} for name in names}
    answers = np.array([[float(draw[one.owners[one.happened]].sum()) for one in asked] for draw in draws])
    for name in names:
        for place, one in enumerate(asked):
            auc = PooledAuc(one.scores[name], one.happened, one.owners)
            captured = Captured(one.scores[name], one.happened, one.owners)
            for draw, weights in enumerate(draws):
                if answers[draw, place]:
                    padded = weights[: int(one.owners.max()) + 1]
                    found[name]["auc"][draw] += auc(padded) * answers[draw, place] / answers[draw].sum()
                    found[name]["captured"][draw] += captured(weights) / answers[draw].sum()
    rows: list[dict[str, Any]] = []
    for name in names:
        row: dict[str, Any] = {"model": name}
        for metric in ("auc", "captured"):
            ahead = found[OURS][metric] - found[name][metric]
            low, high = np.quantile(ahead[1:], [0.025, 0.975])
            row[metric] = float(found[name][metric][0])
            row[f"{metric}_ahead"] = {"difference": float(ahead[0]), "low": float(low), "high": float(high)}
        rows.append(row)
    return {
        "n_campaigns": len(asked),
        "n_sendings": int(sum(len(one.happened) for one in asked)),
        "n_answers": int(sum(one.happened.sum() for one in asked)),
        "rows": rows,
    }


def began_within(campaigns: list[Campaign], span: tuple[str, str]) -> list[Campaign]:
    """Campaigns with an answer that began in a span of days."""
    first, last = (np.datetime64(day, "ms").astype(np.int64) for day in span)
    return [one for one in campaigns if first <= one.start_ms < last and one.n_answers]


def answers(record: Record, loaded: Loaded, source: Path) -> None:
    """Rank real sendings."""
    campaigns, replies = read_campaigns(source, loaded.user_ids, loaded.data.catalogue.item_ids)
    n_resamples = QUICK_RESAMPLES if record.quick else N_RESAMPLES
    for name, span in (("validation", VALIDATION), ("test", TEST)):
        chosen = began_within(campaigns, span)
        if record.quick:
            chosen = sorted(chosen, key=lambda one: len(one.offers))[:QUICK_CAMPAIGNS]
        found = measured([ask(loaded, campaigns, replies, one) for one in chosen], len(loaded.user_ids), n_resamples)
        record.results[name] = found
        show(console, answer_title(name, found), ANSWER_COLUMNS, answer_lines(found))
    rivals = [row for row in record.results["test"]["rows"] if row["model"] in (*BASELINES, "random")]
    for metric in ("auc", "captured"):
        best = max(rivals, key=lambda row: row[metric])
        record.promise(f"offers-{metric}-above-best-baseline-low", best[f"{metric}_ahead"]["low"], 0.0, "at least")


def calibration(record: Record, name: str, loaded: Loaded) -> None:
    """Whether what is said of the chance of buying is so."""
    data = loaded.data
    cut_ms = data.now_ms - int(WINDOW_D * DAY_MS)
    started = time.process_time()
    model, about = learn_response(data.with_interactions(data.interactions.before(cut_ms), cut_ms), loaded.users)
    seconds = time.process_time() - started
    asker = Asker(data, loaded.users)
    said: list[np.ndarray] = []
    happened: list[np.ndarray] = []
    for place, days in enumerate(DAYS):
        questions = asker.ask(
            Moment(cut_ms, days), 5_000 + place, max_users=1_000 if record.quick else 4_000, n_sets=60
        )
        said.append(model.chances(questions.features, np.zeros((len(questions), 4), np.float32)))
        happened.append(questions.bought)
    chances, did = np.concatenate(said), np.concatenate(happened)
    likely = chances >= LIKELY
    found: dict[str, Any] = {
        "n": len(did),
        "share_bought": float(did.mean()),
        "mean_said": float(chances.mean()),
        "error": calibration_error(chances, did),
        "n_likely": int(likely.sum()),
        "share_bought_of_likely": float(did[likely].mean()),
        "mean_said_of_likely": float(chances[likely].mean()),
        "error_of_likely": calibration_error(chances[likely], did[likely]),
        "error_by_days": {
            f"{days:g}": calibration_error(one, other) for days, one, other in zip(DAYS, said, happened, strict=True)
        },
        "learned": about,
        "learned_cpu_s": round(seconds, 1),
    }
    record.results[f"calibration-{name}"] = found
    console.print(
        f"{name}: {found['n']:,} pairs, {found['share_bought']:.2%} bought, {found['mean_said']:.2%} said, error "
        f"{found['error']:.4f}; of {found['n_likely']:,} likely ones {found['share_bought_of_likely']:.1%} bought, "
        f"{found['mean_said_of_likely']:.1%} said, error {found['error_of_likely']:.4f}; learned in {seconds:.1f} s",
        markup=False,
    )
    record.promise(f"offers-calibration-error-{name}", found["error"], WORST_ERROR, "below")
    record.promise(f"offers-calibration-error-likely-{name}", found["error_of_likely"], WORST_ERROR, "below")


def plans(record: Record, data: TrainingData, loaded: Loaded) -> None:
    """How near to the bound plans come, and how long they take."""
    model, _ = learn_response(data, loaded.users)
    n_sets = 50
    asker, n_users = Asker(data, loaded.users), int(np.unique(data.interactions.user_rows).size)
    questions = asker.ask(Moment(data.now_ms, 28.0), 7, max_users=n_users, n_sets=n_sets)
    chances = model.chances(questions.features, np.zeros((len(questions), 4), np.float32))
    chances = chances.reshape(-1, int(loaded.users[np.unique(data.interactions.user_rows)].sum())).T
    random = np.random.default_rng(0)
    off, earned = random.uniform(0.2, 1.0, chances.shape[1]), random.uniform(0.2, 2.0, chances.shape[1])
    posted = random.choice([0.0, 0.02], chances.shape[1])
    for name, value, cost in (
        ("online-retail", chances * earned - posted, chances * off + posted),
        ("made-up", *_made_up(2_000 if record.quick else 100_000, random)),
    ):
        whole = float(np.where(value > 0, cost, 0).max(axis=1).sum())
        for own in (False, True):
            budgets = np.full(value.shape[1], np.inf)
            if own:
                budgets[::2] = 0.02 * whole
            started, cpu = time.perf_counter(), time.process_time()
            found = assign(value, cost, budget=0.2 * whole, budgets=budgets)
            label = f"{name}-{'own-budgets' if own else 'one-budget'}"
            share = found.value / found.bound
            record.results[f"plan-{label}"] = {
                "n_users": len(value),
                "n_offers": value.shape[1],
                "share_of_bound": share,
                "n_sendings": int(found.chosen.sum()),
                "seconds": round(time.perf_counter() - started, 2),
                "cpu_s": round(time.process_time() - cpu, 2),
            }
            console.print(f"plan {label}: {record.results[f'plan-{label}']}", markup=False)
            record.promise(f"offers-plan-share-of-bound-{label}", share, LEAST_OF_BOUND, "at least")


def _made_up(n_users: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    chances = random.beta(0.3, 10, (n_users, 50))
    posted = random.choice([0.0, 0.05], 50)
    return chances * random.uniform(0.5, 5, 50) - posted, chances * random.uniform(0.5, 5, 50) + posted


def read_shop(source: Path | None) -> Loaded:
    """Through the product's ingest and encoder; the packaged shop where no folder is named."""
    with tempfile.TemporaryDirectory(prefix="shelfwise-bench-") as name:
        folder = Path(name)
        if source is not None:
            write_tables(source, folder)
        else:
            for file in ("shop.toml", "online_retail.parquet"):
                packaged = resources.files("shelfwise.cli") / "demo_shop" / file
                with resources.as_file(packaged) as path:
                    shutil.copyfile(path, folder / file)
        with Shop.open(folder) as shop:
            shop.ingest()
            return load(shop.config, shop.records, folder / "vectors", None)


def main() -> int:
    """Measure what was promised, or a smaller form of it."""
    parser = arguments(__doc__ or "", f"{QUICK_CAMPAIGNS} small campaigns, {QUICK_RESAMPLES} resamples, fewer users")
    options = parser.parse_args()
    record = Record("offers", options.quick)
    folder = Path(os.environ.get(DATA, "")) / "complete-journey"
    if DATA in os.environ and folder.is_dir():
        loaded = read_shop(folder)
        answers(record, loaded, folder)
        calibration(record, "complete-journey", loaded)
    else:
        for name in ("offers-auc-*", "offers-captured-*", "offers-calibration-error-complete-journey"):
            record.skip(name, f"{DATA} must name the folder that holds complete-journey/")
    loaded = read_shop(None)
    calibration(record, "online-retail", loaded)
    plans(record, loaded.data, loaded)
    return record.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
