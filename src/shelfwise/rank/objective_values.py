"""What a network predicts as what is stated: calibrated probabilities, and expected seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from shelfwise.config.objectives import ObjectiveSpec
from shelfwise.rank.calibration import ByScenario, Calibration
from shelfwise.schemas.ids import Floats

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ObjectiveValues:
    """How each objective's prediction becomes its value.

    Attributes:
        specs: Parents before children; length K.
        calibrations: Of the log-odds of what happens or not; length K.
        stretch: What is measured is multiplied by; length K.
    """

    specs: Mapping[str, ObjectiveSpec]
    calibrations: tuple[ByScenario, ...]
    stretch: tuple[float, ...]

    @classmethod
    def fit(cls, specs: Mapping[str, ObjectiveSpec], predicted: Floats, outcomes: Floats, codes: Codes) -> Self:
        """Learn from requests that the network did not learn from.

        Args:
            specs: Of the columns.
            predicted: See `RankingNetwork.forward`; shape `(N, K)`.
            outcomes: What became of each candidate; shape `(N, K)`.
            codes: Each candidate's scenario; shape `(N,)`.
        """
        calibrations: list[ByScenario] = []
        stretch: list[float] = []
        for column, spec in enumerate(specs.values()):
            wanted = outcomes[:, column]
            known = ~np.isnan(wanted)
            if spec.measure == "seconds":
                told = known & (wanted > 0)
                said = float(np.expm1(predicted[told, column]).sum())
                # Duan's smearing: the mean of what is measured is above the back-transformed mean of its logarithm.
                stretch.append(float(wanted[told].sum()) / said if said > 0 else 1.0)
                calibrations.append(ByScenario(Calibration.as_it_is(), {}))
            else:
                stretch.append(1.0)
                calibrations.append(ByScenario.fit(log_odds(predicted[known, column]), wanted[known], codes[known]))
        return cls(dict(specs), tuple(calibrations), tuple(stretch))

    def __call__(self, predicted: Floats, codes: Codes) -> Floats:
        """Calibrated probabilities, no child above its parent; expected seconds; shapes as in `fit`."""
        names = list(self.specs)
        values = np.empty(predicted.shape, np.float32)
        for column, spec in enumerate(self.specs.values()):
            parent = None if spec.given is None else values[:, names.index(spec.given)]
            if spec.measure == "seconds":
                values[:, column] = np.expm1(predicted[:, column]) * self.stretch[column]
                if parent is not None:
                    values[:, column] *= parent
                continue
            odds = log_odds(predicted[:, column])
            for code in np.unique(codes):
                its = codes == code
                better = self.calibrations[column].of(int(code))
                values[its, column] = expit(better(odds[its]))
                if parent is not None and better.is_as_it_is:
                    # Nothing was known of it yet: it keeps its share of what it follows, which is set right.
                    above = predicted[its, names.index(spec.given or "")]
                    values[its, column] = parent[its] * np.exp(np.minimum(predicted[its, column] - above, 0))
            if parent is not None:
                values[:, column] = np.minimum(values[:, column], parent)
        return values

    def as_document(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "objectives": {name: spec.model_dump(mode="json") for name, spec in self.specs.items()},
            "calibrations": [one.as_document() for one in self.calibrations],
            "stretch": list(self.stretch),
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read what `as_document` wrote."""
        return cls(
            {name: ObjectiveSpec.model_validate(one) for name, one in document["objectives"].items()},
            tuple(ByScenario.from_document(one) for one in document["calibrations"]),
            tuple(document["stretch"]),
        )


def log_odds(log_probabilities: Floats) -> Floats:
    """Of log-probabilities; any shape."""
    said = np.clip(log_probabilities, -60.0, -1e-6)
    return (said - np.log(-np.expm1(said))).astype(np.float32)
