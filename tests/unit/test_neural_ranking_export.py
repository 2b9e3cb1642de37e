"""The exported graph answers as the network does, however sure the network is."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from shelfwise.neural.ranking.export import request_graph  # noqa: E402
from shelfwise.neural.ranking.network import RankingNetwork, Shape  # noqa: E402
from shelfwise.neural.ranking.settings import RankingOptions  # noqa: E402
from shelfwise.neural.ranking.training import knots_of  # noqa: E402


@pytest.mark.parametrize("logit", [-300.0, -95.0, 0.0, 95.0])
def test_what_is_all_but_impossible_is_answered_alike(logit: float) -> None:
    shape = Shape(3, 0, 0, 2, 2, (-1, 0), (False, False))
    features = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    network = RankingNetwork(shape, RankingOptions(width=8), knots_of(features)).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if name == "towers.0.bias":
                weight.fill_(logit)
    assert request_graph([network])
