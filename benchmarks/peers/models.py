"""Every model of the comparison, by its name in the tables."""

from __future__ import annotations

from importlib import import_module

from peers.peer import Peer

OURS = "shelfwise"

MODELS = {
    "popularity": "peers.popular:Popular",
    "recency": "peers.own_models:Recent",
    "transitions": "peers.own_models:OwnTransitions",
    "item-knn": "peers.implicit_models:ImplicitNeighbours",
    "ease": "peers.ease:Ease",
    "als": "peers.implicit_models:ImplicitAls",
    "lenskit": "peers.lenskit_models:LensKit",
    "sasrec": "peers.rectools_models:SasRec",
    "esasrec": "peers.rectools_models:ESasRec",
    "hstu": "peers.rectools_models:Hstu",
    OURS: "peers.own_models:Ours",
}

LONG = ("esasrec", "hstu")
"""Asked only where named: they take hours without a GPU."""

ONLY_WITH_REPEATS = ("recency",)

SEEDS = {OURS: (0, 1, 2)}
"""Of every other model: 0."""


def model_class(name: str) -> type[Peer]:
    """The class behind a name; what its library needs is imported when it is fitted."""
    module, _, attribute = MODELS[name].partition(":")
    found: type[Peer] = getattr(import_module(module), attribute)
    return found
