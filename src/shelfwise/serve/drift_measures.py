"""Drift as Prometheus reads it: worked out when it is asked for, from what all processes put into the store."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily

from shelfwise.insight.drift_report import DriftFigure, DriftReport, Reading


def exposition_of(report: DriftReport) -> bytes:
    """Its figures in Prometheus' text format; of what nothing can be said there is no line."""
    registry = CollectorRegistry()
    registry.register(_Told(report))
    return generate_latest(registry)


class _Told:
    def __init__(self, report: DriftReport) -> None:
        self._report = report

    def collect(self) -> Iterable[Metric]:
        scores = GaugeMetricFamily(
            "shelfwise_score_drift_psi",
            "Population stability index of the last day's scores against training: 0.1 moved, 0.25 changed.",
            labels=["scenario"],
        )
        mixes = GaugeMetricFamily(
            "shelfwise_category_drift_bits",
            "Jensen-Shannon divergence of the last day's categories against training, of what is shown and what is "
            "wanted: 0.018 moved, 0.045 changed.",
            labels=["of", "scenario"],
        )
        slates = GaugeMetricFamily(
            "shelfwise_drift_slates", "Slates of the last day that drift is told from.", labels=["scenario"]
        )
        for place in self._report.places:
            _put(scores, [place.scenario], place.scores)
            _put(mixes, ["shown", place.scenario], place.shown)
            told = place.scores or place.shown
            if told is not None:
                slates.add_metric([place.scenario], told.n)
        _put(mixes, ["wanted", ""], self._report.wanted)
        return (scores, mixes, slates)


def _put(family: GaugeMetricFamily, labels: list[str], figure: DriftFigure | None) -> None:
    if figure is not None and figure.reading is not Reading.TOO_FEW and figure.value is not None:
        family.add_metric(labels, figure.value)
