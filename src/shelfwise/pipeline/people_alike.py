"""Whom a person is like: the people whose histories the model finds nearest, and the items that they share."""

from __future__ import annotations

from dataclasses import dataclass

from shelfwise.pipeline.recommender import Recommender
from shelfwise.retrieve.similar_users import SimilarUsers
from shelfwise.schemas.candidates import History, Situation
from shelfwise.store import event_log, people_lists
from shelfwise.store.records import Records

N_SHARED = 3
"""Shared items that are named."""

READ = 2_000
"""Latest events of each that are compared."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Somebody who is like the person.

    Attributes:
        user_id: Who.
        likeness: Cosine of the two histories, as the model weighs them, in (0, 1].
        n_shared: Items that both turned to.
        shared_rows: Some of them, those that the other turned to last.
    """

    user_id: str
    likeness: float
    n_shared: int
    shared_rows: list[int]


def people_alike(recommender: Recommender, records: Records, history: History, k: int) -> list[Alike] | None:
    """The `k` people who are most like a person, the likest first.

    Args:
        recommender: The model in service.
        records: The shop's.
        history: The person's.
        k: People at most; those who were erased since the training are left out.

    Returns:
        None where the model has no retriever that compares people.
    """
    retriever = next(
        (one for one in recommender.model.funnel.retrievers.values() if isinstance(one, SimilarUsers)), None
    )
    if retriever is None:
        return None
    situation = Situation(history, recommender.clock.now_ms(), history.rows[:0], recommender.model.had)
    nearest = retriever.alike(situation, 2 * k)
    own = set(history.rows.tolist())
    found: list[Alike] = []
    with records.read() as connection:
        name_by_row = people_lists.names_of(connection, nearest.rows.tolist())
        for row, likeness in zip(nearest.rows.tolist(), nearest.scores.tolist(), strict=True):
            if row not in name_by_row or len(found) == k:
                continue
            theirs = event_log.recent_events(connection, name_by_row[row], READ)
            shared = [item for item in dict.fromkeys(reversed(theirs.rows.tolist())) if item in own]
            if shared:  # who was erased and came back shares a row with the past, not its events
                found.append(Alike(name_by_row[row], min(float(likeness), 1.0), len(shared), shared[:N_SHARED]))
    return found
