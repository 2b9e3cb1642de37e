"""What is stated follows from what was seen, and for what was not seen yet from what it follows."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.config.objectives import usual_objectives
from shelfwise.rank.objective_values import ObjectiveValues

SPECS = {name: spec for name, spec in usual_objectives().items() if name in ("click", "purchase", "satisfaction")}
N = 20_000


def log_of_parts(*, n_known: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions three times too high of clicks and, as they follow, of all else; what happened. Shape `(N, 3)`."""
    random = np.random.default_rng(0)
    click = random.uniform(0.05, 0.3, N)
    clicked = random.random(N) < click
    bought = clicked & (random.random(N) < 0.5)
    kept = bought & (random.random(N) < 0.8)
    said = np.log(np.column_stack([3 * click, 3 * click * 0.5, 3 * click * 0.5 * 0.8]))
    outcomes = np.column_stack([clicked, bought, kept]).astype(np.float32)
    outcomes[n_known:, 2] = np.nan
    return said.astype(np.float32), outcomes


@pytest.mark.parametrize("n_known", [N, 0])
def test_what_nobody_knows_yet_keeps_its_share_of_what_it_follows(n_known: int) -> None:
    said, outcomes = log_of_parts(n_known=n_known)
    codes = np.zeros(N, np.int64)

    values = ObjectiveValues.fit(SPECS, said, outcomes, codes)(said, codes)

    _, truth = log_of_parts(n_known=N)
    np.testing.assert_allclose(values.mean(axis=0), truth.mean(axis=0), rtol=0.05)
    assert (values[:, 1] <= values[:, 0]).all() and (values[:, 2] <= values[:, 1]).all()
    if n_known == 0:
        np.testing.assert_allclose(values[:, 2], 0.8 * values[:, 1], rtol=1e-4)
