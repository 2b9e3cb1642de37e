"""Who did something lately, and which of the store's events was the last of each."""

from __future__ import annotations

MAX_USERS = 200_000
"""People remembered; where there are more, what was read before now counts as old."""


class RecentInterest:
    """Tells of a history that was read earlier whether it is still whole.

    Args:
        events: The store's mark of events from which on everything is noted.
    """

    def __init__(self, events: int) -> None:
        self._since = events
        self._last: dict[str, int] = {}

    def note(self, user_id: str, seq: int) -> None:
        """Somebody did something: the event of this number."""
        self._last[user_id] = seq
        if len(self._last) > MAX_USERS:
            self._last.clear()
            self._since = seq

    def is_whole(self, user_id: str, events: int) -> bool:
        """Whether nothing of somebody's came after the store's mark of events was this."""
        return events >= self._since and self._last.get(user_id, 0) <= events
