"""Our own model and parts of it, asked like everybody else. These run in Shelfwise's own environment.

What they know of behaviour is the exam's; categories, texts and vectors come from the shop's folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from peers.devices import device_name
from peers.exam import Known, Questions
from peers.exams import examples_of, interactions_of, without_encoder
from peers.peer import Axes, Peer, Scores
from peers.spent import Spent, now
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.training_data import TrainingData
from shelfwise.evaluate.baselines import Recency
from shelfwise.evaluate.measure import ScoreBatch, score_with_baseline, score_with_funnel
from shelfwise.retrieve.sequence import Sequence
from shelfwise.retrieve.transitions import Transitions
from shelfwise.schemas.ids import Bools
from shelfwise.shop import Shop
from shelfwise.train.data import load
from shelfwise.train.fit import fit
from shelfwise.train.tuning.tuner import tuned_vectors

ENCODED = "encoded.json"
"""In the shop's folder: how many texts were encoded for it, and in how many seconds of the processor."""

DEPTH = 20
"""Places of the longest list that is measured."""

OWN_LIBRARIES = ("shelfwise", "numpy", "scipy", "lightgbm", "onnxruntime", "torch")

Overrides = dict[str, Any]


def training_data(
    known: Known, *, with_texts: bool, raw: bool = False, overrides: Overrides | None = None
) -> tuple[ShopConfig, TrainingData, Bools]:
    """The shop with the exam's past for its log: its configuration, what may be learned from, who may be asked.

    What has no vector yet is encoded.

    Args:
        raw: With vectors that are not whitened, beside those that are.
        overrides: What the configuration says otherwise; None takes a key out. Where it switches tuning on, the
            vectors are those of the tuned encoder.
    """
    if known.shop is None:
        raise ValueError("our own models read the shop's folder; the exam was given without it")
    with Shop.open(known.shop) as shop:
        config = ShopConfig.model_validate(merged(shop.config.model_dump(), overrides or {}))
        if not with_texts:
            config = without_encoder(config)
        loaded = load(config, shop.records, known.shop / config.store.vectors, None, raw=raw)
        data = loaded.data.with_interactions(interactions_of(known), known.now_ms)
        data, _ = tuned_vectors(loaded.tuner, data, loaded.users, lambda *_: None)
    if len(data.catalogue) != known.n_items:
        raise ValueError(f"{known.shop} holds {len(data.catalogue)} items, the exam asks about {known.n_items}")
    return config, data, loaded.users


def encode(folder: Path) -> None:
    """Encode the shop's texts, and keep what it took."""
    started = now()
    with Shop.open(folder) as shop:
        n = shop.encode().n_encoded
    if n:
        taken = {"n": n, "seconds": (now() - started).as_document()}
        (folder / ENCODED).write_text(json.dumps(taken), encoding="utf-8")


class _Asked(Peer):
    """Asked through a function of `shelfwise.evaluate.measure`."""

    libraries = OWN_LIBRARIES
    _score: ScoreBatch
    _known: Known

    def scores(self, questions: Questions) -> Scores:
        table = np.full((len(questions), self._known.n_items), -np.inf)
        self._score(examples_of(questions, self._known.target), table)
        return table


class Ours(_Asked):
    """The whole of Shelfwise as shipped: nothing is tuned by hand, the ranker chooses on held-out requests.

    A subclass with `overrides` is another configuration beside it.
    """

    answers_strangers = True
    reads_texts = True
    n_trials = 0
    overrides: ClassVar[Overrides] = {}

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {}

    def fit(self, known: Known, validation: Questions | None) -> None:
        repeats = {"behaviour": {"repeats": "allow" if known.repeats else "exclude"}}
        config, data, users = training_data(known, with_texts=True, overrides=merged(self.overrides, repeats))
        fitted = fit(config, data, users, lambda *_: None, seed=self.seed)
        self._about, self._funnel = fitted.about, fitted.funnel
        self._known, self._shop = known, known.shop
        everything = np.ones(known.n_items, bool)  # what may be shown is taken care of where answers are measured
        self._score = score_with_funnel(
            fitted.funnel, everything, repeats=known.repeats, n_history=config.behaviour.history, depth=DEPTH
        )

    def found(self) -> dict[str, Any]:
        return {"ranker": self._about["ranker"]["model"]}

    def encoded(self) -> Spent:
        path = self._shop / ENCODED
        if not path.exists():  # a shop that encodes no text
            return Spent()
        return Spent(**json.loads(path.read_text(encoding="utf-8"))["seconds"])


class OursQuick(Ours):
    """As `shelfwise init --quick` drafts it: without the network, trained in minutes."""

    overrides: ClassVar[Overrides] = {"retrieve": {"sequence": None}}


class OursOnGpu(Ours):
    """With the network of the preset for a GPU; where there is none, the same sizes take hours."""

    overrides: ClassVar[Overrides] = {"retrieve": {"sequence": {"preset": "gpu"}}}

    def note(self) -> str:
        sequence = self._funnel.retrievers["sequence"]
        if not isinstance(sequence, Sequence):
            raise TypeError(f"the shop's sequence retriever is a {type(sequence).__name__}")
        return f"its network trained on {device_name(str(sequence.about['device']))}"


class OwnTransitions(Peer):
    """Our transitions alone, with their default settings; no text, no ranker."""

    libraries = OWN_LIBRARIES
    has_silence = True
    n_trials = 0
    options: ClassVar[dict[str, Any]] = {}

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {}

    def fit(self, known: Known, validation: Questions | None) -> None:
        config, data, _ = training_data(known, with_texts=self.reads_texts)
        self._n_history = config.behaviour.history
        self._known = known
        self._transitions = Transitions(Transitions.Config(k=1_000, **self.options))
        self._transitions.fit(data)

    def scores(self, questions: Questions) -> Scores:
        table = np.zeros((len(questions), self._known.n_items))
        for line, example in enumerate(examples_of(questions, self._known.target)):
            allowed = np.ones(self._known.n_items, bool)
            if not self._known.repeats:
                allowed[example.situation.had] = False
            found = self._transitions.retrieve(example.situation.latest(self._n_history), allowed)
            table[line, found.rows] = found.scores
        return table


class Recent(_Asked):
    """The strongest baseline of `shelfwise evaluate` in shops where people buy again: the user's own items."""

    answers_strangers = True

    @classmethod
    def axes(cls, known: Known, data: str) -> Axes:
        return {
            "half_life_d": (90.0, 30.0, 365.0, 7.0, 36_500.0),
            "near_ties": (0.001, 0.1, 0.0),
            "popular_half_life_d": (7.0, 3.0, 14.0, 30.0, None),
        }

    def fit(self, known: Known, validation: Questions | None) -> None:
        config, data, _ = training_data(known, with_texts=False)
        settings = self.settings
        baseline = Recency(
            settings["half_life_d"],
            {"half_life_d": settings["popular_half_life_d"]},
            near_ties=settings["near_ties"],
        )
        baseline.fit(data)
        self._known = known
        everything = np.ones(known.n_items, bool)
        self._score = score_with_baseline(
            baseline, everything, repeats=known.repeats, n_history=config.behaviour.history
        )


def merged(document: dict[str, Any], overrides: Overrides) -> dict[str, Any]:
    """A document with some of its keys replaced, tables within tables merged; None takes a key out."""
    found = {name: value for name, value in document.items() if overrides.get(name, value) is not None}
    for name, value in overrides.items():
        before = found.get(name)
        if value is None:
            continue
        found[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return found
