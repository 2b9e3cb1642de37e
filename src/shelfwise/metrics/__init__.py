"""Evaluation metrics: accuracy of a ranking, qualities of lists, trade-offs, drift, and how sure we are of them."""

from shelfwise.metrics.drift import (
    CHANGED_FROM,
    MOVED_FROM,
    PSI_A_BIT,
    jensen_shannon,
    population_stability_index,
    quantile_edges,
    smoothed,
)
from shelfwise.metrics.exposure import (
    exposure_by_group,
    exposure_gap,
    group_entropy,
    head_share,
    least_exposure_ratio,
    miscalibration,
)
from shelfwise.metrics.hypervolume import front, hypervolume
from shelfwise.metrics.intervals import (
    Interval,
    PairedDifference,
    bootstrap_interval,
    holm,
    paired_difference,
)
from shelfwise.metrics.lists import (
    average_popularity,
    coverage,
    gini,
    intra_list_distance,
    novelty,
    popularity_share,
)
from shelfwise.metrics.probabilities import PooledAuc, Reliability, reliability
from shelfwise.metrics.ranking import RankingMetrics, rank_of, ranking_metrics

__all__ = [
    "CHANGED_FROM",
    "MOVED_FROM",
    "PSI_A_BIT",
    "Interval",
    "PairedDifference",
    "PooledAuc",
    "RankingMetrics",
    "Reliability",
    "average_popularity",
    "bootstrap_interval",
    "coverage",
    "exposure_by_group",
    "exposure_gap",
    "front",
    "gini",
    "group_entropy",
    "head_share",
    "holm",
    "hypervolume",
    "intra_list_distance",
    "jensen_shannon",
    "least_exposure_ratio",
    "miscalibration",
    "novelty",
    "paired_difference",
    "popularity_share",
    "population_stability_index",
    "quantile_edges",
    "rank_of",
    "ranking_metrics",
    "reliability",
    "smoothed",
]
