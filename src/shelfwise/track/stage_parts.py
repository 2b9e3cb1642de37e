"""What the name of a training's stage says, in parts that pages can put into other languages.

Those who work say what they do in English, `moment 2 of 3: fitting transitions`, for the command line and the journal.
Each part between colons is known here by an id and what it names; what is not known stays as it was written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

COUNTED = r"(?P<n>\d+) of (?P<total>\d+)"

WRITTEN: dict[str, str] = {
    "asking": "asking",
    "asking_buyers": "asking who bought what",
    "asking_new": "asking what is new",
    "describing": "describing items",
    "encoding": "encoding items",
    "encoding_pictures": "encoding pictures",
    "encoding_profiles": "encoding users' profiles",
    "encoding_tuned": "encoding items as tuned",
    "epoch": f"epoch {COUNTED}",
    "epoch_pace": rf"epoch {COUNTED}, (?P<pace>[\d,]+) events/s",
    "everything": "everything",
    "exporting": "exporting the tuned encoder",
    "fitting": "fitting (?P<name>.+)",
    "learning_buyers": "learning who buys what",
    "learning_offers": "learning who answers to offers",
    "linear": "logistic regression",
    "loading_encoder": "loading the encoder",
    "loss": (
        r"loss (?P<loss>[\d.]+|nan), held-out NDCG@10 (?P<ndcg>[\d.]+|nan) \(best (?P<best>[\d.]+|nan)\), "
        r"(?P<minutes>[\d.]+) min left at most"
    ),
    "measuring": "measuring what tuning brought",
    "moment": f"moment {COUNTED}",
    "neighbours": "finding neighbours",
    "network": "network",
    "network_all": "network, all",
    "network_earlier": "network, earlier",
    "noting": "noting what (?P<place>.+) shows",
    "offers": "offers",
    "pairs": "preparing training pairs",
    "pass": f"pass {COUNTED}",
    "placing": "placing items",
    "preparing_encoder": "preparing the encoder",
    "preparing_layout": "preparing the layout",
    "publishing": "publishing",
    "ranker": "ranker",
    "reading": "reading items and events",
    "reading_lists": "reading lists",
    "reading_model": "reading model (?P<name>.+)",
    "reading_pictures": "reading pictures",
    "restarting": "the earlier network cannot be gone on from",
    "saving_encoder": "saving the encoder",
    "trees": "gradient-boosted trees",
    "trees_all": r"(?P<n>\d+) trees on all requests",
    "trees_new": r"(?P<n>\d+) trees on what is new",
    "tuning": r"tuning the encoder \((?P<method>.+)\)",
}
"""How each part is written, by its id; the names of groups are those of what it names."""

_PATTERNS = {part_id: re.compile(written) for part_id, written in WRITTEN.items()}


@dataclass(frozen=True, slots=True)
class StagePart:
    """A part of a stage's name.

    Attributes:
        text: As it was written, in English.
        id: Of what is meant; None where it is not known.
        values: What it names: numbers, a retriever, a model version.
    """

    text: str
    id: str | None = None
    values: dict[str, str] = field(default_factory=dict[str, str])


def parts_of(stage: str) -> list[StagePart]:
    """The parts of a stage's name, in their order.

    Examples:
        >>> [(part.id, part.values) for part in parts_of("everything: fitting transitions")]
        [('everything', {}), ('fitting', {'name': 'transitions'})]
    """
    return [_part(text) for text in stage.split(": ")]


def _part(text: str) -> StagePart:
    for part_id, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found is not None:
            return StagePart(text, part_id, found.groupdict())
    return StagePart(text)
