"""Answers that are given again: to everybody new who asks the same, and to a user who did nothing since.

What an answer depends on is its key: the query without whose it is, the whole history, the profile, the region, and
how far the catalogue, the rules, the settings of places and the erasures have come. So one event of the user, one
changed item or another rule makes another key at once. What others do meanwhile moves popularity, a little and all the
time: that is what the few seconds are for that an answer is kept.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from hashlib import blake2b
from typing import Generic, TypeVar

from shelfwise.pipeline.live_model import LiveModel
from shelfwise.schemas.candidates import Situation
from shelfwise.schemas.queries import Query

T = TypeVar("T")

BYTES_PER_ITEM, BYTES_PER_ANSWER = 700, 1_500
"""About what a worded item and everything around it take."""


class AnswerCache(Generic[T]):
    """Keeps answers for some seconds, the longest unasked forgotten first. May be used from several threads.

    Attributes:
        n_hits: Answers given again.
        n_misses: Answers that had to be made.
    """

    def __init__(self, kept_s: float, max_bytes: int) -> None:
        self._kept_s, self._max_bytes = kept_s, max_bytes
        self._answers: OrderedDict[bytes, tuple[float, int, T]] = OrderedDict()
        self._n_bytes = 0
        self._lock = threading.Lock()
        self.n_hits = self.n_misses = 0

    @property
    def n_bytes(self) -> int:
        """About what is kept."""
        return self._n_bytes

    def clear(self) -> None:
        """Keep nothing."""
        with self._lock:
            self._answers.clear()
            self._n_bytes = 0

    def get(self, key: bytes) -> T | None:
        """What is kept under a key and is young enough."""
        with self._lock:
            found = self._answers.get(key)
            if found is None or found[0] < time.monotonic():
                self.n_misses += 1
                return None
            self._answers.move_to_end(key)
            self.n_hits += 1
            return found[2]

    def put(self, key: bytes, answer: T, n_items: int) -> None:
        """Keep an answer of so many items."""
        n_bytes = BYTES_PER_ANSWER + BYTES_PER_ITEM * n_items
        with self._lock:
            before = self._answers.pop(key, None)
            self._n_bytes += n_bytes - (0 if before is None else before[1])
            self._answers[key] = (time.monotonic() + self._kept_s, n_bytes, answer)
            while self._n_bytes > self._max_bytes and self._answers:
                _, (_, gone, _) = self._answers.popitem(last=False)
                self._n_bytes -= gone


def answer_key(query: Query, k: int, situation: Situation, live: LiveModel) -> bytes:
    """What an answer of one model depends on, as 128 bits.

    Args:
        query: The request.
        k: Items wanted.
        situation: With the whole history, as far as it counts.
        live: The model that answers.

    Cost:
        Some twenty microseconds.
    """
    marks, history = live.marks, situation.history
    digest = blake2b(query.model_dump_json(exclude={"user_id", "session_id"}).encode(), digest_size=16)
    digest.update(
        repr(
            (k, live.n_changes, marks.rules, marks.erasures, marks.scenarios, situation.region, history.user_row)
        ).encode()
    )
    for part in (history.rows, history.kinds, history.times_ms):
        digest.update(part.tobytes())
    if situation.profile is not None:
        digest.update(situation.profile.tobytes())
    return digest.digest()
