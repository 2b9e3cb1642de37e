"""Networks alone: asked many at a time they answer as the retriever does; rows become tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exposure
import network_search
from network_alone import NetworkAlone, measured
from network_tables import SEARCH_COLUMNS, rows_provenance, search_lines
from peers.exam import Questions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.metrics import ranking_metrics
from shelfwise.neural.settings import NetworkOptions
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.candidates import History, Situation
from shelfwise.testing.small_shop import small_shop
from tables import exposure_section, network_search_section

TINY = {"device": "cpu", "preset": "cpu", "dim": 16, "n_blocks": 1, "epochs": 1, "history": 6}


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop(n_users=60)


@pytest.fixture(scope="module")
def alone(data: TrainingData) -> NetworkAlone:
    return NetworkAlone(data, NetworkOptions.model_validate(TINY))


def questions(data: TrainingData) -> Questions:
    """Everybody's log but the last event, which is the answer; histories of many lengths."""
    log = data.interactions
    bounds = log.bounds()
    lengths = 1 + np.arange(len(bounds) - 1) % (np.diff(bounds) - 1)
    events = np.concatenate([np.arange(n) + start for start, n in zip(bounds[:-1], lengths, strict=True)])
    return Questions(
        np.arange(len(lengths)),
        log.times_ms[bounds[:-1] + lengths],
        np.concatenate([[0], np.cumsum(lengths)]),
        log.item_rows[events].astype(np.int64),
        log.kinds[events].astype(np.int64),
        log.times_ms[events],
        np.arange(len(lengths) + 1),
        log.item_rows[bounds[:-1] + lengths].astype(np.int64),
    )


class TestAlone:
    def test_scores_are_those_of_the_retriever(self, data: TrainingData, alone: NetworkAlone) -> None:
        retriever = Sequence(Sequence.Config.model_validate(TINY))
        retriever.fit(data)
        asked = questions(data)
        assert len(set(np.diff(asked.starts))) > 6  # shorter than what is read, and longer
        found = alone.scores(asked)
        for line in range(len(asked)):
            events = asked.history(line)
            history = History(
                asked.item_rows[events].astype(np.int32), asked.kinds[events].astype(np.int8), asked.times_ms[events]
            )
            one = Situation(history, int(asked.now_ms[line]), np.zeros(0, np.int32))
            expected = retriever.scores(one)
            assert expected is not None
            np.testing.assert_allclose(found[line], expected, atol=1e-5)

    def test_what_was_had_is_not_listed(self, data: TrainingData, alone: NetworkAlone) -> None:
        asked = questions(data)
        ndcg, lists = measured(alone, asked)
        for line in range(len(asked)):
            had = asked.item_rows[asked.history(line)]
            assert not set(lists[line]) & set(had)
            scores = alone.scores(asked.take(np.array([line])))
            scores[0, had] = -np.inf
            relevant = np.zeros(scores.shape, bool)
            relevant[0, asked.relevant(line)] = True
            assert ndcg[line] == pytest.approx(ranking_metrics(scores, relevant, 10).ndcg[0])

    def test_a_question_without_a_history_is_refused(self, data: TrainingData, alone: NetworkAlone) -> None:
        asked = questions(data).take(np.array([0]))
        nothing = np.zeros(0, np.int64)
        bare = Questions(
            *(asked.user_rows, asked.now_ms, np.zeros(2, np.int64), nothing, nothing, nothing),
            *(asked.relevant_starts, asked.relevant_rows),
        )
        with pytest.raises(ValueError, match="without a history"):
            alone.scores(bare)


def row(validation: tuple[float, float], test: tuple[float, float], **more: Any) -> dict[str, Any]:
    """NDCG and Gini of either part, the same for every user."""
    parts = {
        part: {"ndcg": ndcg, "gini": gini, "shown": 7}
        for part, (ndcg, gini) in (("validation", validation), ("test", test))
    }
    return {**parts, "by_user": [test[0]] * 20, "commit": "abc", **more}


class TestExposure:
    def store(self, folder: Path, name: str, told: dict[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")

    def test_rows_of_a_gpu_stand_apart(self) -> None:
        assert exposure.rows_of("beauty", "cpu", Path("rows")) == Path("rows/beauty")
        assert exposure.rows_of("beauty", "cuda", Path("rows")) == Path("rows/beauty-cuda")
        assert exposure.rows_of("beauty", "cuda:1", Path("rows")) == Path("rows/beauty-cuda")

    def test_the_most_even_at_the_loss_allowed_is_chosen_on_the_validation(self, tmp_path: Path) -> None:
        self.store(tmp_path, "plain", row((0.100, 0.80), (0.100, 0.80), device="some GPU", torch="2"))
        self.store(tmp_path, "plain_seed-1", row((0.200, 0.80), (0.200, 0.80)))
        self.store(tmp_path, "log-q-0.2", row((0.0985, 0.70), (0.100, 0.72)))
        self.store(
            tmp_path, "log-q-0.2_seed-1", row((0.1995, 0.70), (0.200, 0.72))
        )  # -1.5 % and -0.25 %: together less
        self.store(tmp_path, "log-q-0.3", row((0.098, 0.60), (0.100, 0.60)))  # too dear
        self.store(tmp_path, "log-q-0.1", row((0.100, 0.75), (0.090, 0.75)))  # not the most even
        found = exposure.table(exposure.stored(tmp_path))
        assert found["chosen"] == "log-q 0.2"
        lines = {line["setting"]: line for line in found["lines"]}
        assert lines["log-q 0.2"]["seeds"] == 2
        assert lines["log-q 0.2"]["validation_ndcg_change"] == pytest.approx(0.298 / 0.3 - 1)
        assert lines["log-q 0.2"]["gini_change"] == pytest.approx(-0.1)
        assert lines["log-q 0.3"]["validation_ndcg_change"] == pytest.approx(-0.02)  # beside its own seed alone
        assert lines["log-q 0.1"]["ndcg_change"][0] == pytest.approx(-0.1)
        assert found["rows"] == {"commit": ["abc"], "device": ["some GPU"], "torch": ["2"]}

    def test_the_page_says_where_rows_are_from(self, tmp_path: Path) -> None:
        self.store(tmp_path, "plain", row((0.1, 0.8), (0.1, 0.8), device="some GPU", torch="2"))
        found = exposure.table(exposure.stored(tmp_path))
        text = exposure_section({"results": {"beauty, leave-one-out": found}, "promises": []})
        assert "Rows of commit `abc`, trained on some GPU, torch 2." in text
        assert rows_provenance({"commit": ["abc"], "device": [], "torch": []}).endswith("trained on the processor.")


class TestSearch:
    PLAN = ({"preset": "gpu"}, {"preset": "gpu", "dropout": 0.5}, {"preset": "gpu", "rate": 0.1})

    def store(self, folder: Path, shop: str, setting: dict[str, Any], ndcg: float) -> None:
        told = {"epochs": 3, "steps": 150, "fit_s": 2.4, "commit": "abc", "device": "some GPU", "torch": "2"}
        path = folder / shop / f"{network_search.stem(setting)}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**told, "ndcg": ndcg, "n_questions": 100}), encoding="utf-8")

    def test_settings_are_compared_by_the_mean_of_shops(self, tmp_path: Path) -> None:
        first, second, third = self.PLAN
        for shop, setting, ndcg in (
            ("a", first, 0.1),
            ("b", first, 0.2),
            ("a", second, 0.11),
            ("b", second, 0.2),
            ("a", third, 0.5),  # one shop alone: no mean, and never first
        ):
            self.store(tmp_path, shop, setting, ndcg)
        found = network_search.table(list(self.PLAN), ["a", "b"], tmp_path)
        assert found is not None
        assert [one["setting"] for one in found["settings"]] == [
            "preset gpu, dropout 0.5",
            "preset gpu",
            "preset gpu, rate 0.1",
        ]
        assert found["settings"][0]["relative"] == pytest.approx(0.05)
        assert found["settings"][2]["relative"] is None
        lines = search_lines(found)
        assert all(len(line) == len(SEARCH_COLUMNS) for line in lines)
        assert [line[-1] for line in lines] == ["+5.00%", "", "+0.00%", "", ""]
        assert "some GPU" in network_search_section({"results": found})

    def test_nothing_stored_is_no_table(self, tmp_path: Path) -> None:
        assert network_search.table(list(self.PLAN), ["a"], tmp_path) is None
