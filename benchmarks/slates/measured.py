"""A shop's kept candidates as questions, with what a model in service would know of the items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from peers.exams import exam_of
from peers.own_models import training_data
from peers.shops import DATA_SETS, PREPARED
from shelfwise.datasets.training_data import TrainingData
from shelfwise.evaluate.slates import Items, Question
from shelfwise.features.behaviour_vectors import behaviour_vectors
from shelfwise.features.text_vectors import TextVectors
from shelfwise.features.themes import Themes
from shelfwise.pipeline.slate_steps import groups_of
from shelfwise.rerank.listed import ItemFacts, Listed
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.ids import Floats
from shelfwise.train.examples import item_state
from slates.candidates import Asked

K = 10
HISTORY = 50
N_CANDIDATES = 200
"""What rerankers are given; each looks at as many of the best as it is configured to."""


def known_data(name: str, protocol: Any) -> TrainingData:
    """What may be known before the test, with the encoder's own vectors beside the whitened ones."""
    folder = PREPARED / name
    exam = exam_of(DATA_SETS[name], protocol, folder)
    _, data, _ = training_data(exam.known(for_validation=False, shop=folder), with_texts=True, raw=True)
    return data


def known_raw(data: TrainingData) -> Floats:
    """The encoder's own vectors, of length 1, 0 for an item without a text; shape `(n, D)`."""
    assert data.raw_vectors is not None
    lengths = np.linalg.norm(data.raw_vectors, axis=1, keepdims=True)
    return (data.raw_vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def items_of(data: TrainingData) -> Items:
    """What a model in service would know of the items at the moment of the test."""
    log = data.interactions
    assert data.vectors is not None
    facts = ItemFacts(
        item_state(data),
        {**groups_of(data.catalogue), "theme": Themes.fit(data.vectors)},
        {
            "text": TextVectors(data.vectors),
            "behaviour": TextVectors(behaviour_vectors(log.user_rows, log.item_rows, log.n_items)),
        },
    )
    popularity = np.bincount(log.item_rows, minlength=log.n_items).astype(np.float64)
    return Items(facts, data.vectors, popularity, int(data.catalogue.allowed.sum()))


def questions_of(asked: Asked, items: Items, now_ms: int, n_candidates: int = N_CANDIDATES) -> list[Question]:
    """What a reranker sees of each question, the best `n_candidates`, and what is right."""
    found: list[Question] = []
    nowhere = np.empty(0, np.int32)
    for place in range(len(asked)):
        rows = asked.history[asked.starts[place] : asked.starts[place + 1]][-HISTORY:]
        history = History(rows, np.zeros(len(rows), np.int8), np.zeros(len(rows), np.int64))
        n = min(n_candidates, int(np.count_nonzero(asked.rows[place] >= 0)))
        listed = Listed(
            asked.rows[place, :n],
            asked.scores[place, :n],
            K,
            items.facts,
            Situation(history, now_ms, nowhere),
            slate_id=str(place),
        )
        found.append(Question(listed, asked.is_right[place, :n], int(asked.n_right[place])))
    return found


def thinned(questions: Sequence[Question], n: int) -> Sequence[Question]:
    """Every so many, about `n` together."""
    return questions[:: max(1, round(len(questions) / n))]


def cut(question: Question, n: int) -> Question:
    """The same with the best `n` candidates."""
    listed = question.listed
    return replace(
        question,
        listed=replace(listed, rows=listed.rows[:n], scores=listed.scores[:n]),
        is_right=question.is_right[:n],
    )
