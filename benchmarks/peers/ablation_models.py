"""Parts of our own model, each asked alone."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from peers.exam import Known, Questions
from peers.exams import examples_of
from peers.own_models import OWN_LIBRARIES, Overrides, OwnTransitions, training_data
from peers.peer import Axes, Peer, Scores
from shelfwise.retrieve.sequence import Sequence


class PlainTransitions(OwnTransitions):
    """What followed after an item, as counted."""

    reads_texts = True
    options: ClassVar[dict[str, Any]] = {"smoothing": 0.0}


class NameSmoothedTransitions(PlainTransitions):
    """The same, items alike by category and brand lending to each other."""

    options: ClassVar[dict[str, Any]] = {"alike": "names"}


class TextSmoothedTransitions(PlainTransitions):
    """The same, items alike by text lending too."""

    options: ClassVar[dict[str, Any]] = {}


class FusedSequence(Peer):
    """The sequence model over items of text, attributes and behaviour."""

    libraries = OWN_LIBRARIES
    has_silence = True
    reads_texts = True
    n_trials = 0
    item: ClassVar[str] = "fused"
    overrides: ClassVar[Overrides] = {}
    raw: ClassVar[bool] = False

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {}

    def fit(self, known: Known, validation: Questions | None) -> None:
        shop, data, _ = training_data(known, with_texts=True, raw=self.raw, overrides=self.overrides)
        self._known, self._n_history = known, shop.behaviour.history
        config = Sequence.Config.model_validate({"item": self.item, "seed": self.seed})
        self._sequence = Sequence(config)
        self._sequence.fit(data)

    def scores(self, questions: Questions) -> Scores:
        table = np.zeros((len(questions), self._known.n_items))
        for line, example in enumerate(examples_of(questions, self._known.target)):
            found = self._sequence.scores(example.situation.latest(self._n_history))
            if found is not None:
                table[line] = found + 1.0  # a cosine below 0 is an answer too
        return table


class IdSequence(FusedSequence):
    """Over a table of ids."""

    item = "ids"


class RawTextSequence(FusedSequence):
    """Over the encoder's vectors as they come."""

    item = "raw-text"
    raw = True


class WhiteTextSequence(FusedSequence):
    """Over whitened text vectors."""

    item = "text"


class TunedSequence(FusedSequence):
    """Over fused items whose texts were read by an encoder that learned from the shop's behaviour."""

    overrides: ClassVar[Overrides] = {"encode": {"tune": {"use": True}}}
