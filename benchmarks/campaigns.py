"""Real campaigns of a grocer: which coupons, good for what, were sent to whom, and who redeemed which."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.offers.replies import PastOffer, Replies


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign.

    Attributes:
        name: Its number.
        start_ms: The moment at which it began.
        end_ms: The moment at which it was over.
        offers: Its coupons, each sent to all of the campaign's households.
    """

    name: str
    start_ms: int
    end_ms: int
    offers: list[PastOffer]

    @property
    def n_answers(self) -> int:
        """Households by coupons that were redeemed."""
        return int(sum(one.answered.sum() for one in self.offers))


def read_campaigns(source: Path, user_ids: list[str], item_ids: list[str]) -> tuple[list[Campaign], Replies]:
    """All campaigns in the order in which they began, and everything that was ever sent and redeemed.

    A coupon whose products the shop never sold stands for no item: nothing can be known of it but its emptiness.

    Args:
        source: Folder of the data set.
        user_ids: Households by row.
        item_ids: Products by row.
    """
    row_of = {household: row for row, household in enumerate(user_ids)}
    item_of = {product: row for row, product in enumerate(item_ids)}
    tables = {
        name: pl.read_csv(source / f"{name}.csv.gz", infer_schema=False)
        for name in ("campaign_descriptions", "campaigns", "coupons", "coupon_redemptions")
    }
    sent_to: dict[str, set[int]] = defaultdict(set)
    for campaign, household in tables["campaigns"].select("campaign_id", "household_id").iter_rows():
        if household in row_of:
            sent_to[campaign].add(row_of[household])
    items: dict[tuple[str, str], list[int]] = defaultdict(list)
    for coupon, product, campaign in tables["coupons"].select("coupon_upc", "product_id", "campaign_id").iter_rows():
        row = item_of.get(_plain(product))
        items[campaign, coupon] += [] if row is None else [row]
    redeemed: dict[tuple[str, str], set[int]] = defaultdict(set)
    answers: list[tuple[int, int]] = []
    columns = ("household_id", "coupon_upc", "campaign_id", "redemption_date")
    for household, coupon, campaign, day in tables["coupon_redemptions"].select(*columns).iter_rows():
        redeemed[campaign, coupon].add(row_of[household])
        answers.append((row_of[household], _ms(day)))
    found: list[Campaign] = []
    for campaign, start, end in (
        tables["campaign_descriptions"].sort("start_date").select("campaign_id", "start_date", "end_date").iter_rows()
    ):
        households = np.array(sorted(sent_to[campaign]), np.int64)
        start_ms, end_ms = _ms(start), _ms(end) + DAY_MS
        offers: list[PastOffer] = []
        for coupon in (coupon for of, coupon in items if of == campaign):
            is_member = np.zeros(len(item_ids), bool)
            is_member[items[campaign, coupon]] = True
            answered = np.isin(households, sorted(redeemed[campaign, coupon]))
            offers.append(PastOffer(is_member, start_ms, end_ms, households, answered))
        found.append(Campaign(campaign, start_ms, end_ms, offers))
    sent = [(one.offers[0].sent, one.start_ms, len(one.offers)) for one in found if one.offers]
    replies = Replies(
        np.array([household for household, _ in answers], np.int64),
        np.array([at_ms for _, at_ms in answers], np.int64),
        np.concatenate([np.repeat(households, n) for households, _, n in sent]),
        np.concatenate([np.full(len(households) * n, at_ms, np.int64) for households, at_ms, n in sent]),
    )
    return found, replies


def _ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000)


def _plain(number: str) -> str:
    """A number that the export wrote as `9e+05` as the others are written."""
    return str(int(float(number))) if "e" in number else number
