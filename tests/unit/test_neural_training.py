"""Training: stops, goes on, resumes; and nothing that is held out is ever learned from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shelfwise.datasets.interactions import Interactions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import StateError
from shelfwise.neural import run, training
from shelfwise.neural.batches import LEAST_STEPS, Log
from shelfwise.neural.checkpoint import Checkpoint
from shelfwise.neural.fit import FittedNetwork, fit_network
from shelfwise.neural.held_out import HeldOut
from shelfwise.neural.item_inputs import ItemInputs, Vocabulary
from shelfwise.neural.network import Network
from shelfwise.neural.run import COMPILING_PAYS_FROM, is_worth_compiling
from shelfwise.neural.settings import NetworkOptions
from shelfwise.neural.state import State
from shelfwise.neural.training import Clock, Lessons, rate_at
from shelfwise.testing.small_shop import N_ITEMS, small_shop


def options(**changed: Any) -> NetworkOptions:
    tiny = {"device": "cpu", "preset": "cpu", "dim": 16, "n_blocks": 1, "epochs": 2, "epochs_on": 1}
    return NetworkOptions.model_validate({**tiny, **changed})


def silent(*_: Any) -> None:
    """No progress."""


def told(data: TrainingData, *, start: State | None = None, **changed: Any) -> tuple[FittedNetwork, list[str]]:
    said: list[str] = []
    return fit_network(data, options(**changed), start, lambda text, *_: said.append(text)), said


def same(one: FittedNetwork, two: FittedNetwork) -> bool:
    return all(np.array_equal(one.state.weights[name], two.state.weights[name]) for name in one.state.weights)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop(n_users=120)


@pytest.fixture(scope="module")
def fitted(data: TrainingData) -> FittedNetwork:
    return told(data)[0]


def earlier(data: TrainingData, share: float = 0.7) -> TrainingData:
    """The shop when only the first part of its log had happened."""
    log = data.interactions
    return data.with_interactions(log.before(int(np.quantile(log.times_ms, share))))


def test_every_epoch_leaves_a_point_on_each_curve(data: TrainingData, fitted: FittedNetwork) -> None:
    points: dict[str, list[tuple[int, float]]] = {}
    again = fit_network(
        data, options(), None, silent, lambda name, value, step: points.setdefault(name, []).append((step, value))
    )
    assert set(points) == {"loss", "held_out_ndcg", "learning_rate", "events_per_s"}
    assert all([step for step, _ in curve] == [1, 2] for curve in points.values())
    assert [round(value, 4) for _, value in points["loss"]] == again.about["losses"]
    assert [value for _, value in points["held_out_ndcg"]] == again.about["ndcgs"]
    rates = [value for _, value in points["learning_rate"]]
    assert 0 < rates[1] < rates[0]
    assert all(value > 0 for _, value in points["events_per_s"])
    assert same(again, fitted)  # being watched changes nothing


class TestHeldOut:
    def test_are_last_events_of_some_and_never_learned_from(self, data: TrainingData) -> None:
        log = data.interactions
        held_out = HeldOut.of(log, 2_000, np.random.default_rng(0))
        assert 10 < len(held_out) <= 0.2 * log.n_users
        starts = log.bounds()
        np.testing.assert_array_equal(held_out.places, starts[held_out.users + 1] - 1)
        kept = held_out.learned_from(log)
        assert (~kept).sum() == len(held_out)
        lessons = Lessons(Log.of(log, has_clock=True).where(kept), options().resolved(has_gpu=False), None)
        seen = {
            (int(lessons.log.interactions.user_rows[place]), int(lessons.log.interactions.times_ms[place]))
            for window in lessons.windows(np.random.default_rng(0))
            for place in window
        }
        for place in held_out.places:
            assert (int(log.user_rows[place]), int(log.times_ms[place])) not in seen

    def test_what_was_learned_before_is_not_asked(self, data: TrainingData) -> None:
        log = data.interactions
        known = np.ones(len(log), bool)
        assert len(HeldOut.of(log, 2_000, np.random.default_rng(0), known=known)) == 0

    def test_ndcg_is_its_definition(self, data: TrainingData) -> None:
        resolved = options().resolved(has_gpu=False)
        vocabulary = Vocabulary.of(data)
        network = Network(resolved, ItemInputs.of(data, vocabulary), vocabulary).eval()
        log = Log.of(data.interactions, has_clock=True)
        held_out = HeldOut.of(data.interactions, 50, np.random.default_rng(0))
        vectors = torch.nn.functional.normalize(torch.randn(N_ITEMS, 16, generator=torch.manual_seed(0)), dim=1)
        vectors[10:12] = 0  # equal scores, of zero on any machine, stand at their mean rank
        total = 0.0
        for user, place in zip(held_out.users, held_out.places, strict=True):
            rows = log.interactions.item_rows[int(log.starts[user]) : place].astype(np.int64)
            ages = torch.as_tensor(
                (log.minutes[place - 1] - log.minutes[int(log.starts[user]) : place]).astype(np.float32)
            )
            kinds = torch.as_tensor(log.interactions.kinds[int(log.starts[user]) : place].astype(np.int64))
            with torch.no_grad():
                user_vector = network.encoder(vectors[rows][None], kinds[None], ages[None], only_last=True)[0]
            scores = (vectors @ user_vector).numpy()
            target = int(log.interactions.item_rows[place])
            others = [scores[row] for row in range(N_ITEMS) if row not in rows and row != target]
            rank = 1 + sum(one > scores[target] for one in others) + sum(one == scores[target] for one in others) / 2
            total += 1 / np.log2(rank + 1) if rank <= 10 else 0
        assert held_out.ndcg(network, vectors, log) == pytest.approx(total / len(held_out), abs=1e-6)


class TestGoingOn:
    def test_what_was_known_stays_and_new_items_begin_fresh(self, data: TrainingData, fitted: FittedNetwork) -> None:
        grown = with_new_item(data)
        found, said = told(grown, start=fitted.state, rate=1e-9)
        assert not [text for text in said if "cannot" in text]
        before, after = fitted.state.weights["tower.behaviour.deltas"], found.state.weights["tower.behaviour.deltas"]
        assert after.shape == (N_ITEMS + 1, 16)
        np.testing.assert_allclose(after[:-1], before, atol=1e-6)
        np.testing.assert_allclose(after[-1], 0, atol=1e-6)
        names = found.vocabulary.names
        assert names[: len(fitted.vocabulary.names)] == fitted.vocabulary.names

    def test_new_events_are_learned_with_as_many_old_ones(self, data: TrainingData) -> None:
        log = Log.of(data.interactions, has_clock=True)
        known = log.first(np.diff(earlier(data).interactions.bounds()).astype(np.int32))
        assert 0.6 < known.mean() < 0.8
        np.testing.assert_array_equal(data.interactions.where(known).times_ms, earlier(data).interactions.times_ms)
        for replay in (0.0, 0.5, 100.0):
            lessons = Lessons(log, options(replay=replay).resolved(has_gpu=False), known)
            windows = lessons.windows(np.random.default_rng(0))
            is_new = np.array([not known[window[-1]] for window in windows])
            assert is_new.sum() > 10
            n_all_old = sum(known[window[-1]] for window in log.windows(50, 0))
            assert (~is_new).sum() == min(round(replay * is_new.sum()), n_all_old)

    def test_nothing_new_leaves_all_as_it_was(self, data: TrainingData, fitted: FittedNetwork) -> None:
        found, _ = told(data, start=fitted.state)
        assert found.about["epochs"] == 0
        assert same(found, fitted)
        np.testing.assert_array_equal(found.vectors, fitted.vectors)

    def test_going_on_knows_the_new_as_well_as_beginning_anew(self, data: TrainingData) -> None:
        past = earlier(data)
        start, _ = told(past, epochs=6)
        on, _ = told(data, start=start.state, epochs_on=2)
        assert 0 < on.about["epochs"] <= 2
        assert on.about["steps"] < start.about["steps"]

    @pytest.mark.parametrize("change", ["text space", "size"])
    def test_what_cannot_be_gone_on_from_is_begun_anew(
        self, data: TrainingData, fitted: FittedNetwork, change: str
    ) -> None:
        assert data.vectors is not None
        turned = replace(data, vectors=data.vectors[:, ::-1].copy()) if change == "text space" else data
        found, said = told(turned, start=fitted.state, **({"dim": 8} if change == "size" else {}))
        assert [text for text in said if "cannot be gone on from" in text]
        assert found.about["epochs"] == 2

    def test_a_few_new_texts_are_no_new_space(self, fitted: FittedNetwork, data: TrainingData) -> None:
        assert data.vectors is not None
        changed = data.vectors.copy()
        changed[:9] = 0
        assert fitted.state.reads(changed)
        assert not fitted.state.reads(data.vectors[:, :4])
        assert not fitted.state.reads(data.vectors[:5])

    def test_a_state_on_disk_is_the_same(self, fitted: FittedNetwork, tmp_path: Path) -> None:
        fitted.state.save(tmp_path)
        again = State.load(tmp_path)
        assert again.vocabulary == fitted.state.vocabulary
        assert set(again.weights) == set(fitted.state.weights)
        for name, array in fitted.state.weights.items():
            assert again.weights[name].shape == array.shape
            np.testing.assert_array_equal(again.weights[name], array)
        np.testing.assert_array_equal(again.n_events, fitted.state.n_events)
        np.testing.assert_array_equal(again.probes, fitted.state.probes)


class TestCheckpoints:
    def test_an_interrupted_training_ends_as_if_it_had_not_been(
        self, data: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole, _ = told(data, epochs=3)
        plain, n_saved = Checkpoint.save, 0

        def save_once(self: Checkpoint, *arguments: Any) -> None:
            nonlocal n_saved
            plain(self, *arguments)
            n_saved += 1
            if n_saved == 2:
                raise KeyboardInterrupt

        monkeypatch.setattr(Checkpoint, "save", save_once)
        with pytest.raises(KeyboardInterrupt):
            told(data, epochs=3, checkpoints=str(tmp_path))
        assert len(list(tmp_path.iterdir())) == 1
        found, said = told(data, epochs=3, checkpoints=str(tmp_path))
        assert [text.split(":")[0] for text in said if "loss" in text] == ["epoch 3 of 3"]
        assert same(found, whole)
        assert not list(tmp_path.iterdir())  # it is over

    def test_another_log_is_another_training(self, data: TrainingData, tmp_path: Path) -> None:
        resolved = options().resolved(has_gpu=False)
        paths = {
            Checkpoint(tmp_path, one, log).path
            for one in (resolved, resolved.model_copy(update={"seed": 1}))
            for log in (data.interactions, earlier(data).interactions)
        }
        assert len(paths) == 4
        spent = resolved.model_copy(update={"minutes": 1.0})
        assert Checkpoint(tmp_path, spent, data.interactions).path in paths


class TestTraining:
    def test_the_rate_rises_and_falls(self) -> None:
        rates = [rate_at(done / 100, 1.0) for done in range(101)]
        top = int(np.argmax(rates))
        assert top == 5
        assert rates[top] == pytest.approx(1.0)
        assert rates[:top] == sorted(rates[:top])
        assert rates[top:] == sorted(rates[top:], reverse=True)
        assert rates[-1] == pytest.approx(training.LOWEST_RATE)
        assert min(rates) > 0

    def test_steps_of_an_epoch_are_told_beforehand(self, data: TrainingData, fitted: FittedNetwork) -> None:
        log = Log.of(data.interactions, has_clock=True)
        small = options().resolved(has_gpu=False)
        least = Lessons(log, small, None).n_steps()
        assert least == LEAST_STEPS  # a small log is cut into as many, or gone through several times
        assert least <= fitted.about["steps"] / fitted.about["epochs"] <= 3 * least
        shortest = Lessons(log, options(events_per_step=16).resolved(has_gpu=False), None).n_steps()
        assert shortest == len(data.interactions) // 16 > LEAST_STEPS
        known = log.minutes < np.quantile(log.minutes, 0.5)
        assert Lessons(log, options(events_per_step=16, replay=0).resolved(has_gpu=False), known).n_steps() < shortest

    @pytest.mark.parametrize(
        ("device", "n_steps", "pays"),
        [
            ("cuda", COMPILING_PAYS_FROM, True),
            ("cuda", COMPILING_PAYS_FROM - 1, False),
            ("cpu", 10 * COMPILING_PAYS_FROM, False),
        ],
    )
    def test_kernels_are_compiled_on_a_gpu_where_steps_are_many(self, device: str, n_steps: int, pays: bool) -> None:
        assert is_worth_compiling(torch.device(device), n_steps) == pays

    def test_the_steps_still_to_come_decide_over_compiling(
        self, data: TrainingData, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        monkeypatch.setattr(run, "is_worth_compiling", lambda device, n_steps: asked.append(n_steps))
        told(data, epochs=2)
        assert asked == [2 * LEAST_STEPS]

    def test_time_counts_only_where_it_runs_short(self) -> None:
        assert Clock(1.0, 100.0).behind(0.0) == 0.0
        assert Clock(60.0, 100.0).behind(0.7) == 0.7
        assert Clock(60.0, 100.0).behind(0.2) == pytest.approx(0.6, abs=0.01)

    def test_it_ends_in_time(self, data: TrainingData) -> None:
        found, _ = told(data, epochs=10_000, patience=10_000, minutes=0.02)
        assert 1 <= found.about["epochs"] < 100
        assert found.about["seconds"] < 10

    def test_it_stops_when_nothing_gets_better_and_keeps_the_best(self, data: TrainingData) -> None:
        found, _ = told(data, epochs=60, patience=2)
        ndcgs = found.about["ndcgs"]
        assert len(ndcgs) == int(np.argmax(ndcgs)) + 3
        assert found.about["held_out_ndcg"] == max(ndcgs)

    def test_seeds_differ_and_repeat(self, data: TrainingData, fitted: FittedNetwork) -> None:
        assert same(told(data)[0], fitted)
        assert not same(told(data, seed=1)[0], fitted)

    def test_a_large_catalogue_learns_from_a_sample(self, data: TrainingData) -> None:
        found, _ = told(data, full_up_to=10, n_negatives=32, epochs=4)
        losses = found.about["losses"]
        assert losses[-1] < losses[0]
        assert max(found.about["ndcgs"]) > 0.4

    def test_where_nobody_had_two_events_nothing_is_said(self, data: TrainingData) -> None:
        log = data.interactions
        firsts = log.where(log.bounds()[:-1][np.diff(log.bounds()) > 0])
        found, _ = told(data.with_interactions(firsts))
        assert not found.vectors.any()
        assert told(data.with_interactions(log.where(np.zeros(len(log), bool))))[0].about["epochs"] == 0

    def test_text_alone_needs_text(self, data: TrainingData) -> None:
        with pytest.raises(StateError, match="text alone"):
            told(replace(data, vectors=None), item="text")
        with pytest.raises(StateError, match="text alone"):
            told(data, item="raw-text")

    @pytest.mark.parametrize("item", ["text", "raw-text", "ids"])
    def test_items_may_be_made_of_one_thing(self, data: TrainingData, item: str) -> None:
        found, _ = told(replace(data, raw_vectors=data.vectors), item=item)
        never_touched = ItemInputs.of(data, found.vocabulary).n_seen == 0
        lengths = np.linalg.norm(found.vectors, axis=1)
        np.testing.assert_allclose(lengths[~never_touched], 1, atol=1e-5)
        # A line of a table that was never learned says nothing; a text does.
        np.testing.assert_allclose(lengths[never_touched], 0 if item == "ids" else 1, atol=1e-5)
        assert (found.content_graph is None) == (item != "text")


def with_new_item(data: TrainingData) -> TrainingData:
    """One more item, which the last user turned to last."""
    log, catalogue = data.interactions, data.catalogue
    assert data.vectors is not None
    longer = Interactions(
        np.append(log.user_rows, log.user_rows[-1]),
        np.append(log.item_rows, np.int32(N_ITEMS)),
        np.append(log.kinds, log.kinds[-1]),
        np.append(log.times_ms, log.times_ms[-1] + 1),
        np.append(log.prices, log.prices[-1]),
        np.append(log.sessions, log.sessions[-1]),
        log.n_users,
        N_ITEMS + 1,
    )
    more = replace(
        catalogue,
        item_ids=[*catalogue.item_ids, "new"],
        titles=[*catalogue.titles, "New"],
        paths=[*catalogue.paths, ("Things", "Set 9")],
        brands=[*catalogue.brands, None],
        prices=np.append(catalogue.prices, np.float32(3)),
        created_ms=np.append(catalogue.created_ms, catalogue.created_ms[-1]),
        allowed=np.append(catalogue.allowed, True),
    )
    return replace(data, interactions=longer, catalogue=more, vectors=np.vstack([data.vectors, data.vectors[:1]]))
