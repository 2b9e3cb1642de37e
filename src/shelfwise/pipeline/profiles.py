"""What the user of a request says of himself, as a vector: known since training, or encoded when he first asks."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late

from shelfwise.encode.profile_vectors import profile_key
from shelfwise.errors import ServiceError
from shelfwise.pipeline.model import Model
from shelfwise.pipeline.shortfalls import Shortfall, Told
from shelfwise.schemas.ids import VISITOR_PREFIX, Floats
from shelfwise.store import people
from shelfwise.store.records import Records
from shelfwise.store.sealing import ALTERED_ONLY

log = logging.getLogger("shelfwise.pipeline")

KEPT = 10_000
"""Vectors kept of profiles that came or changed since the model was trained: some 5 MB."""

MAX_WAITING = 32
"""Profiles that may wait to be encoded; those of further users are tried again at their next request."""

PAUSE_S = 30.0
"""How long an encoder that failed is left alone."""

NOT_YET = Told(Shortfall.PROFILE_LATE, "the user's profile was not read in time: this answer does without")


class LiveProfiles:
    """Looks up profiles of one model. May be asked from several threads.

    A request reads the user's attributes as they are now, so that a changed profile counts at once. Its vector was
    made by training, or by an earlier request, or is made now: on a thread of its own, one at a time, and the request
    waits for it no longer than it may.

    Cost:
        One indexed read a request, in a shop that has profiles; nothing in others.
    """

    def __init__(self, model: Model, records: Records, *, patience_s: float) -> None:
        """Look up by one model.

        Args:
            model: Its profiles and its encoder.
            records: Users and their attributes.
            patience_s: How long a request waits for a vector that has to be made.
        """
        self._known, self._encoder = model.funnel.profiles, model.encoder
        self._records, self._patience_s = records, patience_s
        self._lock = threading.Lock()
        self._fresh: OrderedDict[int, Floats] = OrderedDict()
        self._waiting: dict[int, Future[Floats | None]] = {}
        self._worker: ThreadPoolExecutor | None = None
        self._failed_at = float("-inf")
        self._n_cleared = 0
        self.on_lookup: Callable[[str], None] | None = None
        """Told of every vector that a request asks for whether it was `kept` or `missed`."""

    def of(self, user_id: str, degraded: list[str]) -> Floats | None:
        """The vector of a user's profile; shape `(D,)`; None of whom nothing is said, or where it is not there in time.

        Args:
            user_id: The shop's.
            degraded: Told where a profile has to be left out.
        """
        text = self._text(user_id)
        if not text:
            return None
        known, vector = self._found(text)
        if self.on_lookup is not None:
            self.on_lookup("kept" if known else "missed")
        if known:
            return vector
        waiting = self._asked(text)
        if waiting is not None:
            try:
                return waiting.result(self._patience_s)
            except Late:
                pass
            except ServiceError:
                pass  # the worker has said it in the log
        degraded.append(NOT_YET)
        return None

    def of_many(self, user_ids: Sequence[str]) -> list[Floats | None]:
        """The same for a batch of users whom nobody waits for: what is missing is encoded at once."""
        texts = self._texts(user_ids)
        missing = [text for text in dict.fromkeys(texts) if text and not self._found(text)[0]]
        vectors: dict[str, Floats | None] = {}
        if missing and not self._is_pausing():
            try:
                vectors = dict(zip(missing, self._encoded(missing), strict=True))
            except ServiceError as error:
                self._note(error)
        return [vectors.get(text, self._found(text)[1]) if text else None for text in texts]

    def text_of(self, user_id: str) -> str:
        """A user's profile as the model reads it; empty of whom nothing is said."""
        return self._text(user_id)

    def clear(self) -> None:
        """Drop the vectors that came after training: somebody was erased, who may have said any of these."""
        with self._lock:
            self._fresh.clear()
            self._n_cleared += 1

    def _text(self, user_id: str) -> str:
        if self._known is None or self._encoder is None or user_id.startswith(VISITOR_PREFIX):
            return ""
        with self._records.glance() as connection:
            return self._known.write(people.attributes_of_one(connection, user_id))

    def _texts(self, user_ids: Sequence[str]) -> list[str]:
        if self._known is None or self._encoder is None:
            return [""] * len(user_ids)
        asked = [user_id for user_id in user_ids if not user_id.startswith(VISITOR_PREFIX)]
        with self._records.read() as connection:
            found = people.attributes_of(connection, asked, ALTERED_ONLY) if asked else {}
        return [self._known.write(found[user_id]) if user_id in found else "" for user_id in user_ids]

    def _found(self, text: str) -> tuple[bool, Floats | None]:
        """Whether a text's vector is there, and the vector; None for a text that the encoder makes nothing of."""
        vector = None if self._known is None else self._known.of_text(text)
        if vector is not None:
            return True, vector
        key = profile_key(text)
        with self._lock:
            if key not in self._fresh:
                return False, None
            self._fresh.move_to_end(key)
            found = self._fresh[key]
        return True, found if found.any() else None

    def _asked(self, text: str) -> Future[Floats | None] | None:
        """The vector that is being made, now or already; None where no more may wait."""
        key = profile_key(text)
        with self._lock:
            if key in self._waiting:
                return self._waiting[key]
            if len(self._waiting) >= MAX_WAITING or self._is_pausing():
                return None
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix="profiles")
            self._waiting[key] = self._worker.submit(self._make, text, key)
            return self._waiting[key]

    def _make(self, text: str, key: int) -> Floats | None:
        try:
            if self._is_pausing():
                raise ServiceError("the encoder failed a moment ago")
            return self._encoded([text])[0]
        except ServiceError as error:
            if not self._is_pausing():
                self._note(error)
            raise
        finally:
            with self._lock:
                self._waiting.pop(key, None)

    def _encoded(self, texts: Sequence[str]) -> list[Floats | None]:
        """Encode and keep."""
        if self._known is None or self._encoder is None:
            return [None] * len(texts)
        n_cleared = self._n_cleared
        vectors = self._known.make(texts, self._encoder)
        with self._lock:
            if n_cleared == self._n_cleared:  # else one of these may be of whoever was erased meanwhile
                self._fresh.update((profile_key(text), vector) for text, vector in zip(texts, vectors, strict=True))
            while len(self._fresh) > KEPT:
                self._fresh.popitem(last=False)
        return [vector if vector.any() else None for vector in vectors]

    def _is_pausing(self) -> bool:
        return time.monotonic() - self._failed_at < PAUSE_S

    def _note(self, error: ServiceError) -> None:
        self._failed_at = time.monotonic()
        log.warning("profiles are left out for %d s: %s", PAUSE_S, error)
