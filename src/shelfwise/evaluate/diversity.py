"""What diversity costs: every reranker over its range, on held-out questions; where the knee is, and what to set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from shelfwise import plugins
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.examples import Examples
from shelfwise.datasets.splits import Protocol
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.evaluate.run import Fit, prepared
from shelfwise.evaluate.slates import Items, Question, by_relevance, made_by, qualities, questions_of
from shelfwise.pipeline.components import build_rerankers
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.slate_steps import facts_in
from shelfwise.rerank import BUILTIN
from shelfwise.rerank.reranker import Reranker
from shelfwise.schemas.ids import Bools, Doubles

SETTINGS = tuple(round(step / 10, 1) for step in range(1, 11))
AFFORDABLE = 0.01
"""Share of NDCG that a default may cost."""

SEED = 0


@dataclass(frozen=True, slots=True)
class Setting:
    """One reranker at one setting.

    Attributes:
        diversity: 0 for the ranker's own order.
        ndcg_loss: Share of the ranker's own NDCG that is given up.
        is_knee: Whether more costs more from here on, see `knee`.
    """

    reranker: str
    diversity: float
    ndcg: float
    ndcg_loss: float
    distance: float
    entropy: float
    miscalibration: float
    coverage: float
    gini: float
    head_share: float
    is_knee: bool


@dataclass(frozen=True, slots=True)
class DiversityTradeOffs:
    """What `shelfwise tradeoff --diversity` found.

    Attributes:
        asked: In words: what was known, what was asked.
        settings: The ranker's own order first, then each reranker's, from little to much.
        suggested: What to set: the setting of the largest distance that costs at most `AFFORDABLE`; None where none
            gains anything.
    """

    scenario: str
    k: int
    n_requests: int
    asked: str
    settings: list[Setting]
    suggested: Setting | None

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)


def diversity_trade_offs(
    fit: Fit,
    config: ShopConfig,
    data: TrainingData,
    users: Bools,
    protocol: Protocol,
    scenario: str,
    n_users: int,
    progress: Progress,
) -> DiversityTradeOffs:
    """Fit on the past, ask what came after, and make every reranker's slates of the same candidates.

    Args:
        fit: Fits our model on the part that may be known.
        config: The shop's.
        data: Everything that the shop has; the split is made here.
        users: Who may be asked about, by user row.
        protocol: leave-one-out or time-split.
        scenario: The place whose number of items is shown.
        n_users: Users asked about at most, drawn at random.
        progress: Told of every step.

    Raises:
        StateError: there is nobody to ask about, or too few items to choose from.
    """
    k = config.scenarios[scenario].k
    ready = prepared(fit, config, data, users, protocol, k, progress)
    exam, funnel = ready.told, ready.fitted.funnel
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(exam.examples))[:n_users])
    facts = facts_in(funnel, data.catalogue)
    questions = questions_of(
        funnel,
        facts,
        Examples([exam.examples.entries[place] for place in chosen.tolist()]),
        exam.allowed,
        repeats=exam.repeats,
        n_history=exam.n_history,
        k=k,
        progress=lambda done, total: progress("asking", done, total),
    )
    popularity = np.bincount(exam.data.interactions.item_rows, minlength=len(data.catalogue)).astype(np.float64)
    items = Items(facts, exam.data.vectors, popularity, int(exam.allowed.sum()))
    return swept(rerankers_of(config), questions, items, scenario, k, ready.asked, progress)


def rerankers_of(config: ShopConfig) -> dict[str, Reranker]:
    """The shop's own tables, then every built-in at its defaults that the tables do not name; only those that trade."""
    found = {name: one for name, one in build_rerankers(config).items() if one.trades_diversity}
    used = {config.rerank[name].use for name in found}
    for name in BUILTIN:
        component: Any = plugins.resolve("reranker", name, BUILTIN, where="rerank")
        if component.trades_diversity and name not in used and name not in found:
            found[name] = component(component.Config())
    return found


def swept(
    rerankers: Mapping[str, Reranker],
    questions: Sequence[Question],
    items: Items,
    scenario: str,
    k: int,
    asked: str,
    progress: Progress,
) -> DiversityTradeOffs:
    """Every reranker over its range.

    Raises:
        StateError: no right answer is among the candidates, so that no slate is better than another.
    """
    plain = qualities(questions, items, by_relevance, k).means()
    if not plain["ndcg"]:
        raise StateError(
            "no right answer is among the candidates: nothing can be said of what diversity costs",
            hint="ingest more events, or ask about more users with --users",
            code="nothing_found",
        )
    settings = [_setting("ranker", 0.0, plain, plain, is_knee=False)]
    for place, (name, reranker) in enumerate(rerankers.items()):
        found = []
        for diversity in SETTINGS:
            found.append(qualities(questions, items, made_by(reranker, diversity), k).means())
            progress(f"{name} at {diversity:g}", place * len(SETTINGS) + len(found), len(rerankers) * len(SETTINGS))
        varied = np.array([[one["ndcg"], one["distance"]] for one in [plain, *found]])
        at = knee(varied)
        settings += [
            _setting(name, diversity, one, plain, is_knee=at == step)
            for step, (diversity, one) in enumerate(zip(SETTINGS, found, strict=True), start=1)
        ]
    return DiversityTradeOffs(scenario, k, len(questions), asked, settings, suggested(settings))


def knee(points: Doubles) -> int | None:
    """Where a curve of what is kept against what is gained turns: the point farthest above the line between its ends.

    Args:
        points: NDCG and distance from no diversity to all of it; shape `(P, 2)`.

    Returns:
        A place; None where the curve has no such point, or its ends do not differ in both.

    Source:
        Satopää, Albrecht, Irwin & Raghavan (2011), Finding a "Kneedle" in a Haystack.
    """
    lost, gained = points[0, 0] - points[:, 0], points[:, 1] - points[0, 1]
    if not (lost[-1] > 0 and gained[-1] > 0):
        return None
    above = gained / gained[-1] - lost / lost[-1]
    place = int(above.argmax())
    return place if above[place] > 0 else None


def suggested(settings: Sequence[Setting]) -> Setting | None:
    """The most varied of those that cost little; the cheaper of equally varied ones."""
    plain = settings[0]
    affordable = [one for one in settings if one.ndcg_loss <= AFFORDABLE and one.distance > plain.distance]
    return max(affordable, key=lambda one: (one.distance, one.ndcg), default=None)


def _setting(
    name: str, diversity: float, found: Mapping[str, float], plain: Mapping[str, float], *, is_knee: bool
) -> Setting:
    return Setting(
        name,
        diversity,
        found["ndcg"],
        1 - found["ndcg"] / plain["ndcg"],
        found["distance"],
        found["entropy"],
        found["miscalibration"],
        found["coverage"],
        found["gini"],
        found["head_share"],
        is_knee,
    )
