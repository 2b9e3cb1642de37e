"""Why an item is shown, in words that the model, the catalogue and the user's own events support."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.retrieve.again import Again
from shelfwise.retrieve.breadth import Breadth
from shelfwise.retrieve.complements import Complements
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.recent import Recent
from shelfwise.retrieve.retriever import Retriever
from shelfwise.retrieve.sequence import Sequence as SequenceModel
from shelfwise.retrieve.similar_users import SimilarUsers
from shelfwise.retrieve.transitions import Transitions
from shelfwise.retrieve.trending import Trending
from shelfwise.schemas.candidates import Merged, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools, Rows
from shelfwise.schemas.queries import SlateItem

NOT_NAMED = np.iinfo(np.int32).max
"""Behind every rank."""


def sources_of(merged: Merged, places: Rows) -> list[list[str]]:
    """Of some candidates, the retrievers that named each, best rank first; equal ranks in the order of `shop.toml`.

    Args:
        merged: The candidates.
        places: Their lines; shape `(N,)`.

    Returns:
        Length N.
    """
    ranks = merged.ranks[places]
    named = (ranks > 0).sum(axis=1).tolist()
    order = np.argsort(np.where(ranks > 0, ranks, NOT_NAMED), axis=1, kind="stable").tolist()
    return [[merged.sources[column] for column in columns[:n]] for columns, n in zip(order, named, strict=True)]


def reasons(
    rows: Rows,
    sources: Sequence[Sequence[str]],
    situation: Situation,
    funnel: Funnel,
    catalogue: LiveCatalogue,
    *,
    only_purchases: bool,
) -> list[str]:
    """One sentence for each item, from the retriever that ranked it highest and can say why.

    What the user did with an item himself comes before what others did.

    Args:
        rows: The items; shape `(N,)`.
        sources: Of each, the retrievers that named it, strongest first; length N.
        situation: The request that they answered.
        only_purchases: Whether the log holds nothing else: then shoppers "bought", otherwise they "turned to".

    Returns:
        Length N.
    """
    because: dict[str, list[int | None]] = {}
    turned_to = "bought" if only_purchases else "turned to"

    def seed_of(source: str, place: int) -> int | None:
        # A retriever is asked of all the items at once, when the first of them is its.
        if source not in because:
            because[source] = funnel.retrievers[source].because(rows, situation)
        return because[source][place]

    def said(place: int, row: int) -> str:
        if not sources[place]:
            return "Chosen by this shop"  # a rule pinned what no retriever named
        for source in sorted(sources[place], key=lambda source: not isinstance(funnel.retrievers[source], Again)):
            retriever = funnel.retrievers[source]
            if isinstance(retriever, Content) and retriever.is_of_profile(row, situation):
                return "Fits what your profile says about you"
            seed = seed_of(source, place)
            sentence = (
                _alone(retriever, row, situation, catalogue, turned_to)
                if seed is None
                else _because_of(retriever, catalogue.name(seed), situation, turned_to)
            )
            if sentence is not None:
                return sentence
        return "Chosen for you"

    return [said(place, row) for place, row in enumerate(rows.tolist())]


def _because_of(retriever: Retriever, title: str, situation: Situation, turned_to: str) -> str:
    """What a retriever says that can point at one of the user's items."""
    if isinstance(retriever, Transitions):
        return f"Shoppers {turned_to} this with or after “{title}”"
    if isinstance(retriever, Cooccurrence):
        return f"Shoppers of “{title}” {turned_to} this too"
    if isinstance(retriever, Complements):
        return f"Shoppers bought this together with “{title}”"
    if isinstance(retriever, Content):
        return f"Similar to “{title}”"
    if isinstance(retriever, SequenceModel):
        return f"{_chosen_from(situation)}, close to “{title}”"
    return f"Because of “{title}”"


def _alone(
    retriever: Retriever, row: int, situation: Situation, catalogue: LiveCatalogue, turned_to: str
) -> str | None:
    """What a retriever says that can point at no single item; None where the next one may say more."""
    if isinstance(retriever, Again):
        return _again(row, situation)
    if isinstance(retriever, SequenceModel):
        return _chosen_from(situation)
    if isinstance(retriever, SimilarUsers):
        return f"Shoppers with a history like yours {turned_to} this"
    if isinstance(retriever, Complements):
        return _chosen_to_go_with(situation, catalogue)
    if isinstance(retriever, Trending):
        return f"Shoppers {turned_to} this more lately than before"
    if isinstance(retriever, Popular):
        return "Popular in this shop"
    if isinstance(retriever, Recent):
        return "New in this shop"
    if isinstance(retriever, Breadth) and catalogue.paths[row]:
        return f"Typical of “{catalogue.paths[row][-1]}” in this shop"
    return None


def brand_reason(situation: Situation, is_of_brand: Bools, best: SlateItem) -> str:
    """Why a brand is shown: the user's own items of it, or else its best item.

    Args:
        situation: The request.
        is_of_brand: Which items are of the brand; shape `(n,)`.
        best: The brand's first item for the user.
    """
    own, had = (np.unique(rows[is_of_brand[rows]]) for rows in (situation.history.rows, situation.had))
    bought = situation.target == CODE_BY_KIND[EventKind.PURCHASE] and len(had) == len(own)
    if len(own):
        n = f"{len(own)} of its items" if len(own) > 1 else "one of its items"
        return f"You {'bought' if bought else 'turned to'} {n}"
    return f"Its “{best.title or best.item_id}”: {best.reason[:1].lower()}{best.reason[1:]}"


def _chosen_to_go_with(situation: Situation, catalogue: LiveCatalogue) -> str:
    """What only the categories tell: no basket held the two, so that it is the shop's choice and no shopper's."""
    context = situation.context
    return f"Chosen to go with “{catalogue.name(int(context[-1]))}”" if len(context) else "Chosen to go with your items"


def _chosen_from(situation: Situation) -> str:
    """What a sequence model read: it weighs all of the last events, so that no single one can be called the cause."""
    return "Chosen from your latest items" if len(situation.history) else "Chosen from what you are looking at"


def _again(row: int, situation: Situation) -> str:
    """What the user did with the item, counted in moments: two lines of one invoice are once."""
    history = situation.history
    own = (history.rows == row) & (history.kinds == CODE_BY_KIND[EventKind.PURCHASE])
    n_times = len(set(history.times_ms[own].tolist()))
    if n_times == 0:
        return "You turned to this before"
    return "You bought this before" if n_times == 1 else f"You bought this {n_times} times before"
