"""Every model of the comparison, by its name in the tables."""

from __future__ import annotations

from importlib import import_module

from peers.peer import Peer

OURS = "shelfwise"
OURS_QUICK = "shelfwise-quick"
OURS_GPU = "shelfwise-gpu"
OWN = (OURS, OURS_QUICK, OURS_GPU)

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
    "unisrec": "peers.unisrec:UniSRec",
    OURS: "peers.own_models:Ours",
    OURS_QUICK: "peers.own_models:OursQuick",
    OURS_GPU: "peers.own_models:OursOnGpu",
}

PARTS = {
    "transitions-counted": "peers.ablation_models:PlainTransitions",
    "transitions-names": "peers.ablation_models:NameSmoothedTransitions",
    "transitions-texts": "peers.ablation_models:TextSmoothedTransitions",
    "sequence-ids": "peers.ablation_models:IdSequence",
    "sequence-raw-texts": "peers.ablation_models:RawTextSequence",
    "sequence-white-texts": "peers.ablation_models:WhiteTextSequence",
    "sequence-fused": "peers.ablation_models:FusedSequence",
    "sequence-tuned": "peers.ablation_models:TunedSequence",
}
"""Parts of our own, asked by `ablation.py`."""

LONG = ("esasrec", "hstu", OURS_GPU)
"""Asked only where named: they take hours without a GPU."""

ONLY_WITH_REPEATS = ("recency",)

ON_COLD_ITEMS = ("popularity", "item-knn", "unisrec", OURS, OURS_QUICK)
"""Asked about items that nobody has touched: who reads texts, and two that do not, to show what that gives."""

COLD_PEER = "unisrec"

NOT_ON_WARM_ITEMS = (COLD_PEER,)

SEEDS = {OURS: (0, 1, 2), OURS_QUICK: (0, 1, 2)}
"""Of every other model, and on cold items: 0."""


def is_asked(model: str, protocol: str, *, repeats: bool) -> bool:
    """Whether a model takes part in an exam."""
    if protocol == "cold-items":
        return model in ON_COLD_ITEMS
    return model not in NOT_ON_WARM_ITEMS and (repeats or model not in ONLY_WITH_REPEATS)


def seeds(model: str, protocol: str) -> tuple[int, ...]:
    """The seeds that a model is asked with."""
    return (0,) if protocol == "cold-items" else SEEDS.get(model, (0,))


def model_class(name: str) -> type[Peer]:
    """The class behind a name; what its library needs is imported when it is fitted."""
    module, _, attribute = (MODELS | PARTS)[name].partition(":")
    found: type[Peer] = getattr(import_module(module), attribute)
    return found
