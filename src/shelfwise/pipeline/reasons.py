"""Why an item is shown, in words that the model, the catalogue and the user's own events support."""

from __future__ import annotations

from collections.abc import Sequence

from shelfwise.pipeline.funnel import Funnel
from shelfwise.pipeline.live_catalogue import LiveCatalogue
from shelfwise.retrieve.again import Again
from shelfwise.retrieve.content import Content
from shelfwise.retrieve.cooccurrence import Cooccurrence
from shelfwise.retrieve.popular import Popular
from shelfwise.retrieve.recent import Recent
from shelfwise.retrieve.transitions import Transitions
from shelfwise.schemas.candidates import Merged, Situation


def sources_of(merged: Merged, place: int) -> list[str]:
    """The retrievers that named a candidate, best rank first; equal ranks in the order of `shop.toml`."""
    ranks = merged.ranks[place]
    named = [column for column in range(len(merged.sources)) if ranks[column] > 0]
    return [merged.sources[column] for column in sorted(named, key=lambda column: int(ranks[column]))]


def reason(row: int, sources: Sequence[str], situation: Situation, funnel: Funnel, catalogue: LiveCatalogue) -> str:
    """One sentence, from the retriever that ranked the item highest and can say why.

    Args:
        row: The item.
        sources: Retrievers that named it, strongest first.
        situation: The request that they answered.
    """
    for source in sources:
        retriever = funnel.retrievers[source]
        seed = retriever.because(row, situation)
        if seed is not None:
            title = catalogue.name(seed)
            if isinstance(retriever, Transitions):
                return f"Shoppers chose this with or after “{title}”"
            if isinstance(retriever, Cooccurrence):
                return f"Shoppers of “{title}” chose this too"
            if isinstance(retriever, Content):
                return f"Similar to “{title}”"
            return f"Because of “{title}”"
        if isinstance(retriever, Transitions | Cooccurrence | Content):
            continue  # it names no single item that can be pointed at: the next source may
        if isinstance(retriever, Again):
            n_times = len({int(time) for time in situation.history.times_ms[situation.history.rows == row]})
            return "You had this before" if n_times < 2 else f"You had this {n_times} times before"
        if isinstance(retriever, Popular):
            return "Popular in this shop"
        if isinstance(retriever, Recent):
            return "New in this shop"
    return "Chosen for you"
