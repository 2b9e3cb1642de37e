"""The retrievers that places ask, and the ranker is not told of, keep the contract and do what they are for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shelfwise.config.component import ComponentSpec, build
from shelfwise.datasets.interactions import DAY_MS
from shelfwise.datasets.regions import Regions
from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import ConfigError
from shelfwise.retrieve import BUILTIN
from shelfwise.retrieve.complements import Complements
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.trending import Trending
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.scenario_names import no_codes
from shelfwise.testing.basket_shop import BAG, basket_shop, partner
from shelfwise.testing.retrievers import RetrieverContract, situation
from shelfwise.testing.small_shop import GROUP_SIZE, N_COLD, N_ITEMS, small_shop

EVERYTHING = np.ones(N_ITEMS, bool)


class TestComplements(RetrieverContract):
    def make(self) -> Retriever:
        return Complements(Complements.Config(k=12, doubt=1.0, popularity=0.5))

    def fitted(self, *, has_clock: bool = True) -> tuple[Retriever, TrainingData]:
        data = basket_shop()
        if not has_clock:
            log = data.interactions
            moments = np.unique(log.times_ms, return_inverse=True)[1].astype(np.int64)
            data = data.with_interactions(replace(log, times_ms=moments))
        retriever = self.make()
        retriever.fit(data)
        return retriever, data

    def test_what_is_bought_together_comes_first(self) -> None:
        retriever, data = self.fitted()
        hits = sum(
            int(retriever.retrieve(situation(data, [], context=[row]), EVERYTHING).rows[0] == partner(row))
            for row in range(1, 60)
        )
        assert hits >= 55

    def test_nothing_of_a_kind_that_the_basket_holds(self) -> None:
        retriever, data = self.fitted()
        for context in ([3], [3, 4], [3, 25, 41]):
            rows = retriever.retrieve(situation(data, [], context=context), EVERYTHING).rows
            assert not np.isin(rows // GROUP_SIZE, np.array(context) // GROUP_SIZE).any()

    def test_what_lies_in_every_basket_goes_with_nothing(self) -> None:
        data = basket_shop()
        retriever = Complements(Complements.Config(k=5, doubt=1.0, popularity=0.0))
        retriever.fit(data)
        for row in range(30, 70):
            assert BAG not in retriever.retrieve(situation(data, [], context=[row]), EVERYTHING).rows

    def test_an_item_that_nobody_bought_is_answered_by_its_category(self) -> None:
        retriever, data = self.fitted()
        cold = N_ITEMS - 1
        found = retriever.retrieve(situation(data, [], context=[cold]), EVERYTHING).rows
        assert len(found) and np.mean(found[:8] // GROUP_SIZE == partner(cold) // GROUP_SIZE) == 1
        asked = situation(data, [], context=[cold])
        assert all(retriever.because(np.array([row], np.int32), asked)[0] is None for row in found.tolist())

    def test_the_reason_truly_happened(self) -> None:
        retriever, data = self.fitted()
        log = data.interactions
        baskets = {
            key: set(log.item_rows[(log.user_rows == key[0]) & (log.times_ms == key[1])].tolist())
            for key in {(int(user), int(time)) for user, time in zip(log.user_rows, log.times_ms, strict=True)}
        }
        asked = situation(data, [], context=[31, 52])
        named = retriever.retrieve(asked, EVERYTHING).rows.tolist()
        seeds = {row: retriever.because(np.array([row], np.int32), asked)[0] for row in named}
        assert any(seed is not None for seed in seeds.values())
        for row, seed in seeds.items():
            together = any({row, seed} <= basket for basket in baskets.values())
            assert (
                together
                if seed is not None
                else not any({row, 31} <= one or {row, 52} <= one for one in baskets.values())
            )

    def test_the_basket_counts_and_not_the_history(self) -> None:
        retriever, data = self.fitted()
        alone = retriever.retrieve(situation(data, [], context=[31]), EVERYTHING)
        known = retriever.retrieve(situation(data, [5, 66], context=[31]), EVERYTHING)
        np.testing.assert_array_equal(alone.rows, known.rows)

    @pytest.mark.parametrize("kind", [EventKind.VIEW, EventKind.PURCHASE])
    def test_a_shop_without_baskets_has_no_answer(self, kind: EventKind) -> None:
        data = small_shop() if kind is EventKind.PURCHASE else basket_shop()
        log = data.interactions
        data = data.with_interactions(replace(log, kinds=np.full(len(log), CODE_BY_KIND[kind], np.int8)))
        retriever = Complements(Complements.Config())
        retriever.fit(data)
        assert not retriever.has_learned
        assert len(retriever.retrieve(situation(data, [3], context=[4]), EVERYTHING)) == 0

    def test_without_categories_pairs_alone_speak(self) -> None:
        data = basket_shop(with_categories=False)
        retriever = Complements(Complements.Config(doubt=1.0, popularity=0.5))
        retriever.fit(data)
        assert retriever.retrieve(situation(data, [], context=[31]), EVERYTHING).rows[0] == partner(31)


class TestBasket(TestComplements):
    """As the default shop completes carts: whatever is likeliest, and what the same shoppers buy."""

    def make(self) -> Retriever:
        options = {"doubt": 1.0, "shoppers": 0.1, "chance": "purchases", "least_lift": 0.0, "same_kind": True}
        return Complements(Complements.Config(k=12, popularity=0.5, **options))  # type: ignore[arg-type]

    def test_nothing_of_a_kind_that_the_basket_holds(self) -> None:
        retriever, data = self.fitted()
        found = retriever.retrieve(situation(data, [], context=[3, 25]), EVERYTHING)
        assert found.score_of is not None
        everything = found.score_of(np.arange(N_ITEMS, dtype=np.int32))
        assert 1 < everything.sum() < 1.1 + 1e-3  # likelihoods, and a tenth of what shoppers buy

    def test_what_shoppers_buy_counts_as_much_as_it_is_told_to(self) -> None:
        data = basket_shop()
        without, beside = (
            Complements(Complements.Config(k=12, shoppers=shoppers, least_lift=0.0)) for shoppers in (0.0, 0.5)
        )
        scores = []
        for retriever in (without, beside):
            retriever.fit(data)
            found = retriever.retrieve(situation(data, [], context=[31]), EVERYTHING)
            assert found.score_of is not None
            scores.append(found.score_of(np.arange(N_ITEMS, dtype=np.int32)).astype(np.float64))
        log, wanted = data.interactions, np.zeros(N_ITEMS)
        for user in range(log.n_users):
            held = set(log.item_rows[log.user_rows == user].tolist())
            if 31 in held:
                wanted[list(held - {31})] += 1 / (len(held) - 1)
        np.testing.assert_allclose(scores[1] - scores[0], 0.5 * wanted / wanted.sum(), atol=1e-6)


class TestTrending(RetrieverContract):
    def make(self) -> Retriever:
        return Trending(Trending.Config(k=12))

    @staticmethod
    def with_sales(data: TrainingData, row: int, days_ago: list[float]) -> TrainingData:
        log = data.interactions
        more = replace(
            log,
            user_rows=np.concatenate([log.user_rows, np.zeros(len(days_ago), np.int32)]),
            item_rows=np.concatenate([log.item_rows, np.full(len(days_ago), row, np.int32)]),
            kinds=np.concatenate([log.kinds, np.full(len(days_ago), CODE_BY_KIND[EventKind.PURCHASE], np.int8)]),
            times_ms=np.concatenate([log.times_ms, (data.now_ms - np.array(days_ago) * DAY_MS).astype(np.int64) - 1]),
            prices=np.concatenate([log.prices, np.full(len(days_ago), np.nan, np.float32)]),
            sessions=np.concatenate([log.sessions, np.full(len(days_ago), -1, np.int64)]),
            scenarios=no_codes(),
        )
        return data.with_interactions(more, data.now_ms)

    def named(self, data: TrainingData) -> list[int]:
        retriever = self.make()
        retriever.fit(data)
        return retriever.retrieve(situation(data, []), EVERYTHING).rows.tolist()

    def test_one_sale_is_no_trend_and_several_are(self) -> None:
        data, cold = small_shop(), N_ITEMS - 1
        assert cold not in self.named(self.with_sales(data, cold, [0.1]))
        assert self.named(self.with_sales(data, cold, [0.1] * 8))[0] == cold

    def test_it_is_the_rise_that_counts_and_not_the_volume(self) -> None:
        data = small_shop()
        data = data.with_interactions(data.interactions.where(np.zeros(0, np.intp)), data.now_ms)
        for row in range(8):  # eight steady items, one of which sells ten times as much
            n_a_day = 40 if row == 0 else 4
            data = self.with_sales(data, row, [number / n_a_day for number in range(90 * n_a_day)])
        data = self.with_sales(data, N_ITEMS - 1, [0.1 * n for n in range(12)])
        assert self.named(data)[0] == N_ITEMS - 1
        assert 0 not in self.named(data)

    def test_what_lifts_the_whole_shop_is_no_trend(self) -> None:
        data = small_shop()
        for row in range(N_ITEMS - N_COLD):
            data = self.with_sales(data, row, [0.2, 0.4, 0.6, 0.8] * 3)
        before = set(self.named(small_shop()))
        assert len(set(self.named(data)) - before) <= 3

    def test_an_event_while_serving_counts(self) -> None:
        data = small_shop()
        retriever = self.make()
        retriever.fit(data)
        for _ in range(20):
            retriever.observe(N_ITEMS - 1, data.now_ms)
        assert retriever.retrieve(situation(data, []), EVERYTHING).rows[0] == N_ITEMS - 1

    @staticmethod
    def in_regions(data: TrainingData) -> TrainingData:
        """User 0 lives in the north, all others in the south."""
        codes = np.full(data.interactions.n_users, 2, np.int32)
        codes[0] = 1
        return replace(data, regions=Regions(("north", "south"), codes))

    def test_a_region_has_trends_of_its_own(self) -> None:
        # What user 0 buys rises in the north; in the south it counts as little as anything elsewhere does.
        data = self.in_regions(self.with_sales(small_shop(), N_ITEMS - 1, [0.1] * 8))
        retriever = Trending(Trending.Config(k=12))
        retriever.fit(data)
        north, south = (
            retriever.retrieve(replace(situation(data, []), region=name), EVERYTHING) for name in ("north", "south")
        )
        assert retriever.regions == ("south", "north")  # the one where most happens first
        assert north.rows[0] == N_ITEMS - 1
        assert N_ITEMS - 1 not in south.rows

    def test_where_a_region_is_not_told_apart_the_shop_speaks(self) -> None:
        data = self.in_regions(self.with_sales(small_shop(), N_ITEMS - 1, [0.1] * 8))
        retriever = Trending(Trending.Config(k=12, regions=1))
        retriever.fit(data)
        assert retriever.regions == ("south",)
        asked = situation(data, [])
        for region in ("north", "nowhere"):
            found = retriever.retrieve(replace(asked, region=region), EVERYTHING)
            assert found.rows.tolist() == retriever.retrieve(asked, EVERYTHING).rows.tolist()

    def test_with_all_weight_elsewhere_a_region_is_the_shop(self) -> None:
        data = self.in_regions(self.with_sales(small_shop(), N_ITEMS - 1, [0.1] * 8))
        retriever = Trending(Trending.Config(k=12, elsewhere=1.0))
        retriever.fit(data)
        np.testing.assert_allclose(retriever.rises(data.now_ms, "south"), retriever.rises(data.now_ms))

    def test_an_event_counts_where_its_user_is_at_home(self, tmp_path: Path) -> None:
        data = self.in_regions(small_shop())
        retriever, loaded = (Trending(Trending.Config(k=12)) for _ in "ab")
        retriever.fit(data)
        for _ in range(20):
            retriever.observe(N_ITEMS - 1, data.now_ms, "north")
        retriever.save(tmp_path)
        loaded.load(tmp_path)
        for one in (retriever, loaded):
            north, south = (one.rises(data.now_ms, name)[N_ITEMS - 1] for name in ("north", "south"))
            assert min(north, one.rises(data.now_ms)[N_ITEMS - 1]) > south

    def test_without_a_clock_there_is_no_rate(self) -> None:
        assert self.named(small_shop(has_clock=False)) == []

    def test_windows_that_cannot_be(self) -> None:
        spec = ComponentSpec.model_validate({"use": "trending", "recent_d": 30.0})
        with pytest.raises(ConfigError, match="earlier_d is 28; it must be longer than recent_d, 30"):
            build("retriever", spec, BUILTIN, where="retrieve.trending", base=Retriever)
