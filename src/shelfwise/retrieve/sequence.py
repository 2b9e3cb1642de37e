"""Sequence: what a user's last events, in their order, say about the next: a transformer over item vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from shelfwise.datasets.training_data import TrainingData
from shelfwise.errors import MissingExtraError
from shelfwise.neural.item_inputs import Vocabulary
from shelfwise.neural.settings import OF_LEARNING, NetworkOptions
from shelfwise.retrieve.retriever import NO_TRAITS, ItemTraits, Retriever
from shelfwise.retrieve.vector_index import IndexOptions, VectorIndex
from shelfwise.schemas.candidates import Candidates, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Floats, Rows
from shelfwise.store.arrays import mapped
from shelfwise.store.graphs import Graph

HISTORY_FILE, CONTENT_FILE, DELTAS_FILE = "history.onnx", "content.onnx", "deltas.npy"
ABOUT_FILE, NETWORK_FOLDER = "sequence.json", "network"
MINUTE_MS = 60_000
LOOKED_AT = CODE_BY_KIND[EventKind.VIEW]
"""What the user does with the items that the request itself names."""


class Sequence(Retriever):
    """The items whose vectors are nearest to the user's.

    Fitting trains two networks together: one makes an item's vector of its text, picture, attributes and a bounded
    part learned from behaviour, the other a user's vector of the last `history` events. Their cosine says how likely
    an item comes next. Serving needs no torch: item vectors are an array, the history encoder is an ONNX graph, and a
    second graph places items that come while serving.

    Cost:
        Fitting: minutes on two cores. A request: some 0.1 ms to read 50 events, then the search.

    Source:
        SASRec (Kang & McAuley 2018) trained by the full softmax (Klenitskiy & Vasilev 2023), gated residuals as in
        eSASRec (2025), whitened text as in Zhang et al. (2024); fusion and the bounded behaviour part are our own.
    """

    goes_on = True
    may_change = OF_LEARNING

    class Config(NetworkOptions, IndexOptions):
        """Options of a `[retrieve.…]` table that uses sequences."""

        k: int = Field(default=100, ge=1, le=1_000, description="Candidates proposed at most.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.options = config
        self._index: VectorIndex | None = None
        self._deltas: Floats | None = None
        self._history_graph: Graph | None = None
        self._content_graph: Graph | None = None
        self._vocabulary = Vocabulary([], float("nan"))
        self._has_clock = False
        self._state: Any = None  # of `shelfwise.neural.state`, which needs safetensors
        self._folder: Path | None = None
        self.about: dict[str, Any] = {}

    def fit(self, data: TrainingData, start: Retriever | None = None) -> None:
        """Train from scratch, or go on from where `start` stopped.

        Raises:
            MissingExtraError: torch is not installed.
            StateError: there is no text, and items are to be made of nothing else.
        """
        try:
            from shelfwise.neural.fit import fit_network
        except ImportError as cause:
            raise _no_torch(cause) from cause
        before = start.state if isinstance(start, Sequence) else None
        fitted = fit_network(data, self.options, before, self.report, self.track)
        self._index, self._deltas = VectorIndex.build(fitted.vectors, self.options), fitted.deltas
        self._history_graph = Graph(fitted.history_graph)
        self._content_graph = None if fitted.content_graph is None else Graph(fitted.content_graph)
        self._vocabulary, self._has_clock = fitted.vocabulary, data.interactions.has_clock
        self._state, self._folder, self.about = fitted.state, None, fitted.about

    def obstacle(self, data: TrainingData, start: Retriever) -> str | None:
        """Another text space, or other sizes: where a GPU trained it and none is here, say.

        Raises:
            MissingExtraError: torch is not installed.
            StateError: there is no text, and items are to be made of nothing else.
        """
        try:
            from shelfwise.neural.fit import obstacle
        except ImportError as cause:
            raise _no_torch(cause) from cause
        return obstacle(data, self.options, start.state) if isinstance(start, Sequence) else "it is of another kind"

    def fit_without(self, rows: Rows, data: TrainingData, start: Retriever | None = None) -> None:
        """Fit once, on everything; then place these items by what they are alone. Whom ids alone place has no place.

        Fitting a second time would double the longest part of a training. What is learned of texts has seen these
        items' events: their scores flatter a little.
        """
        self.fit(data, start)
        texts = data.raw_vectors if self.options.item == "raw-text" else data.vectors
        inputs = {
            "texts": _lines(texts, rows),
            "pictures": _lines(data.pictures, rows),
            "names": self._vocabulary.name_codes(
                [data.catalogue.paths[row] for row in rows], [data.catalogue.brands[row] for row in rows]
            ),
            "prices": self._vocabulary.price_codes(data.catalogue.prices[rows]),
        }
        graph = self._content_graph
        placed = np.zeros((len(rows), self.index.vectors.shape[1]), np.float32) if graph is None else graph(inputs)
        lengths = np.linalg.norm(placed, axis=1, keepdims=True)
        for row, vector in zip(rows.tolist(), placed / np.maximum(lengths, 1e-9), strict=True):
            self.index.put(row, vector)

    @property
    def state(self) -> Any:
        """The network at rest, to go on from; read from the model version where it was loaded."""
        if self._state is None and self._folder is not None:
            from shelfwise.neural.state import State

            self._state = State.load(self._folder / NETWORK_FOLDER)
        return self._state

    def save(self, folder: Path) -> None:
        """Write vectors, graphs, and the network to go on from."""
        self.index.save(folder)
        if self._deltas is not None:
            np.save(folder / DELTAS_FILE, self._deltas)
        for name, graph in ((HISTORY_FILE, self._history_graph), (CONTENT_FILE, self._content_graph)):
            if graph is not None:
                (folder / name).write_bytes(graph.content)
        about = {"has_clock": self._has_clock, "vocabulary": self._vocabulary.as_json(), "training": self.about}
        (folder / ABOUT_FILE).write_text(json.dumps(about), encoding="utf-8")
        (folder / NETWORK_FOLDER).mkdir()
        self.state.save(folder / NETWORK_FOLDER)

    def load(self, folder: Path) -> None:
        """Open the graphs, map the vectors; the network itself is left where it is."""
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        self._has_clock, self.about = bool(about["has_clock"]), about["training"]
        self._vocabulary = Vocabulary.from_json(about["vocabulary"])
        content, deltas = folder / CONTENT_FILE, folder / DELTAS_FILE
        self._history_graph = Graph((folder / HISTORY_FILE).read_bytes())
        self._content_graph = Graph(content.read_bytes()) if content.is_file() else None
        self._index = VectorIndex.load(folder, self.options)
        self._deltas = mapped(deltas) if deltas.is_file() else None
        self._state, self._folder = None, folder

    @property
    def index(self) -> VectorIndex:
        """What was fitted or loaded."""
        if self._index is None:
            raise RuntimeError("fit() or load() comes first")
        return self._index

    def retrieve(self, situation: Situation, allowed: Bools) -> Candidates:
        """The nearest to the user's vector, by cosine; nothing for somebody without an event."""
        user = self.user_vector(situation)
        return Candidates.empty() if user is None else self.index.search(user, allowed, self.options.k)

    def scores(self, situation: Situation) -> Floats | None:
        """Every item's cosine to the user; 0 for an item that nothing is known of; shape `(n,)`; None for a stranger.

        `n` counts the items that came while serving too.
        """
        user = self.user_vector(situation)
        if user is None:
            return None
        return np.nan_to_num(self.index.scores(np.arange(len(self.index), dtype=np.int32), user))

    def user_vector(self, situation: Situation) -> Floats | None:
        """The vector of length 1 that the last events give; shape `(D,)`; None without an event."""
        history, context = situation.history, situation.context
        rows, kinds, times_ms, scenarios = history.rows, history.kinds, history.times_ms, history.scenarios
        if len(context):
            rows = np.concatenate([rows, context])
            kinds = np.concatenate([kinds, np.full(len(context), LOOKED_AT, np.int8)])
            times_ms = np.concatenate([times_ms, np.full(len(context), situation.now_ms, np.int64)])
            scenarios = np.concatenate([scenarios, np.full(len(context), situation.scenario, np.int8)])
        vectors, known = self.index.take(rows)
        latest = np.flatnonzero(known)[-self.options.history :]
        if not len(latest):
            return None
        ages_ms = times_ms[latest[-1]] - times_ms[latest]
        return self._encoded(vectors[latest], kinds[latest], ages_ms, scenarios[latest])

    def _encoded(self, vectors: Floats, kinds: Any, ages_ms: Any, scenarios: Any) -> Floats:
        if self._history_graph is None:
            raise RuntimeError("fit() or load() comes first")
        # Without a clock times only order events; the present may be an age after all of them.
        minutes_ago = ages_ms / MINUTE_MS if self._has_clock else np.zeros(len(ages_ms))
        return self._history_graph(
            {
                "items": vectors,
                "kinds": kinds.astype(np.int64),
                "minutes_ago": minutes_ago.astype(np.float32),
                "scenarios": scenarios.astype(np.int64),  # left out where the graph reads none
            }
        )

    def because(self, rows: Rows, situation: Situation) -> list[int | None]:
        """The seeds whose vectors are nearest: alike in what they are and in what shoppers do after them."""
        return self.index.nearest_of(rows, situation.seeds)

    def add_item(self, row: int, *, vector: Floats | None, created_ms: int, traits: ItemTraits = NO_TRAITS) -> None:
        """Place an item by its content and attributes; one that was trained keeps what was learned of it."""
        is_trained, graph = row < len(self.index.vectors), self._content_graph
        if graph is None or (is_trained and vector is None and traits.picture is None):
            return  # ids alone place nobody; and an item whose text and picture did not change stays where it is
        text_dim, picture_dim = graph.widths.get("texts", 0), graph.widths.get("pictures", 0)
        picture = traits.picture
        price = np.array([np.nan if traits.price is None else traits.price], np.float32)
        placed = graph(
            {
                "texts": np.zeros((1, text_dim), np.float32) if vector is None else vector[None],
                "pictures": np.zeros((1, picture_dim), np.float32) if picture is None else picture[None],
                "names": self._vocabulary.name_codes([traits.path], [traits.brand]),
                "prices": self._vocabulary.price_codes(price),
            }
        )[0]
        if is_trained and self._deltas is not None:
            placed = placed + self._deltas[row]
        length = np.linalg.norm(placed)
        if length > 0 or is_trained:  # of whom nothing is known any more is no longer where he was trained
            self.index.put(row, placed / max(length, 1e-9))


def _no_torch(cause: ImportError) -> MissingExtraError:
    return MissingExtraError(f"{cause.name} is not installed", where="retrieve", hint="pip install 'shelfwise[train]'")


def _lines(vectors: Floats | None, rows: Rows) -> Floats:
    return np.zeros((len(rows), 0), np.float32) if vectors is None else vectors[rows]
