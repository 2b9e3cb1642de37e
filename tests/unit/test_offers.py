"""Offers as they are written, what they cost, what became of them, and who is likely to answer."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.datasets.interactions import DAY_MS, Interactions
from shelfwise.errors import ConfigError
from shelfwise.offers.buyers import Buyers, Demand
from shelfwise.offers.learning import learn_response
from shelfwise.offers.ledger import Ledger
from shelfwise.offers.likely_sets import drawn_sets, named_sets
from shelfwise.offers.offer_set import Offer, offer_set, read_offers
from shelfwise.offers.past_questions import Asker, Moment, moments
from shelfwise.offers.ready import ReadyOffer, Terms, mean_price, ready, user_fields
from shelfwise.offers.replies import PastOffer, Replies
from shelfwise.offers.response import ResponseModel
from shelfwise.offers.response_features import NAMES, ItemsOnOffer, response_features
from shelfwise.rules.fields import Fields
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.scenario_events import ScenarioEvent
from shelfwise.testing.small_shop import GROUP_SIZE, N_ITEMS, START_MS, small_shop

PURCHASE, IMPRESSION, VIEW = (CODE_BY_KIND[kind] for kind in (EventKind.PURCHASE, EventKind.IMPRESSION, EventKind.VIEW))
ITEM_FIELDS = Fields.of_items((), ())


def one_offer(**keys: Any) -> ReadyOffer:
    document = {"offers": {"mugs": {"items": "price < 10", "discount": 0.2, **keys}}}
    return ready(offer_set(document), ITEM_FIELDS, user_fields(("age",)))[0]


def share(chosen: Any) -> np.ndarray:
    return np.isin(np.arange(N_ITEMS), chosen)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"discount": 20}, r"20 is no share of the price; write 0.2, or amount_off = 20"),
        ({"amount_off": 5}, "names both of discount and amount_off"),
        ({"discount": None}, "names neither of discount and amount_off"),
        ({"buget": 5}, "did you mean 'budget'"),
        ({"from": "2026-02-01", "until": "2026-01-01"}, "offers.mugs ends before it begins"),
        ({"margin": 1.5}, "less than or equal to 1"),
        ({"items": "prize < 10"}, "did you mean 'price'"),
        ({"audience": "user.aeg = 'young'"}, "did you mean 'user.age'"),
        ({"audience": "scenario = 'home'"}, "no user has a field 'scenario'"),
    ],
)
def test_what_an_offer_may_not_say(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        one_offer(**keys)


def test_a_missing_file_and_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_offers(tmp_path / "offers.toml")
    (tmp_path / "offers.toml").write_text("[offers")
    with pytest.raises(ConfigError, match="not a TOML file"):
        read_offers(tmp_path / "offers.toml")


def test_terms() -> None:
    share_off = Terms.of(Offer(items="price < 1", discount=0.2, margin=0.5, cost=0.1), 10.0)
    assert (share_off.off, share_off.earned) == (2.0, 3.0)
    assert share_off.expected_cost(np.array([0.5])) == pytest.approx([1.1])
    assert share_off.expected_gain(np.array([0.5])) == pytest.approx([1.4])
    # Nobody is paid for taking an item.
    assert Terms.of(Offer(items="price < 1", amount_off=12.0, margin=0.5), 10.0).off == 10.0
    assert Terms.of(Offer(items="price < 1", discount=0.2), float("nan")).off == 0.0


def test_the_mean_price_is_that_of_what_is_bought() -> None:
    prices = np.log(np.array([1.0, 3.0, np.nan], np.float32))
    assert mean_price(np.arange(3, dtype=np.int32), np.array([0.75, 0.25, 0.5]), prices) == pytest.approx(1.5)
    assert mean_price(np.arange(2, dtype=np.int32), np.zeros(2), prices[:2]) == pytest.approx(2.0)
    assert np.isnan(mean_price(np.arange(1, dtype=np.int32), np.ones(1), np.array([np.nan], np.float32)))


def event(seq: int, user: int, item: int, kind: int, time_ms: int, **keys: Any) -> ScenarioEvent:
    return ScenarioEvent(seq, user, item, kind, time_ms, keys.get("price"), keys.get("quantity"))


def test_an_account_counts_moments_and_money() -> None:
    begin = 1_767_225_600_000  # 2026-01-01
    ledger = Ledger(
        [
            event(1, 0, 0, PURCHASE, begin - 1, price=10.0),  # before it began
            event(2, 0, 0, PURCHASE, begin, price=10.0, quantity=2.0),
            event(3, 0, 1, PURCHASE, begin),  # the same visit; the line names no price
            event(4, 0, 1, PURCHASE, begin + 5, price=5.0),
            event(5, 1, 2, PURCHASE, begin + 5, price=5.0),  # of no item on offer
            event(6, 1, 0, IMPRESSION, begin + 6),
            event(7, 1, 1, IMPRESSION, begin + 6),
            event(8, 1, 9, PURCHASE, begin + 7, price=5.0),  # of an item that came since
        ]
    )
    offer = one_offer(**{"from": "2026-01-01", "cost": 0.5, "budget": 20.0})
    is_member, log_prices = np.array([True, True, False]), np.log(np.array([9.0, 4.0, 1.0], np.float32))
    account = ledger.account(offer, is_member, log_prices)
    assert (account.n_answers, account.n_sent, account.answers_by_user) == (2, 1, {0: 2})
    assert account.spent == pytest.approx(0.2 * (20 + 4 + 5) + 0.5)
    assert account.left(20.0) == pytest.approx(20 - 6.3)
    assert account.left(5.0) == 0.0 and account.left(None) == float("inf")
    off = one_offer(**{"from": "2026-01-01", "amount_off": 3.0, "discount": None})
    assert ledger.account(off, is_member, log_prices).spent == pytest.approx(6.0)


def test_only_offers_that_are_over_and_were_answered_are_learned_from() -> None:
    begin = 1_767_225_600_000
    ledger = Ledger([event(1, 3, 0, PURCHASE, begin), event(2, 4, 0, IMPRESSION, begin)])
    offer = one_offer(**{"from": date(2026, 1, 1), "until": date(2026, 1, 31)})
    items, everybody = np.array([True]), np.arange(6)
    assert ledger.past(offer, items, begin + DAY_MS, everybody) is None
    past = ledger.past(offer, items, begin + 40 * DAY_MS, everybody)
    assert past is not None
    assert past.sent.tolist() == [3, 4] and past.answered.tolist() == [True, False]
    assert past.days == 31.0
    assert ledger.past(offer, np.array([False]), begin + 40 * DAY_MS, everybody) is None


def test_replies_of_the_future_are_not_known() -> None:
    replies = Replies(np.array([0, 0, 1]), np.array([10, 90, 20]), np.array([0, 1, 1]), np.array([5, 5, 95]))
    found = replies.features(np.array([0, 1, 2, -1]), 50)
    assert np.expm1(found[:, 0]).round().tolist() == [1, 1, 0, 0]
    assert np.expm1(found[:, 2]).round().tolist() == [1, 1, 0, 0]
    assert (found[2] == found[3]).all()


def test_sets_have_names_and_what_sells_is_drawn() -> None:
    data = small_shop()
    by_sort = named_sets(data.catalogue)
    assert len(by_sort["item"]) == N_ITEMS
    assert sorted(map(len, by_sort["category"])) == [GROUP_SIZE] * 8  # "Things" is everything, and no choice
    sold = np.zeros(N_ITEMS)
    sold[:GROUP_SIZE] = 1 / GROUP_SIZE
    drawn = drawn_sets(by_sort, sold, 20, 0)
    assert 0 < len(drawn) <= 20
    assert all(one[:GROUP_SIZE].any() for one in drawn)
    assert [one.tolist() for one in drawn] == [one.tolist() for one in drawn_sets(by_sort, sold, 20, 0)]


def history(*events: tuple[int, int, float]) -> History:
    rows, kinds, days = zip(*events, strict=True)
    times = np.array([START_MS + round(day * DAY_MS) for day in days], np.int64)
    return History(np.array(rows, np.int32), np.array(kinds, np.int8), times, 0)


def test_features_of_somebody_who_buys_every_week() -> None:
    demand = Demand(np.full(4, 0.25), 0.1)
    prices = np.log(np.array([1.0, 2.0, 4.0, np.nan], np.float32))
    weekly = history(*((0, PURCHASE, 7.0 * week) for week in range(4)), (2, VIEW, 22.0))
    now_ms = START_MS + 28 * DAY_MS
    buyers = Buyers.of_histories([weekly, History.empty()], now_ms, demand, prices, None)
    features = response_features(
        buyers, ItemsOnOffer.of(np.array([True, True, False, False]), demand, prices, None), 7.0
    )
    assert np.isfinite(features).all()
    of = dict(zip(NAMES, features[0].tolist(), strict=True))
    assert of["days_bought"] == pytest.approx(np.log1p(4))
    assert of["due"] == pytest.approx(np.log(8 / 7))
    assert of["expected_by_rhythm"] == pytest.approx(0.0)
    assert of["recency"] == pytest.approx(2 ** (-7 / 30))
    assert of["set_size"] == pytest.approx(np.log(2))
    stranger = dict(zip(NAMES, features[1].tolist(), strict=True))
    assert stranger["ever_bought"] == stranger["recency"] == stranger["price_above_usual"] == 0.0
    assert stranger["expected_of_all"] == pytest.approx(np.log(0.1 * 7.0), abs=1e-5)
    assert of["expected_lately"] > stranger["expected_lately"]


def test_what_happens_later_changes_no_feature() -> None:
    data = small_shop()
    moment = Moment(START_MS + 40 * DAY_MS, 7.0)
    users = np.arange(50)
    cut = data.with_interactions(data.interactions.before(moment.start_ms), moment.start_ms)
    everybody = np.ones(data.interactions.n_users, bool)
    for items in (share(range(10)), share([33])):
        early, late = (
            Asker(one, everybody).features(items, users, moment.start_ms, moment.days) for one in (cut, data)
        )
        assert (early == late).all()


def test_later_moments_calibrate_and_earlier_ones_do_not_reach_them() -> None:
    data = small_shop()
    learn, calibrate = moments(data.interactions, data.now_ms)
    assert learn and calibrate
    assert max(one.end_ms for one in learn) <= min(one.start_ms for one in calibrate)
    assert max(one.end_ms for one in calibrate) <= data.now_ms
    assert moments(data.interactions, data.interactions.times_ms.min() + 10 * DAY_MS) == ([], [])


def test_who_walks_in_a_group_buys_from_it() -> None:
    data = small_shop(n_users=600)
    log = data.interactions
    learned = learn_response(data, np.ones(log.n_users, bool))
    assert learned.model.buying is not None, learned.about
    assert learned.model.chance_of == "buying"
    latest = np.unique(log.user_rows[log.times_ms > data.now_ms - 3 * DAY_MS])[:40]
    asker = Asker(data, np.ones(log.n_users, bool))
    own, other = (
        np.array(
            [
                learned.model.chances(
                    asker.features(share(range(10 * group, 10 * group + 10)), np.array([user]), data.now_ms, 7.0),
                    Replies().features(np.array([user]), data.now_ms),
                )[0]
                for user, group in zip(latest.tolist(), ((latest + step) % 8).tolist(), strict=True)
            ]
        )
        for step in (0, 4)
    )
    assert own.mean() > 4 * other.mean()
    assert ((own > 0) & (own < 1)).all()


def test_without_a_clock_or_purchases_the_rates_alone_tell() -> None:
    data = small_shop(has_clock=False)
    learned = learn_response(data, np.ones(data.interactions.n_users, bool))
    assert learned.model.buying is None and learned.about == {"why_not": "the log has no clock"}
    few = small_shop(n_users=10)
    learned = learn_response(few, np.ones(few.interactions.n_users, bool))
    assert learned.model.buying is None and "purchases" in learned.about["why_not"]
    features = np.zeros((2, len(NAMES)), np.float32)
    features[:, 0] = np.log([0.1, 2.0])
    assert learned.model.chances(features, np.zeros((2, 4), np.float32)) == pytest.approx(1 - np.exp([-0.1, -2.0]))


def answered_offers(log: Interactions, eager: np.ndarray) -> list[PastOffer]:
    """Eight offers, sent to everybody, answered by the eager four times in five."""
    random = np.random.default_rng(0)
    everybody = np.arange(log.n_users)
    offers: list[PastOffer] = []
    for place in range(8):
        start_ms = START_MS + (20 + 4 * place) * DAY_MS
        answered = np.isin(everybody, eager) & (random.random(log.n_users) < 0.8)
        offers.append(
            PastOffer(share(range(10 * place, 10 * place + 10)), start_ms, start_ms + 3 * DAY_MS, everybody, answered)
        )
    return offers


def test_real_answers_are_learned_from_and_kept(tmp_path: Path) -> None:
    data = small_shop()
    log, eager = data.interactions, np.arange(0, 300, 10)
    past = answered_offers(log, eager)
    replies = Replies(
        np.concatenate([one.sent[one.answered] for one in past]),
        np.concatenate([np.full(int(one.answered.sum()), one.start_ms + DAY_MS) for one in past]),
        np.concatenate([one.sent for one in past]),
        np.concatenate([np.full(len(one.sent), one.start_ms) for one in past]),
    )
    model, about = learn_response(data, np.ones(log.n_users, bool), past, replies)
    assert model.chance_of == "answering"
    assert about["past_offers"] == 8 and about["answers"] == sum(int(one.answered.sum()) for one in past)
    asker, users = Asker(data, np.ones(log.n_users, bool)), np.arange(log.n_users)
    features = asker.features(share(range(10)), users, data.now_ms, 3.5)
    told = replies.features(users, data.now_ms)
    chances = model.chances(features, told)
    is_eager = np.isin(users, eager)
    assert np.median(chances[is_eager]) > 5 * np.median(chances[~is_eager])
    model.save(tmp_path)
    assert (ResponseModel.load(tmp_path).chances(features, told) == chances).all()
