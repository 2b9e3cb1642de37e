"""What a model's training did not see of the store, though it may have been there before the model was published."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from shelfwise.pipeline.model import Model
from shelfwise.store import catalogue, event_log
from shelfwise.store.catalogue import ChangedItem
from shelfwise.store.marks import Marks


class Unlearned:
    """What came or changed between the look at the store that a model learned from and now.

    A version whose manifest has no marks, since an earlier release wrote it, tells new items by their rows and new
    events by their times alone. So does one that learned from more than the store holds: a backup was restored.
    """

    def __init__(self, model: Model, now: Marks) -> None:
        """Compare.

        Args:
            model: As it was trained.
            now: Where the store is.
        """
        learned = model.learned_up_to
        is_ahead = learned is not None and (learned.items > now.items or learned.erasures > now.erasures)
        self._model = model
        self._learned = None if is_ahead else learned
        self._erased_since = learned is not None and now.erasures > learned.erasures

    def items(self, connection: Connection) -> Iterator[ChangedItem]:
        """Items that are new or changed in anything, as they are now, deleted ones too, in the order of rows."""
        if self._learned is None:
            return catalogue.from_row(connection, self._model.n_items)
        return catalogue.unseen(connection, self._learned.items)

    def is_new_content(self, changed: ChangedItem) -> bool:
        """Whether the model has no vectors of an item as it reads now."""
        return self._learned is None or changed.content_seq > self._learned.items

    def interest(self, connection: Connection) -> list[tuple[int, int, int]]:
        """User row, item row and time of every event of interest that the model does not count yet, oldest first."""
        has_clock = self._model.funnel.has_clock
        if self._learned is None:
            return event_log.interest_since(connection, self._model.log_end_ms) if has_clock else []
        time_ms = self._model.log_end_ms if has_clock and self._erased_since else None
        return event_log.interest_unseen(connection, self._learned.events, time_ms)
