"""A shop's kept candidates as questions, with what a model in service would know of the items."""

from __future__ import annotations

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
from shelfwise.train.examples import item_state
from slates.candidates import Asked

K = 10
HISTORY = 50


def known_data(name: str, protocol: Any) -> TrainingData:
    """What may be known before the test."""
    folder = PREPARED / name
    exam = exam_of(DATA_SETS[name], protocol, folder)
    _, data, _ = training_data(exam.known(for_validation=False, shop=folder), with_texts=True)
    return data


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


def questions_of(asked: Asked, items: Items, now_ms: int) -> list[Question]:
    """What a reranker sees of each question, and what is right."""
    found: list[Question] = []
    nowhere = np.empty(0, np.int32)
    for place in range(len(asked)):
        rows = asked.history[asked.starts[place] : asked.starts[place + 1]][-HISTORY:]
        history = History(rows, np.zeros(len(rows), np.int8), np.zeros(len(rows), np.int64))
        n = int(np.count_nonzero(asked.rows[place] >= 0))
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
