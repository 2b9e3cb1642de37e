"""What users had done when the store was last read: what answers go on from while it is away."""

from __future__ import annotations

import threading
from collections import OrderedDict

from shelfwise.schemas.candidates import History

MAX_EVENTS = 1_000_000
"""Events kept in all, of the users who asked last: some 25 MB."""


class LastHistories:
    """Histories by user, the longest unasked forgotten first. May be used from several threads."""

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._max_events = max_events
        self._by_user: OrderedDict[str, History] = OrderedDict()
        self._n_events = 0
        self._lock = threading.Lock()

    def put(self, user_id: str, history: History) -> None:
        """Remember, in place of what was known of the user."""
        with self._lock:
            before = self._by_user.pop(user_id, None)
            self._n_events += len(history) - (0 if before is None else len(before))
            self._by_user[user_id] = history
            while self._n_events > self._max_events:
                _, forgotten = self._by_user.popitem(last=False)
                self._n_events -= len(forgotten)

    def of(self, user_id: str) -> History:
        """What is remembered; empty of whom nothing is."""
        with self._lock:
            return self._by_user.get(user_id, History.empty())

    @property
    def n_users(self) -> int:
        """Users of whom something is remembered."""
        return len(self._by_user)

    @property
    def n_events(self) -> int:
        """Events that are remembered, of all of them."""
        return self._n_events

    def clear(self) -> None:
        """Remember nothing of anybody."""
        with self._lock:
            self._by_user.clear()
            self._n_events = 0

    def forget(self, user_id: str) -> None:
        """Remember nothing of somebody."""
        with self._lock:
            gone = self._by_user.pop(user_id, None)
            self._n_events -= 0 if gone is None else len(gone)
