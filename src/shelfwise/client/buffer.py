"""Events sent in the background, in batches, and kept until the server acknowledged them."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

import httpx

from shelfwise.client import calls
from shelfwise.client.answers import FieldProblem
from shelfwise.client.connection import Connection
from shelfwise.client.failures import ApiError, BufferFullError, RefusedError, UnsentError
from shelfwise.client.journal import Journal
from shelfwise.client.retries import Retries, Tries
from shelfwise.errors import ConfigError, StateError
from shelfwise.schemas.events import Event

log = logging.getLogger("shelfwise.client")

BATCH = 100
"""Events in one request: where a server acknowledges most a second."""

CAPACITY = 10_000
FLUSH_EVERY_S = 1.0
CLOSE_WITHIN_S = 10.0

WhenFull = Literal["block", "raise"]

_ONCE = Retries(n=0)
_PATIENT = Retries(first_wait_s=0.2, longest_wait_s=30.0)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that the server will never store, and why."""

    event: Event
    errors: list[FieldProblem]


class EventBuffer:
    """Takes events at once, and sends them when a hundred have come or the first of them has waited long enough.

    An event leaves it in three ways only: the server acknowledged it, the server refused it (then `on_refused` is
    told), or `close` gave it back. A server that is down, busy, or does not know the key is asked again and again, with
    growing pauses; `last_error` says why. Each event has an `event_id`, so that one sent twice is stored once.

    May be used by several threads, and by no other process than the one that made it.

    Args:
        connection: To the server.
        path: A file that keeps the events over a restart; in memory only where omitted.
        capacity: The most events that it keeps.
        when_full: Whether `add` waits for room or raises.
        flush_every_s: How long an event waits for others.
        on_refused: Told of each refused event, by the thread that sends; where omitted, it is logged with its id and
            the reason's code. With a file they are written to `….refused` too.

    Raises:
        ConfigError: a number is out of range.
        StateError: another process holds the file.
        DataError: the file holds something else.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        path: str | os.PathLike[str] | None = None,
        capacity: int = CAPACITY,
        when_full: WhenFull = "block",
        flush_every_s: float = FLUSH_EVERY_S,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> None:
        if capacity < 1 or not flush_every_s >= 0:
            raise ConfigError("a buffer of that size or pace cannot be", expected="capacity from 1, seconds from 0")
        self._connection = connection
        self._capacity = capacity
        self._when_full: WhenFull = when_full
        self._flush_every_s = flush_every_s
        self._on_refused = on_refused or _logged
        self._process = os.getpid()
        self._journal = None if path is None else Journal(Path(path))
        self._pending: deque[Event] = deque(self._journal.read() if self._journal else ())
        self._changed = threading.Condition()
        self._due_at = time.monotonic()
        self._not_before = 0.0
        self._n_asked = 0
        self._closes_at: float | None = None
        self._is_closed = False
        self.last_error: Exception | None = None
        """Why the last try failed; None after one that did not."""
        self.n_acknowledged = 0
        self.n_refused = 0
        self._http = httpx.Client(timeout=connection.timeout)
        self._thread = threading.Thread(target=self._run, name="shelfwise-events", daemon=True)
        self._thread.start()
        # A daemon thread dies with the interpreter, and what it held would go unsaid.
        atexit.register(self._at_exit)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r}, {len(self)} events)"

    def __len__(self) -> int:
        """Events that are not acknowledged yet."""
        return len(self._pending)

    def __enter__(self) -> EventBuffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left = self.close()
        if left and self._journal is None and error is None:
            raise UnsentError(left)

    def add(self, event: Event) -> None:
        """Keep an event and send it soon; it gets an `event_id` and the time of now where it has none.

        Raises:
            BufferFullError: there is no room, and `when_full` is "raise".
            StateError: the buffer is closed, or another process's.
            ServiceError: the file cannot be written.
        """
        if os.getpid() != self._process:
            raise StateError("this buffer was made by another process", hint="make one after the fork")
        kept = calls.named(event)
        if kept.timestamp is None:
            kept = kept.model_copy(update={"timestamp": datetime.now(UTC)})
        with self._changed:
            while not self._is_closing and len(self._pending) >= self._capacity:
                if self._when_full == "raise":
                    raise BufferFullError(self._capacity, self.last_error)
                self._changed.wait()
            if self._is_closing:
                raise StateError("the buffer is closed")
            if self._journal is not None:
                self._journal.append(kept)
            if not self._pending:
                self._due_at = time.monotonic() + self._flush_every_s
            self._pending.append(kept)
            if len(self._pending) in (1, BATCH):
                self._changed.notify_all()

    def add_many(self, events: Iterable[Event]) -> None:
        """`add` each, in their order."""
        for event in events:
            self.add(event)

    def flush(self, within_s: float | None = None) -> int:
        """Send everything now.

        Args:
            within_s: How long to wait for acknowledgements; as long as it takes where omitted.

        Returns:
            How many events are left.
        """
        with self._changed:
            self._n_asked = len(self._pending)
            self._not_before = 0.0
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._n_asked or self._is_closed, within_s)
            return len(self._pending)

    def close(self, within_s: float = CLOSE_WITHIN_S) -> list[Event]:
        """Send what is there, and stop.

        Args:
            within_s: How long to go on trying; a try that has begun is waited for.

        Returns:
            What was not acknowledged, oldest first: with a file it stays there, else it is the caller's to keep.
        """
        with self._changed:
            if self._is_closed:
                return list(self._pending)
            self._closes_at = time.monotonic() + within_s
            self._not_before = 0.0
            self._changed.notify_all()
        self._thread.join()
        with self._changed:
            if not self._is_closed:
                self._is_closed = True
                self._http.close()
                if self._journal is not None:
                    self._journal.close()
                atexit.unregister(self._at_exit)
                self._changed.notify_all()
            return list(self._pending)

    @property
    def _is_closing(self) -> bool:
        return self._closes_at is not None

    def _at_exit(self) -> None:
        if os.getpid() == self._process and (left := self.close()) and self._journal is None:
            log.error("%d events were not acknowledged when the program ended", len(left))

    def _run(self) -> None:
        n_failed = 0
        while batch := self._next():
            try:
                refused = self._send(batch)
            except Exception as error:  # whatever it is, the events are kept
                n_failed += 1
                self._put_off(error, n_failed)
                continue
            n_failed = 0
            self._let_go(batch, refused)

    def _next(self) -> list[Event]:
        """The oldest events once it is time to send them; none at the end."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._closes_at is not None and (not self._pending or now >= self._closes_at):
                    return []
                # When it is time: None for never, as long as nothing changes.
                at: float | None = None
                if self._pending:
                    at_once = self._is_closing or self._n_asked or len(self._pending) >= BATCH
                    at = max(self._not_before, 0.0 if at_once else self._due_at)
                    if now >= at:
                        return [self._pending[place] for place in range(min(BATCH, len(self._pending)))]
                    if self._closes_at is not None:
                        at = min(at, self._closes_at)
                self._changed.wait(None if at is None else at - now)

    def _send(self, batch: list[Event]) -> list[Refusal]:
        """Send a batch; which of it is refused."""
        call = calls.add_events(batch)
        try:
            answer = Tries(call, _ONCE).read(self._http.send(self._connection.request(self._http, call)))
        except RefusedError as error:
            if error.code != "all_refused":
                raise
            return [Refusal(event, _errors_of(error, place, len(batch))) for place, event in enumerate(batch)]
        if len(answer.events) != len(batch):
            raise StateError("the server told of another number of events than it was sent")
        return [
            Refusal(event, result.errors)
            for event, result in zip(batch, answer.events, strict=True)
            if result.status == "refused"
        ]

    def _put_off(self, error: Exception, n_failed: int) -> None:
        asked_s = error.retry_after_s if isinstance(error, ApiError) else None
        with self._changed:
            if n_failed == 1:
                log.warning("events are kept, since they cannot be sent: %s", type(error).__name__)
            self.last_error = error
            self._not_before = time.monotonic() + _PATIENT.wait_s(n_failed, asked_s)

    def _let_go(self, batch: list[Event], refused: list[Refusal]) -> None:
        # Told before it is forgotten: what stops us in between makes it told twice, never not at all.
        for one in refused:
            try:
                self._on_refused(one)
            except Exception as error:  # the caller's; its message may hold whatever it likes
                log.error("on_refused failed: %s", type(error).__name__)
        with self._changed:
            if self._journal is not None:
                try:
                    self._journal.refuse([one.event.model_dump_json(exclude_unset=True).encode() for one in refused])
                    self._journal.take_out(len(batch))
                except OSError as error:  # what stays in the file is sent again after a restart, and stored once
                    log.error("the events' file cannot be written: %s", error.strerror)
            for _ in batch:
                self._pending.popleft()
            self._n_asked = max(0, self._n_asked - len(batch))
            self._due_at = time.monotonic() + self._flush_every_s
            self.last_error = None
            self.n_acknowledged += len(batch) - len(refused)
            self.n_refused += len(refused)
            self._changed.notify_all()


def _errors_of(error: RefusedError, place: int, n: int) -> list[FieldProblem]:
    """What is wrong with one event of a request of which nothing was stored; fields are paths from the request's."""
    if n == 1:
        return error.fields
    found: list[FieldProblem] = []
    for one in error.fields:
        start, _, rest = one.field.partition(".")
        if start == str(place):
            found.append(one.model_copy(update={"field": rest}))
    return found


def _logged(refusal: Refusal) -> None:
    reasons = ", ".join(f"{one.field}: {one.code}" for one in refusal.errors)
    log.warning("the event %s was refused: %s", refusal.event.event_id, reasons)
