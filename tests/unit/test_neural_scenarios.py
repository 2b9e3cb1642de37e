"""What the network reads of scenarios: nothing where there are none, and the same in torch and in service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shelfwise.datasets.training_data import TrainingData
from shelfwise.neural.checkpoint import Checkpoint
from shelfwise.neural.export import history_graph
from shelfwise.neural.fit import FittedNetwork, fit_network, obstacle
from shelfwise.neural.history_encoder import UNTOLD, HistoryEncoder, ScenarioVectors
from shelfwise.neural.settings import NetworkOptions
from shelfwise.retrieve.sequence import Sequence
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.scenario_names import NO_SCENARIOS, ScenarioNames
from shelfwise.store.graphs import Graph
from shelfwise.testing.retrievers import situation
from shelfwise.testing.small_shop import small_shop

DIM, N_SCENARIOS = 8, 3
VECTORS = "encoder.scenarios.vectors"
NAMES = ScenarioNames(("home", "search", "cart"))


def silent(*_: Any) -> None:
    """No progress."""


def options(**changed: Any) -> NetworkOptions:
    tiny = {"device": "cpu", "preset": "cpu", "dim": 16, "n_blocks": 1, "epochs": 2, "epochs_on": 1}
    return NetworkOptions.model_validate({**tiny, **changed})


def placed(data: TrainingData, names: ScenarioNames, n_codes: int | None = None) -> TrainingData:
    """The same shop, whose log says of each event where it happened."""
    codes = np.random.default_rng(1).integers(
        0, 1 + (len(names) if n_codes is None else n_codes), len(data.interactions)
    )
    return replace(data, interactions=replace(data.interactions, scenarios=codes.astype(np.int8), scenario_names=names))


def fitted(data: TrainingData, start: FittedNetwork | None = None, **changed: Any) -> FittedNetwork:
    return fit_network(data, options(**changed), None if start is None else start.state, silent)


@pytest.fixture(scope="module")
def data() -> TrainingData:
    return small_shop(n_users=80)


@pytest.fixture(scope="module")
def plain(data: TrainingData) -> FittedNetwork:
    return fitted(data)


def same(one: FittedNetwork, two: FittedNetwork) -> bool:
    """To the bit: weights, vectors, graphs, and how training went."""
    assert one.state.weights.keys() == two.state.weights.keys()
    return (
        all(np.array_equal(one.state.weights[name], two.state.weights[name]) for name in one.state.weights)
        and np.array_equal(one.vectors, two.vectors)
        and one.history_graph == two.history_graph
        and one.about["losses"] == two.about["losses"]
    )


class TestNothingToTellApart:
    @pytest.mark.parametrize("names", [NO_SCENARIOS, ScenarioNames(("web",))])
    def test_the_network_is_to_the_bit_that_of_a_log_without_scenarios(
        self, data: TrainingData, plain: FittedNetwork, names: ScenarioNames
    ) -> None:
        found = fitted(placed(data, names))
        assert same(found, plain)
        assert set(Graph(found.history_graph).widths) == {"items", "kinds", "minutes_ago"}

    def test_so_it_is_where_they_are_not_to_be_read(self, data: TrainingData, plain: FittedNetwork) -> None:
        assert same(fitted(placed(data, NAMES), scenario=False), plain)

    def test_where_they_are_read_it_is_another(self, data: TrainingData, plain: FittedNetwork) -> None:
        found = fitted(placed(data, NAMES))
        assert found.state.weights.keys() - plain.state.weights.keys() == {VECTORS}
        assert found.about["losses"] != plain.about["losses"]
        table = found.state.weights[VECTORS]
        assert table.shape == (4, 16)
        assert not table[0].any()  # what is unknown says nothing
        assert table[1:].any(axis=1).all()
        assert set(Graph(found.history_graph).widths) == {"items", "kinds", "minutes_ago", "scenarios"}


def encoder() -> HistoryEncoder:
    """With large random weights; an unknown scenario says nothing, as after training."""
    made = HistoryEncoder(
        dim=DIM, n_blocks=2, n_heads=2, history=12, dropout=0.3, gated=True, positions=True, time_bias=True,
        n_scenarios=N_SCENARIOS,
    )  # fmt: skip
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=random))
        assert made.scenarios is not None
        made.scenarios.vectors[0] = 0
    return made.eval()


def told(n_users: int, n_events: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    items = torch.nn.functional.normalize(torch.randn(n_users, n_events, DIM, generator=random), dim=2)
    ages = 1e5 * torch.rand(n_users, n_events, generator=random).sort(dim=1, descending=True).values
    kinds = torch.randint(0, 12, (n_users, n_events), generator=random)
    return items, kinds, ages, torch.randint(0, 1 + N_SCENARIOS, (n_users, n_events), generator=random)


class TestEncoder:
    def test_the_graph_says_what_torch_says_for_every_length_and_scenario(self) -> None:
        network = encoder()
        graph = Graph(history_graph(network))
        for n_events in range(1, 13):
            items, kinds, ages, _ = told(1, n_events, seed=n_events)
            for shift in range(1 + N_SCENARIOS):
                scenarios = (torch.arange(n_events)[None] + shift) % (1 + N_SCENARIOS)
                found = graph(
                    {
                        "items": items[0].numpy(),
                        "kinds": kinds[0].numpy(),
                        "minutes_ago": ages[0].numpy(),
                        "scenarios": scenarios[0].numpy(),
                    }
                )
                wanted = network(items, kinds, ages, scenarios)[0, -1].detach().numpy()
                np.testing.assert_allclose(found, wanted, atol=1e-4)

    def test_a_later_scenario_never_changes_an_earlier_vector(self) -> None:
        network, (items, kinds, ages, scenarios) = encoder(), told(3, 7)
        before = network(items, kinds, ages, scenarios)
        for place in range(1, 7):
            other = scenarios.clone()
            other[:, place:] = (other[:, place:] + 1) % (1 + N_SCENARIOS)
            after = network(items, kinds, ages, other)
            torch.testing.assert_close(after[:, :place], before[:, :place])
            assert not torch.allclose(after[:, place], before[:, place], atol=1e-3)

    def test_told_nothing_is_told_unknown(self) -> None:
        network, (items, kinds, ages, scenarios) = encoder(), told(3, 7)
        unknown = network(items, kinds, ages, torch.zeros_like(scenarios))
        torch.testing.assert_close(network(items, kinds, ages), unknown)

    def test_in_training_some_are_kept_back_and_in_service_none(self) -> None:
        part, codes = ScenarioVectors(N_SCENARIOS, DIM), torch.full((50, 100), 2)
        with torch.no_grad():
            part.vectors[1:] = 1
        torch.manual_seed(0)
        kept_back = (part.train()(codes) == 0).all(2).float().mean()
        assert 0.8 * UNTOLD < kept_back < 1.2 * UNTOLD
        assert (part.eval()(codes) == 1).all()

    def test_what_is_unknown_is_never_learned(self) -> None:
        part = ScenarioVectors(N_SCENARIOS, DIM).eval()
        part(torch.tensor([[0, 0, 2]])).sum().backward()
        assert part.vectors.grad is not None
        assert part.vectors.grad.any(1).tolist() == [False, False, True, False]


class TestGoingOn:
    def test_new_scenarios_begin_as_unknown_and_known_ones_stay(self, data: TrainingData) -> None:
        before = fitted(placed(data, NAMES))
        grown = placed(data, ScenarioNames((*NAMES.names, "email")), n_codes=3)
        assert obstacle(grown, options(), before.state) is None
        after = fitted(grown, before)
        table = after.state.weights[VECTORS]
        np.testing.assert_array_equal(table[:4], before.state.weights[VECTORS])  # nothing new: nothing is learned
        assert table.shape == (5, 16)
        assert not table[4].any()

    def test_a_log_that_had_none_may_get_some(self, data: TrainingData, plain: FittedNetwork) -> None:
        """It begins where it was, to the bit: vectors of scenarios start at zero."""
        grown = placed(data, NAMES)
        assert obstacle(grown, options(), plain.state) is None
        after = fitted(grown, plain)
        assert not after.state.weights[VECTORS].any()
        np.testing.assert_array_equal(after.vectors, plain.vectors)

    def test_what_it_has_learned_of_them_is_not_dropped_in_silence(self, data: TrainingData) -> None:
        before = fitted(placed(data, NAMES))
        assert obstacle(data, options(), before.state) == "its sizes differ"

    def test_other_scenarios_are_another_training(self, data: TrainingData, tmp_path: Path) -> None:
        resolved, log = options().resolved(has_gpu=False), placed(data, NAMES).interactions
        paths = {Checkpoint(tmp_path, resolved, one).path for one in (data.interactions, log)}
        assert len(paths) == 2


@pytest.fixture(scope="module")
def retriever(data: TrainingData) -> Sequence:
    found = Sequence(Sequence.Config.model_validate(options(dropout=0.1).model_dump() | {"epochs": 4}))
    found.fit(placed(data, NAMES))
    return found


class TestRetriever:
    @staticmethod
    def asked(data: TrainingData, codes: list[int], **changed: Any) -> Situation:
        plain = situation(data, [3, 4, 5])
        return replace(plain, history=replace(plain.history, scenarios=np.array(codes, np.int8)), **changed)

    def test_the_scenario_of_an_event_is_read_in_service(self, data: TrainingData, retriever: Sequence) -> None:
        vectors = [retriever.user_vector(self.asked(data, [1, 2, last])) for last in range(4)]
        for one, other in ((0, 1), (0, 2), (1, 2), (2, 3)):
            assert not np.allclose(vectors[one], vectors[other], atol=1e-5)

    def test_what_the_request_names_is_looked_at_where_it_asks(self, data: TrainingData, retriever: Sequence) -> None:
        context = np.array([6], np.int32)
        here, there = (
            retriever.user_vector(self.asked(data, [1, 2, 3], context=context, scenario=code)) for code in (1, 2)
        )
        assert not np.allclose(here, there, atol=1e-5)
        # Where the next event will happen is not told: without an item, the place that asks says nothing.
        here, there = (retriever.user_vector(self.asked(data, [1, 2, 3], scenario=code)) for code in (1, 2))
        np.testing.assert_array_equal(here, there)

    def test_saved_and_loaded_reads_the_same(self, data: TrainingData, retriever: Sequence, tmp_path: Path) -> None:
        retriever.save(tmp_path)
        again = Sequence(retriever.options)
        again.load(tmp_path)
        for codes in ([0, 0, 0], [1, 2, 3], [3, 3, 1]):
            asked = self.asked(data, codes)
            np.testing.assert_array_equal(again.user_vector(asked), retriever.user_vector(asked))
