"""Profiles while serving: found, made once, waited for no longer than allowed, and bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.profile_vectors import ProfileTexts, ProfileVectors
from shelfwise.errors import ServiceError
from shelfwise.pipeline import profiles as module
from shelfwise.pipeline.profiles import NOT_YET, LiveProfiles
from shelfwise.schemas.ids import Floats
from shelfwise.store import people
from shelfwise.store.records import Records

DIM = 4


@dataclass
class Slow:
    """An encoder that waits until it may answer, and counts what it is asked."""

    open: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    is_down: bool = False

    def encode_queries(self, texts: Sequence[str]) -> Floats:
        self.asked += texts
        assert self.open.wait(10)
        if self.is_down:
            raise ServiceError("nobody answers")
        return np.stack([np.eye(DIM, dtype=np.float32)[len(text) % DIM] for text in texts])


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    opened = Records.open("sqlite:///r.db", tmp_path)
    yield opened
    opened.close()


def tell(records: Records, **about: str) -> None:
    with records.write() as connection:
        people.upsert(connection, [(user, {"about": text, "email": f"{user}@x.org"}) for user, text in about.items()])


def live(records: Records, encoder: Slow, *, patience_s: float = 5.0) -> LiveProfiles:
    known = ProfileTexts.of({0: {"about": "known since training"}}, ("about",), 1)
    assert known is not None
    vectors = ProfileVectors(
        ("about",),
        known.keys,
        np.full((1, DIM), 0.5, np.float16),
        known.place_by_user,
        Landmarks(np.eye(DIM, dtype=np.float16), np.eye(DIM, dtype=np.float16)),
    )
    model: Any = SimpleNamespace(funnel=SimpleNamespace(profiles=vectors), encoder=encoder)
    return LiveProfiles(model, records, patience_s=patience_s)


def test_what_training_knew_is_not_encoded_again(records: Records) -> None:
    encoder = Slow()
    tell(records, ann="known  since\ntraining")
    found = live(records, encoder).of("ann", [])
    assert found is not None and found.tolist() == [0.5] * DIM
    assert encoder.asked == []


def test_a_new_profile_is_made_once_and_without_what_names_somebody(records: Records) -> None:
    encoder, degraded = Slow(), []
    encoder.open.set()
    tell(records, ann="likes tea", ben="likes tea", cleo="", visitor="likes wine")
    profiles = live(records, encoder)
    first = [profiles.of(user, degraded) for user in ("ann", "ben", "cleo", "nobody", "visitor:ann")]
    assert first[0] is not None and first[0].tolist() == first[1].tolist()  # type: ignore[union-attr]
    assert first[2:] == [None] * 3
    assert encoder.asked == ["likes tea"]
    assert degraded == []
    many = profiles.of_many(["ben", "cleo", "ann", "visitor"])
    assert [one is None for one in many] == [False, True, False, False]
    assert encoder.asked == ["likes tea", "likes wine"]


def test_a_changed_profile_counts_at_once(records: Records) -> None:
    encoder = Slow()
    encoder.open.set()
    tell(records, ann="tea")
    profiles = live(records, encoder)
    before = profiles.of("ann", [])
    tell(records, ann="books")
    after = profiles.of("ann", [])
    assert before is not None and after is not None and before.argmax() != after.argmax()
    tell(records, ann="")
    assert profiles.of("ann", []) is None


def test_nobody_waits_longer_than_allowed_and_the_next_answer_has_it(records: Records) -> None:
    encoder, degraded = Slow(), []
    tell(records, ann="likes tea")
    profiles = live(records, encoder, patience_s=0.02)
    started = time.perf_counter()
    assert profiles.of("ann", degraded) is None
    assert profiles.of("ann", degraded) is None
    assert time.perf_counter() - started < 5
    assert degraded == [NOT_YET] * 2
    encoder.open.set()
    deadline = time.perf_counter() + 10
    while profiles.of("ann", []) is None and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert profiles.of("ann", []) is not None
    assert encoder.asked == ["likes tea"]


def test_only_so_many_wait_and_only_so_many_are_kept(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    monkeypatch.setattr(module, "KEPT", 2)
    encoder = Slow()
    tell(records, **{f"u{n}": "tea " * (n + 1) for n in range(6)})
    profiles = live(records, encoder, patience_s=0.0)
    assert [profiles.of(f"u{n}", []) for n in range(6)] == [None] * 6
    assert len(profiles._waiting) == 3
    encoder.open.set()
    deadline = time.perf_counter() + 10
    while profiles._waiting and time.perf_counter() < deadline:
        time.sleep(0.01)
    assert len(encoder.asked) == 3
    assert len(profiles._fresh) == 2


def test_what_came_since_training_is_forgotten_when_somebody_is_erased(records: Records) -> None:
    """Also what is being encoded at that moment: nothing says whose it is."""
    encoder = Slow()
    encoder.open.set()
    tell(records, ann="likes tea", ben="likes books")
    profiles = live(records, encoder)
    assert profiles.of("ann", []) is not None
    profiles.clear()
    assert profiles.of("ann", []) is not None
    assert encoder.asked == ["likes tea"] * 2
    encoder.open.clear()
    late = profiles._asked("likes books")
    assert late is not None
    while len(encoder.asked) < 3:
        time.sleep(0.01)
    profiles.clear()
    encoder.open.set()
    assert late.result(10) is not None
    assert not profiles._fresh


def test_an_encoder_that_is_down_is_left_alone_for_a_while(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, degraded = Slow(is_down=True), []
    encoder.open.set()
    tell(records, ann="likes tea", ben="likes wine")
    profiles = live(records, encoder)
    assert profiles.of("ann", degraded) is profiles.of("ben", degraded) is None
    assert profiles.of_many(["ann", "ben"]) == [None, None]
    assert encoder.asked == ["likes tea"]
    assert degraded == [NOT_YET] * 2
    encoder.is_down = False
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    assert profiles.of("ann", degraded) is not None
