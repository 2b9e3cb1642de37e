"""What an evaluation found: numbers with intervals, comparable within one run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from shelfwise.schemas.ids import Doubles, Rows


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over questions with its 95 % interval by bootstrap over users."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Exposure:
    """How the attention that a model's lists give is shared out among groups of items, beside what they merit.

    What a group merits is its share of the right answers: of what users chose.

    Attributes:
        gap: Share of the attention that would have to change hands for every group to get its due.
        least_ratio: Attention relative to merit of the group that is worst off, among those that merit 1 % at least;
            None where no group does.
    """

    gap: float
    least_ratio: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One model's line of the table.

    Attributes:
        settings: What tuning chose; for our own model, what the ranker chose.
        n_tried: Settings that were compared to choose it.
        metrics: By name, at k.
        coverage: Share of the catalogue that was shown to anybody.
        gini: Inequality of exposure, 0 to 1.
        intra_list_distance: Mean cosine distance of texts within a list; None without an encoder.
        novelty: Mean surprise of what was shown, in bits.
        fit_s: Seconds of fitting, tuning included.
        score_s: Seconds for all questions.
        entropy: Mean entropy of a list's categories, in bits; None in a shop without categories.
        head_share: Share of the places that go to the most popular fifth of the catalogue.
        exposure: By what groups items: `category`, `brand`, `seller`; only what the shop tells apart.
    """

    model: str
    settings: dict[str, Any]
    n_tried: int
    metrics: dict[str, Estimate]
    coverage: float
    gini: float
    intra_list_distance: float | None
    novelty: float
    fit_s: float
    score_s: float
    entropy: float | None = None
    head_share: float | None = None
    exposure: dict[str, Exposure] = field(default_factory=dict[str, Exposure])


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the questions or of the answers.

    Attributes:
        n: Questions with an answer in this slice.
        ndcg: By model.
    """

    name: str
    n: int
    ndcg: dict[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Our model against the best baseline, on the same questions, by paired bootstrap.

    Attributes:
        relative: `ours / theirs - 1` in NDCG.
        p_value: Two-sided, by sign flips.
    """

    against: str
    relative: float
    low: float
    high: float
    p_value: float


@dataclass(frozen=True, slots=True)
class PerQuestion:
    """What our own model got for each question, in the order in which they were asked.

    Attributes:
        user_rows: Who was asked about; shape `(B,)`.
        by_metric: One array per metric; shape `(B,)` each.
    """

    user_rows: Rows
    by_metric: dict[str, Doubles]


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """Everything that one run found.

    Attributes:
        protocol: leave-one-out or time-split.
        k: Length of the lists.
        n_users: Questions asked: one per user.
        n_items: Items ranked for each.
        seen_items: "removed" or "kept": whether items of the history could be recommended.
        asked: In words: what was known, what was asked, what counted.
        rows: Ours first, then the baselines, best first.
        slices: NDCG by part.
        comparison: Ours against the best baseline.
        seconds: Of the whole run.
        questions: Fingerprint: equal for the same users with the same histories, answers and allowed items.
        per_question: Our own model's metrics; no part of the document.
        version: The model version that the report is kept with; None where it is kept with none.
        set_apart: What was chosen while serving for places, by scenario: of the ranker's lists nothing of it tells.
    """

    protocol: str
    k: int
    n_users: int
    n_items: int
    seen_items: str
    asked: str
    rows: list[Row]
    slices: list[Slice]
    comparison: Comparison
    seconds: float
    questions: str
    per_question: PerQuestion = field(repr=False)
    version: str | None = None
    set_apart: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        document = asdict(self)
        del document["per_question"]
        return document


@dataclass(frozen=True, slots=True)
class Overlap:
    """How alike two model versions' lists are.

    Attributes:
        n_users: Users whose lists were compared.
        k: Length of the lists.
        jaccard: Mean share of items in both lists among those in either, from 0 to 1.
    """

    a: str
    b: str
    n_users: int
    k: int
    jaccard: float
