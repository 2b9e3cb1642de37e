"""Why an item is shown, in words that the model, the catalogue and the user's own events support."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

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

S = TypeVar("S", bound=Callable[..., object])

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
    retrievers = funnel.retrievers
    speakers = {name: _speaker(type(retriever)) for name, retriever in retrievers.items()}
    of_own = {name for name, speaker in speakers.items() if speaker.is_of_own}
    has_profile = situation.profile is not None
    because: dict[str, list[int | None]] = {}
    log = _Log(situation, catalogue, "bought" if only_purchases else "turned to")

    def seed_of(source: str, place: int) -> int | None:
        # A retriever is asked of all the items at once, when the first of them is its.
        if source not in because:
            because[source] = retrievers[source].because(rows, situation)
        return because[source][place]

    def said(place: int, row: int) -> str:
        named_by = sources[place]
        if not named_by:
            return "Chosen by this shop"  # a rule pinned what no retriever named
        if not of_own.isdisjoint(named_by):
            named_by = sorted(named_by, key=lambda one: one not in of_own)
        for source in named_by:
            retriever, speaker = retrievers[source], speakers[source]
            if has_profile and isinstance(retriever, Content) and retriever.is_of_profile(row, situation):
                return "Fits what your profile says about you"
            seed = seed_of(source, place)
            sentence = speaker.alone(row, log) if seed is None else speaker.because(catalogue.name(seed), log)
            if sentence is not None:
                return sentence
        return "Chosen for you"

    return [said(place, row) for place, row in enumerate(rows.tolist())]


@dataclass(frozen=True)
class _Log:
    """What sentences speak of.

    Attributes:
        turned_to: What shoppers did with items, as far as the log tells.
    """

    situation: Situation
    catalogue: LiveCatalogue
    turned_to: str

    @functools.cached_property
    def bought_times(self) -> Mapping[int, int]:
        """At how many moments the user bought each of his items: two lines of one invoice are once."""
        history = self.situation.history
        bought = history.kinds == CODE_BY_KIND[EventKind.PURCHASE]
        moments = set(zip(history.rows[bought].tolist(), history.times_ms[bought].tolist(), strict=True))
        return Counter(row for row, _ in moments)


def _because_of(title: str, log: _Log) -> str:
    return f"Because of “{title}”"


def _nothing(row: int, log: _Log) -> None:
    return None


BECAUSE: Mapping[type[Retriever], Callable[[str, _Log], str]] = {
    Transitions: lambda title, log: f"Shoppers {log.turned_to} this with or after “{title}”",
    Cooccurrence: lambda title, log: f"Shoppers of “{title}” {log.turned_to} this too",
    Complements: lambda title, _: f"Shoppers bought this together with “{title}”",
    Content: lambda title, _: f"Similar to “{title}”",
    SequenceModel: lambda title, log: f"{_chosen_from(log.situation)}, close to “{title}”",
}
"""What a retriever says that can point at one of the user's items, by its title."""


def _again(row: int, log: _Log) -> str:
    """What the user did with the item."""
    n_times = log.bought_times.get(row, 0)
    if n_times == 0:
        return "You turned to this before"
    return "You bought this before" if n_times == 1 else f"You bought this {n_times} times before"


def _chosen_to_go_with(row: int, log: _Log) -> str:
    """What only the categories tell: no basket held the two, so that it is the shop's choice and no shopper's."""
    context = log.situation.context
    if not len(context):
        return "Chosen to go with your items"
    return f"Chosen to go with “{log.catalogue.name(int(context[-1]))}”"


def _typical(row: int, log: _Log) -> str | None:
    path = log.catalogue.paths[row]
    return f"Typical of “{path[-1]}” in this shop" if path else None


ALONE: Mapping[type[Retriever], Callable[[int, _Log], str | None]] = {
    Again: _again,
    SequenceModel: lambda _, log: _chosen_from(log.situation),
    SimilarUsers: lambda _, log: f"Shoppers with a history like yours {log.turned_to} this",
    Complements: _chosen_to_go_with,
    Trending: lambda _, log: f"Shoppers {log.turned_to} this more lately than before",
    Popular: lambda *_: "Popular in this shop",
    Recent: lambda *_: "New in this shop",
    Breadth: _typical,
}
"""What a retriever says that can point at no single item; None where the next one may say more."""


class _Speaker(NamedTuple):
    """What retrievers of one kind say.

    Attributes:
        because: Where they point at one of the user's items.
        alone: Where they do not.
        is_of_own: Whether they speak of what the user did with the item himself.
    """

    because: Callable[[str, _Log], str]
    alone: Callable[[int, _Log], str | None]
    is_of_own: bool


@functools.cache
def _speaker(kind: type[Retriever]) -> _Speaker:
    return _Speaker(
        _of_kind(BECAUSE, kind, _because_of), _of_kind(ALONE, kind, _nothing), is_of_own=issubclass(kind, Again)
    )


def _of_kind(sentences: Mapping[type[Retriever], S], kind: type[Retriever], otherwise: S) -> S:
    """What a retriever of this kind says, or else what the kind that it was made from says."""
    return next((sentences[one] for one in kind.__mro__ if one in sentences), otherwise)


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


def _chosen_from(situation: Situation) -> str:
    """What a sequence model read: it weighs all of the last events, so that no single one can be called the cause."""
    return "Chosen from your latest items" if len(situation.history) else "Chosen from what you are looking at"
