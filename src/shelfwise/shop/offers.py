"""The shop's offers by verb: check, list, preview, plan."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as parquet

from shelfwise.errors import InputError, StateError
from shelfwise.offers.offer_set import FILE_NAME, OfferSet, read_offers
from shelfwise.store import event_log
from shelfwise.store.records import Records

if TYPE_CHECKING:
    from shelfwise.pipeline.fitted import Progress
    from shelfwise.pipeline.offer_changes import OfferFinding
    from shelfwise.pipeline.offer_plan import Goal, OfferPlan, OfferPreview
    from shelfwise.pipeline.recommender import Recommender

SCHEMA: Any = pa.schema(
    [
        ("user_id", pa.string()),
        ("offer", pa.string()),
        ("chance", pa.float64()),
        ("expected_cost", pa.float64()),
        ("expected_gain", pa.float64()),
    ]
)


class ShopOffers:
    """What the shop gives a discount on, written in `offers.toml`: who answers to it, and who should get it.

    Args:
        folder: The shop's.
        records: The shop's.
        recommender: Loads the model in service.
    """

    def __init__(self, folder: Path, records: Records, recommender: Callable[[], Recommender]) -> None:
        self._folder, self._records, self._recommender = folder, records, recommender

    def read(self) -> OfferSet:
        """The offers of the shop's file.

        Raises:
            ConfigError: there is no such file, or it says what it may not.
        """
        return read_offers(self._folder / FILE_NAME)

    def check(self, offers: OfferSet | None = None) -> builtins.list[OfferFinding]:
        """What looks like a slip.

        Raises:
            ConfigError: a condition cannot be read, or names what the shop does not have.
        """
        from shelfwise.pipeline.clock import ShopClock
        from shelfwise.pipeline.offer_changes import check_offers

        with self._records.read() as connection:
            newest_ms = event_log.newest_ms(connection)
        # A shop without events yet lives today.
        clock = ShopClock(newest_ms + 1, has_clock=newest_ms > 0)
        return check_offers(self.read() if offers is None else offers, self._records, clock.now_ms())

    def list(self) -> list[dict[str, Any]]:
        """Every offer as it stands now: its state, what was answered, what is left of its money.

        Raises:
            ConfigError: see `check`.
            StateError: nothing was trained yet, or before offers were.
        """
        from shelfwise.pipeline.offer_plan import states

        return states(self._ready().offers)

    def preview(self) -> builtins.list[OfferPreview]:
        """What each running offer would bring, were it made to all of its audience.

        Raises:
            ConfigError: see `check`.
            StateError: nothing was trained yet, or before offers were.
        """
        from shelfwise.pipeline.offer_plan import outlook, preview

        return preview(outlook(self._ready(), self._records))

    def plan(
        self,
        budget: float | None = None,
        *,
        goal: Goal = "gain",
        per_user: int = 1,
        output: Path | None = None,
        progress: Progress = lambda *_: None,
    ) -> OfferPlan:
        """Who should get which offer.

        Args:
            budget: Money for all of it; None: as much as the offers' own budgets allow.
            goal: Expected gain in money, or expected answers.
            per_user: Offers of one user at most.
            output: Parquet file of the sendings: user_id, offer, chance, expected_cost, expected_gain.
            progress: Told of every step.

        Raises:
            InputError: the budget is below 0, or `per_user` below 1.
            ConfigError: see `check`.
            StateError: nothing was trained yet, or before offers were.
        """
        from shelfwise.pipeline.offer_plan import outlook, plan

        if budget is not None and not 0 <= budget < float("inf"):
            raise InputError(f"the budget is {budget}", expected="money, at least 0", where="budget", code="bad_number")
        if per_user < 1:
            raise InputError(f"{per_user} offers a user", expected="at least 1", where="per_user", code="bad_number")
        recommender = self._ready()
        progress("asking who answers to what", None, None)
        seen = outlook(recommender, self._records)
        progress("assigning offers", None, None)
        found = plan(seen, budget=float("inf") if budget is None else budget, goal=goal, per_user=per_user)
        if output is not None:
            _write(found, output)
        return found

    def _ready(self) -> Recommender:
        self.check()
        found = self._recommender()
        if found.offers.response is None:
            raise StateError(
                "the model in service knows nothing of offers", hint="run `shelfwise train`", code="no_response"
            )
        return found


def _write(found: OfferPlan, output: Path) -> None:
    """The file appears under its name when it is whole."""
    output.parent.mkdir(parents=True, exist_ok=True)
    scratch = output.with_name(f".{output.name}.unfinished")
    try:
        columns = [found.user_ids, found.offers, found.chances, found.costs, found.gains]
        types = SCHEMA.types
        table = pa.table([pa.array(of, one) for of, one in zip(columns, types, strict=True)], schema=SCHEMA)
        parquet.write_table(table, scratch)
        scratch.replace(output)
    finally:
        scratch.unlink(missing_ok=True)
