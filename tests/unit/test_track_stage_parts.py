"""Every stage that a training writes down is known by its parts, and has a text in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import shelfwise
from shelfwise.console import languages
from shelfwise.track.stage_parts import WRITTEN, parts_of

SOURCES = Path(shelfwise.__file__).parent
OF_A_TRAINING = ("train", "rank", "retrieve", "neural", "encode", "offers")
TOLD = re.compile(r'''\b(?:progress|_progress|report|partial)\((?:progress, )?(f?)"([^"]+)"''')
FILLED_IN = re.compile(r"\{[^{}]*\}")


def written_in_sources() -> Iterator[str]:
    """What those who work say they do, numbers and names filled in with 1."""
    for package in OF_A_TRAINING:
        for path in sorted((SOURCES / package).rglob("*.py")):
            for is_filled_in, written in TOLD.findall(path.read_text(encoding="utf-8")):
                yield FILLED_IN.sub("1", written) if is_filled_in else written


def test_what_is_said_in_the_code_is_known() -> None:
    parts = [part for written in written_in_sources() for part in parts_of(written)]
    # What stands in front and is filled in whole is written down elsewhere.
    unknown = {part.text for part in parts if part.id is None and not re.fullmatch("1(, 1)?", part.text)}
    assert not unknown
    assert len({part.id for part in parts}) > 25


@pytest.mark.parametrize("part_id", sorted(WRITTEN))
def test_each_part_has_a_text_that_says_what_it_names(part_id: str) -> None:
    text = languages.read(languages.SHARED)[f"stage.{part_id}"]
    named = set(re.findall(r"\?P<(\w+)>", WRITTEN[part_id]))
    for language in languages.LANGUAGES:
        assert set(re.findall(r"\{(\w+)\}", text[language])) == named
    # In English it reads as it was written.
    values = dict.fromkeys(named, "1")
    [part] = parts_of(text["en"].format(**values))
    assert (part.id, part.values) == (part_id, values)


def test_a_stage_is_taken_apart() -> None:
    parts = parts_of("moment 2 of 3: fitting my.own-one: epoch 1 of 9, 12,345 events/s")
    assert [(part.id, part.values) for part in parts] == [
        ("moment", {"n": "2", "total": "3"}),
        ("fitting", {"name": "my.own-one"}),
        ("epoch_pace", {"n": "1", "total": "9", "pace": "12,345"}),
    ]
    loss = "epoch 2 of 9: loss 1.234, held-out NDCG@10 0.1234 (best 0.2000), 1.5 min left at most"
    assert [part.id for part in parts_of(loss)] == ["epoch", "loss"]
    assert parts_of("a plugin says: so")[1].text == "so" and parts_of("a plugin says: so")[1].id is None
