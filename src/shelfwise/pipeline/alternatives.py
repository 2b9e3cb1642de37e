"""Alternatives: what could be taken instead of an item."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shelfwise.pipeline.funnel import Ranked, in_order
from shelfwise.rank.ranker import unpredicted
from shelfwise.retrieve.retriever import Retriever
from shelfwise.schemas.candidates import Candidates, Merged, Situation
from shelfwise.schemas.ids import Bools, Floats, Rows

FEW = 5_000
"""Up to so many items of the same kind, all are judged; of more, those that a judge names."""


def alternatives(situation: Situation, allowed: Bools, judges: Mapping[str, Retriever], log_price: Floats) -> Ranked:
    """Items like the context items: near in what the judges see, and in price.

    The score is the mean of the judges' scores, each over its highest, times `exp(-|log price ratio|)`: twice or half
    the price counts half. A judge that says nothing of an item gives it 0, and an item without a price keeps its score.

    Args:
        situation: Its context names the items; it has no history.
        allowed: Items of the same kind that may be shown; shape `(n,)`.
        judges: Retrievers, by name: of content, of what is viewed together.
        log_price: Of every item, NaN where unknown; shape `(n,)` or longer.

    Returns:
        Best first, equal ones in the order of rows; no item of which no judge knows anything.
    """
    answers = [judge.retrieve(situation, allowed) for judge in judges.values()]
    rows = np.flatnonzero(allowed).astype(np.int32)
    if len(rows) > FEW:
        rows = np.unique(np.concatenate([np.empty(0, np.int32), *(answer.rows for answer in answers)]))
    shares = np.zeros((len(rows), len(answers)), np.float32)
    for column, answer in enumerate(answers):
        shares[:, column] = _shares(answer, rows)
    named = shares.any(axis=1)
    rows, shares = rows[named].astype(np.int32), shares[named]
    order = np.argsort(np.argsort(-shares, axis=0, kind="stable"), axis=0) + 1
    merged = Merged(rows, shares, np.where(shares > 0, order, 0).astype(np.int32), tuple(judges))
    n_speaking = max(sum(len(answer) > 0 for answer in answers), 1)
    scores = shares.sum(axis=1) / n_speaking * _nearness(situation, rows, log_price)
    return in_order(merged, unpredicted(scores.astype(np.float32)))


def _nearness(situation: Situation, rows: Rows, log_price: Floats) -> Floats:
    usual = log_price[situation.context]
    usual = usual[~np.isnan(usual)]
    if not len(usual):
        return np.ones(len(rows), np.float32)
    return np.exp(-np.nan_to_num(np.abs(log_price[rows] - usual.mean()), nan=0.0)).astype(np.float32)


def _shares(answer: Candidates, rows: Rows) -> Floats:
    """A judge's scores of rows, the highest that it named being 1."""
    if not len(answer):
        return np.zeros(len(rows), np.float32)
    if answer.score_of is not None:
        scores = np.nan_to_num(answer.score_of(rows), nan=0.0)
    else:
        scores = np.zeros(len(rows), np.float32)
        _, at, of = np.intersect1d(rows, answer.rows, return_indices=True)
        scores[at] = answer.scores[of]
    return (np.maximum(scores, 0) / max(float(answer.scores[0]), 1e-12)).astype(np.float32)
