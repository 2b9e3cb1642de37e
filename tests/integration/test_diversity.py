"""From a shop's log to what diversity costs there: fitted on the past, asked, drawn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shelfwise.cli.diversity import show_diversity
from shelfwise.config.shop import ShopConfig
from shelfwise.evaluate.diversity import DiversityTradeOffs, diversity_trade_offs
from shelfwise.testing.small_shop import small_shop
from shelfwise.train.fit import fit


@pytest.fixture(scope="module")
def found() -> DiversityTradeOffs:
    """What comes next lies in the user's own group of ten: a slate of ten without diversity is of one group."""
    data = small_shop()
    config = ShopConfig.model_validate(
        {
            "version": 1,
            "rank": {"use": "fusion", "model": "reciprocal"},
            "retrieve": {name: {"use": name} for name in ("transitions", "content", "popular")},
            "scenarios": {"home": {"k": 5}},
            "evaluate": {"test_d": 20},
        }
    )
    everybody = np.ones(data.interactions.n_users, bool)
    return diversity_trade_offs(fit, config, data, everybody, "leave-one-out", "home", 120, lambda *_: None)


def test_diversity_leaves_the_group_and_costs_accuracy(found: DiversityTradeOffs) -> None:
    assert found.k == 5 and 0 < found.n_requests <= 120
    plain = found.settings[0]
    assert plain.reranker == "ranker" and plain.ndcg_loss == 0
    by_name = {(one.reranker, one.diversity): one for one in found.settings}
    assert by_name["diverse", 1.0].distance > plain.distance + 0.2
    assert by_name["diverse", 1.0].entropy > plain.entropy
    assert by_name["diverse", 1.0].ndcg < plain.ndcg
    assert by_name["calibrated", 0.5].miscalibration <= plain.miscalibration + 1e-9
    assert by_name["tail", 0.5].head_share < plain.head_share


def test_it_is_shown_as_a_table_and_as_json(
    found: DiversityTradeOffs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_diversity(found, None, as_json=False)
    table = capsys.readouterr().out
    assert "What diversity costs in home" in table.replace("\n", " ")
    assert "knee" in table or "suggested" in table
    show_diversity(found, tmp_path, as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert len(document["settings"]) == len(found.settings)
    assert [Path(path).name for path in document["plots"]] == ["diversity-home.png", "diversity-home.html"]
