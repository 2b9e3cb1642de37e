"""Evaluations lie beside the versions, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shelfwise.store import evaluations as module
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.versions import Versions


def test_the_latest_of_a_name_is_kept(tmp_path: Path) -> None:
    kept = Evaluations(tmp_path)
    assert kept.of("v1") == []
    kept.put("v1", "time-split-at-10", {"n": 1}, {"ndcg": np.array([0.5, 0.25], np.float32)})
    kept.put("v1", "time-split-at-10", {"n": 2}, {"ndcg": np.array([1.0], np.float32)})
    kept.put("v1", "leave-one-out-at-5", {"n": 3}, {"ndcg": np.array([0.0], np.float32)})
    assert [one.report["n"] for one in kept.of("v1")] == [3, 2]
    assert kept.of("v1")[1].per_question()["ndcg"].tolist() == [1.0]
    assert kept.of("v2") == []
    assert sorted(path.name for path in (tmp_path / "evaluations" / "v1").iterdir()) == [
        "leave-one-out-at-5",
        "time-split-at-10",
    ]


def test_what_interrupts_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Evaluations(tmp_path)
    kept.put("v1", "time-split-at-10", {"n": 1}, {"ndcg": np.ones(2)})

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(module.np, "savez_compressed", full)
        with pytest.raises(OSError, match="no space"):
            kept.put("v1", "time-split-at-10", {"n": 2}, {"ndcg": np.ones(2)})
    assert [one.report for one in kept.of("v1")] == [{"n": 1}]
    assert [path.name for path in (tmp_path / "evaluations" / "v1").iterdir()] == ["time-split-at-10"]


def test_versions_take_no_notice(tmp_path: Path) -> None:
    Evaluations(tmp_path).put("v1", "time-split-at-10", {"n": 1}, {"ndcg": np.ones(2)})
    assert Versions(tmp_path).list() == []
    assert Versions(tmp_path).in_service() is None
