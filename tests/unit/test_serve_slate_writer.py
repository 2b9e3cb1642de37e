"""Answers that are kept hold what was predicted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from shelfwise.pipeline.recommender import Answer
from shelfwise.schemas.queries import Query, Slate, SlateItem
from shelfwise.serve.slate_writer import SlateWriter
from shelfwise.serve.writer import Writer
from shelfwise.store import slate_log
from shelfwise.store.records import Records


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
