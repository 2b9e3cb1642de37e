"""The networks keep their promises whatever the weights are."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from shelfwise.neural.export import content_graph, history_graph
from shelfwise.neural.history_encoder import N_TIME_STEPS, HistoryEncoder, time_steps
from shelfwise.neural.item_inputs import MAX_NAMES, ItemInputs, Vocabulary
from shelfwise.neural.item_tower import Behaviour, ItemTensors, ItemTower
from shelfwise.neural.network import Network
from shelfwise.neural.settings import PRESETS, NetworkOptions
from shelfwise.store.graphs import Graph
from shelfwise.testing.small_shop import N_COLD, small_shop

DIM, N_ITEMS, N_NAMES = 8, 20, 5


def shaken(module: Any, seed: int = 0) -> Any:
    """With random weights, large ones: what holds for these holds for trained ones."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=random))
    return module.eval()


def encoder(**changed: Any) -> HistoryEncoder:
    options: dict[str, Any] = {
        "dim": DIM, "n_blocks": 2, "n_heads": 2, "history": 12, "dropout": 0.3, "gated": True, "positions": True,
        "time_bias": True,
    }  # fmt: skip
    return shaken(HistoryEncoder(**{**options, **changed}))


def histories(n_users: int, n_events: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    items = torch.nn.functional.normalize(torch.randn(n_users, n_events, DIM, generator=random), dim=2)
    ages = 1e5 * torch.rand(n_users, n_events, generator=random).sort(dim=1, descending=True).values
    return items, torch.randint(0, 12, (n_users, n_events), generator=random), ages


ENCODERS = [{}, {"gated": False}, {"positions": False}, {"time_bias": False}, {"n_blocks": 1}]


class TestHistoryEncoder:
    @pytest.mark.parametrize("changed", ENCODERS)
    def test_a_later_event_never_changes_an_earlier_vector(self, changed: dict[str, Any]) -> None:
        network, (items, kinds, ages) = encoder(**changed), histories(3, 9)
        before = network(items, kinds, ages)
        other_items, other_kinds, other_ages = histories(3, 9, seed=1)
        for place in range(1, 9):
            told = [torch.cat([one[:, :place], other[:, place:]], 1) for one, other in
                    zip((items, kinds, ages), (other_items, other_kinds, other_ages), strict=True)]  # fmt: skip
            after = network(*told)
            torch.testing.assert_close(after[:, :place], before[:, :place])
            assert not torch.allclose(after[:, place], before[:, place], atol=1e-3)

    def test_only_differences_of_time_are_read(self) -> None:
        network, (items, kinds, ages) = encoder(), histories(2, 7)
        torch.testing.assert_close(
            network(items, kinds, ages + 64.0), network(items, kinds, ages), atol=1e-4, rtol=1e-4
        )
        assert not torch.allclose(network(items, kinds, 9 * ages), network(items, kinds, ages), atol=1e-3)

    @pytest.mark.parametrize("changed", ENCODERS)
    def test_the_last_alone_is_the_last_of_all(self, changed: dict[str, Any]) -> None:
        network, told = encoder(**changed), histories(4, 6)
        torch.testing.assert_close(network(*told, only_last=True), network(*told)[:, -1])

    def test_vectors_have_length_one(self) -> None:
        lengths = encoder()(*histories(4, 6)).norm(dim=2)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))

    def test_time_steps_grow_by_ratio_and_end(self) -> None:
        minutes = torch.tensor([-5.0, 0.0, 0.3, 1.0, 60.0, 1_440.0, 525_600.0, 1e12])
        steps = time_steps(minutes).tolist()
        assert steps == sorted(steps)
        assert steps[0] == steps[1] == steps[2] == 0
        assert steps[3] == 1
        assert steps[-1] == N_TIME_STEPS - 1
        assert len(set(steps[2:])) == 6

    @pytest.mark.parametrize("changed", ENCODERS)
    def test_the_graph_says_what_torch_says_for_every_length(self, changed: dict[str, Any]) -> None:
        network = encoder(**changed)
        graph = Graph(history_graph(network))
        for n_events in range(1, 13):
            items, kinds, ages = histories(1, n_events, seed=n_events)
            found = graph({"items": items[0].numpy(), "kinds": kinds[0].numpy(), "minutes_ago": ages[0].numpy()})
            wanted = network(items, kinds, ages)[0, -1].detach().numpy()
            np.testing.assert_allclose(found, wanted, atol=1e-4)


def tensors(seed: int = 0) -> ItemTensors:
    random = torch.Generator().manual_seed(seed)
    return ItemTensors(
        torch.randn(N_ITEMS, 6, generator=random),
        torch.randn(N_ITEMS, 4, generator=random),
        torch.randint(0, N_NAMES + 1, (N_ITEMS, MAX_NAMES), generator=random),
        torch.randint(0, 4, (N_ITEMS,), generator=random),
        torch.randint(0, 9, (N_ITEMS,), generator=random),
    )


def tower(source: Any = "fused", **changed: Any) -> ItemTower:
    options: dict[str, Any] = {
        "n_items": N_ITEMS, "text_dim": 6, "picture_dim": 4, "n_names": N_NAMES, "dim": DIM, "dropout": 0.1,
        "delta_bound": 0.5, "delta_dropout": 0.3,
    }  # fmt: skip
    return shaken(ItemTower(source, **{**options, **changed}))


class TestItemTower:
    @pytest.mark.parametrize("source", ["fused", "text", "ids"])
    def test_vectors_have_length_one(self, source: str) -> None:
        lengths = tower(source)(tensors()).norm(dim=1)
        torch.testing.assert_close(lengths, torch.ones_like(lengths))

    def test_what_is_missing_is_masked(self) -> None:
        """The weights that would read a missing modality do not matter at all: it is not zero that is read."""
        network, items = tower(), tensors()
        texts, pictures, names, prices = items.texts, items.pictures, items.names, items.prices
        texts[0], pictures[1], names[2], prices[2] = 0, 0, 0, 0
        before = network.content(texts, pictures, names, prices)
        for place, part in enumerate((network.text, network.picture, network.attributes)):
            assert part is not None
            other = copy.deepcopy(network)
            changed = (other.text, other.picture, other.attributes)[place]
            assert changed is not None
            with torch.no_grad():
                for parameter in changed.parameters():
                    parameter.add_(1.0)
            after = other.content(texts, pictures, names, prices)
            torch.testing.assert_close(after[place], before[place])
            others = torch.arange(N_ITEMS) != place
            assert not torch.isclose(after[others], before[others], atol=1e-3).all(1).any()

    def test_of_a_missing_modality_nothing_is_weighed(self) -> None:
        network = tower()
        assert network.fusion is not None
        parts, present = torch.randn(5, 3, DIM), torch.tensor([[True, False, True]]).repeat(5, 1)
        before = network.fusion(parts, present)
        parts[:, 1] = 1e6
        torch.testing.assert_close(network.fusion(parts, present), before)

    def test_an_item_that_nothing_is_known_of_is_zero(self) -> None:
        network, items = tower(), tensors()
        items.texts[3], items.pictures[3], items.names[3], items.prices[3], items.n_seen[3] = 0, 0, 0, 0, 0
        assert not network(items)[3].any()
        assert network(items)[4].any()

    def test_an_item_that_nobody_touched_is_placed_by_language_alone(self) -> None:
        network, items = tower(), tensors()
        items.n_seen[5], items.n_seen[6] = 0, 3
        content = torch.nn.functional.normalize(
            network.content(items.texts, items.pictures, items.names, items.prices), dim=1
        )
        found = network(items)
        torch.testing.assert_close(found[5], content[5])
        assert not torch.allclose(found[6], content[6], atol=1e-3)

    def test_content_graph_says_what_torch_says(self) -> None:
        network, items = tower(), tensors()
        graph = content_graph(network)
        assert graph is not None
        running = Graph(graph)
        assert running.widths == {"texts": 6, "pictures": 4, "names": MAX_NAMES, "prices": 0}
        given = {name: getattr(items, name).numpy() for name in running.widths}
        wanted = network.content(items.texts, items.pictures, items.names, items.prices).detach().numpy()
        np.testing.assert_allclose(running(given), wanted, atol=1e-4)

    @pytest.mark.parametrize("changed", [{"text_dim": 0}, {"picture_dim": 0}, {"text_dim": 0, "picture_dim": 0}])
    def test_what_a_shop_lacks_is_no_input(self, changed: dict[str, int]) -> None:
        graph = content_graph(tower(**changed))
        assert graph is not None
        lacking = {name.removesuffix("_dim") + "s" for name in changed}
        assert set(Graph(graph).widths) == {"texts", "pictures", "names", "prices"} - lacking

    def test_a_table_of_ids_places_nobody_new(self) -> None:
        assert content_graph(tower("ids")) is None


class TestBehaviour:
    def test_is_never_longer_than_its_bound(self) -> None:
        part = shaken(Behaviour(N_ITEMS, DIM, 0.5, 0.0))
        with torch.no_grad():
            part.deltas.mul_(100.0)
        lengths = part(torch.full((N_ITEMS,), 10**6)).norm(dim=1)
        assert (lengths <= 0.5 * DIM**0.5 + 1e-5).all()
        assert (lengths > 0.4 * DIM**0.5).all()

    def test_is_trusted_the_more_the_oftener_it_was_seen(self) -> None:
        part = shaken(Behaviour(4, DIM, 1.0, 0.0))
        with torch.no_grad():
            part.deltas.fill_(0.1)
            part.slope.fill_(1.0)
        lengths = part(torch.tensor([0, 1, 10, 1_000])).norm(dim=1)
        assert lengths[0] == 0
        assert (lengths.diff() > 0).all()

    def test_whole_items_are_left_out_in_training_and_none_when_serving(self) -> None:
        part = shaken(Behaviour(4_000, DIM, 1.0, 0.3))
        seen = torch.full((4_000,), 5)
        assert (part(seen) != 0).any(1).all()
        torch.manual_seed(0)
        left_out = (part.train()(seen) == 0).all(1).float().mean()
        assert 0.26 < left_out < 0.34


NAMES_OF_SMALL_SHOP = """
from shelfwise.neural.item_inputs import Vocabulary
from shelfwise.testing.small_shop import small_shop
print(Vocabulary.of(small_shop()).names)
"""


class TestVocabulary:
    def test_names_that_two_items_bear_have_codes_and_keep_them(self) -> None:
        data = small_shop()
        first = Vocabulary.of(data)
        assert len(first.names) == 17  # "Things", eight sets, eight brands
        later = Vocabulary.of(data, Vocabulary(["brand: gone", *first.names[::-1]], 0.25))
        assert later.names == ["brand: gone", *first.names[::-1]]
        assert later.lowest_price == 0.25
        assert Vocabulary.from_json(later.as_json()) == later

    def test_codes_are_the_same_in_every_process(self) -> None:
        """Names that are equally frequent, too: or equal seeds would give another network tomorrow."""
        said = [
            subprocess.run(
                [sys.executable, "-c", NAMES_OF_SMALL_SHOP],
                env={**os.environ, "PYTHONHASHSEED": str(seed)},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in (1, 2)
        ]
        assert said[0] == said[1] != ""

    def test_prices_fall_into_buckets_by_ratio(self) -> None:
        vocabulary = Vocabulary([], 1.0)
        prices = np.array([np.nan, 0.0, -3.0, 0.01, 1.0, 1.3, 1.5, 2.0, 4.0, 1e30], np.float32)
        assert vocabulary.price_codes(prices).tolist() == [0, 0, 0, 1, 1, 1, 2, 3, 5, 24]
        assert Vocabulary([], float("nan")).price_codes(prices).tolist() == [0] * 10

    def test_a_category_and_a_brand_of_one_name_are_two(self) -> None:
        vocabulary = Vocabulary(["category: Dove", "brand: Dove"], float("nan"))
        codes = vocabulary.name_codes([("Dove",), (), ("Elsewhere",)], [None, "Dove", None])
        assert codes[:, :2].tolist() == [[1, 0], [2, 0], [0, 0]]

    def test_what_was_seen_is_counted(self) -> None:
        data = small_shop()
        inputs = ItemInputs.of(data, Vocabulary.of(data))
        assert inputs.n_seen.sum() == len(data.interactions)
        assert not inputs.n_seen[-N_COLD:].any()
        assert inputs.pictures.shape == (len(data.catalogue), 0)


class TestSettings:
    def test_what_is_open_follows_the_preset_and_what_is_said_stays(self) -> None:
        small = NetworkOptions().resolved(has_gpu=False)
        large = NetworkOptions(n_blocks=1).resolved(has_gpu=True)
        assert (small.dim, small.n_blocks) == (PRESETS["cpu"]["dim"], PRESETS["cpu"]["n_blocks"])
        assert (large.dim, large.n_blocks) == (256, 1)
        assert NetworkOptions(preset="cpu").resolved(has_gpu=True).dim == small.dim
        assert PRESETS["gpu"]["n_blocks"] == 4

    def test_both_presets_make_a_network(self) -> None:
        data = small_shop(n_users=20)
        vocabulary = Vocabulary.of(data)
        inputs = ItemInputs.of(data, vocabulary)
        for has_gpu in (False, True):
            options = NetworkOptions().resolved(has_gpu=has_gpu)
            assert sum(one.numel() for one in Network(options, inputs, vocabulary).parameters()) > 10_000
