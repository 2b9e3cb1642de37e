"""Answers that are kept hold what was predicted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from shelfwise.pipeline.recommender import Answer
from shelfwise.schemas.queries import Query, Slate, SlateItem
from shelfwise.serve import slate_writer
from shelfwise.serve.slate_writer import SlateWriter
from shelfwise.serve.writer import Writer
from shelfwise.store import slate_log
from shelfwise.store.records import Records


def answered(slate_id: str) -> Answer:
    items = [SlateItem(item_id="i", position=1, score=1.0, title=None, sources=[], reason="", predictions={})]
    slate = Slate(slate_id=slate_id, scenario="home", model_version="v", items=items, degraded=[])
    rows = np.array([0], np.int32)
    return Answer(slate, "u", 0, rows, rows, {}, frozenset())


@pytest.mark.parametrize("n_turns", range(8))
def test_who_closes_at_any_moment_loses_nothing_and_until_then_every_answer_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_turns: int
) -> None:
    monkeypatch.setattr(slate_writer, "PAUSE_S", 0.0)
    monkeypatch.setattr(slate_writer, "PACKED_AT_ONCE", 2)
    records = Records.open("sqlite:///shop.db", tmp_path)
    names = [f"s{n}" for n in range(10)]

    async def kept() -> None:
        writer = Writer(records)
        slates = SlateWriter(writer, 1.0)
        for name in names:
            slates.put(answered(name), Query(user_id="u"))
        for _ in range(n_turns):
            await asyncio.sleep(0)
            assert all(slates.find(name) is not None for name in names)
        await slates.close()
        await writer.close()
        assert slates.find("s0") is None

    asyncio.run(kept())
    with records.read() as connection:
        assert [one.slate_id for one in slate_log.of_user(connection, "u")] == sorted(names)
    records.close()


def test_predictions_are_kept_to_three_digits_and_none_of_what_was_pinned(tmp_path: Path) -> None:
    predictions = ({"click": 0.123456, "purchase": 1.23456e-5}, {"click": float("nan"), "purchase": float("nan")})
    items = [
        SlateItem(item_id=f"i{n}", position=n + 1, score=1.0, title=None, sources=[], reason="", predictions=told)
        for n, told in enumerate(predictions)
    ]
    slate = Slate(slate_id="s", scenario="home", model_version="v", items=items, degraded=[])
    rows = np.array([0, 1], np.int32)
    records = Records.open("sqlite:///shop.db", tmp_path)

    async def kept() -> None:
        writer = Writer(records)
        slates = SlateWriter(writer, 1.0)
        slates.put(Answer(slate, "u", 0, rows, rows, {}, frozenset()), Query(user_id="u"))
        await slates.close()
        await writer.close()

    asyncio.run(kept())
    with records.read() as connection:
        found = slate_log.get(connection, "s")
    records.close()
    assert found is not None
    assert [one.predictions for one in found.why] == [{"click": 0.123, "purchase": 1.23e-5}, {}]
