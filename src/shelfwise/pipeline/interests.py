"""What a person turns to: how the recent events divide over categories, brands, themes and price levels."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np

from shelfwise.datasets.interactions import DAY_MS
from shelfwise.schemas.candidates import History
from shelfwise.schemas.events import KIND_BY_CODE, EventKind
from shelfwise.schemas.ids import Doubles, Floats

HALF_LIFE_D = 90.0
"""Days after which an event counts half."""

HALF_LIFE_EVENTS = 50.0
"""Where the log has no clock: later events after which one counts half."""

N_NAMED = 12
"""Of each kind of interest, the strongest."""

PRICE_LEVELS = ("lower third", "middle third", "upper third")
"""Of the catalogue's prices."""


@dataclass(slots=True)
class Interest:
    """One thing that somebody turns to.

    Attributes:
        name: A category path, a brand, a theme, a price level.
        share: Of the weight of all events that tell of this kind of interest, in [0, 1].
        n_events: The evidence.
        n_items: How many items they were about.
        last_ms: When the last of them happened.
        kinds: Events by kind.
    """

    name: str
    share: float
    n_events: int
    n_items: int
    last_ms: int
    kinds: dict[EventKind, int] = field(default_factory=dict[EventKind, int])


def weights_of(history: History, now_ms: int, *, has_clock: bool) -> Doubles:
    """How much each event says of today; shape `(T,)`, in (0, 1].

    Args:
        history: Oldest first.
        now_ms: The shop's time.
        has_clock: Whether its times are moments.
    """
    if has_clock:
        return np.exp2(-np.maximum(now_ms - history.times_ms, 0) / DAY_MS / HALF_LIFE_D)
    return np.exp2(-np.arange(len(history))[::-1] / HALF_LIFE_EVENTS)


def interests(
    history: History, weights: Doubles, names: Sequence[Hashable | None], limit: int = N_NAMED
) -> list[Interest]:
    """How the events divide over names, the strongest first; equal ones by name.

    Args:
        history: Events of interest.
        weights: Of each; shape `(T,)`.
        names: Of each event's item; None tells nothing; length `T`.
        limit: Interests at most; shares are those among all.
    """
    weight_by_name: defaultdict[str, float] = defaultdict(float)
    places_by_name: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if name:
            weight_by_name[str(name)] += float(weights[place])
            places_by_name.setdefault(str(name), []).append(place)
    total = sum(weight_by_name.values())
    strongest = sorted(weight_by_name, key=lambda name: (-weight_by_name[name], name))[:limit]
    return [_told(name, weight_by_name[name] / total, history, places_by_name[name]) for name in strongest]


def price_cuts(log_prices: Floats) -> tuple[float, float] | None:
    """The two prices that cut a catalogue into thirds; None where fewer than two different ones are known.

    Args:
        log_prices: Logarithms of the items' prices, NaN where unknown; shape `(n,)`.
    """
    known = log_prices[np.isfinite(log_prices)]
    if not len(known):
        return None
    low, high = (float(np.exp(cut)) for cut in np.quantile(known, (1 / 3, 2 / 3)))
    return (low, high) if low < high else None


def price_level(price: float, cuts: tuple[float, float]) -> str:
    """The third of the catalogue's prices in which one lies.

    Examples:
        >>> [price_level(price, (2.0, 5.0)) for price in (1.0, 2.0, 7.0)]
        ['lower third', 'middle third', 'upper third']
    """
    return PRICE_LEVELS[int(np.searchsorted(cuts, price, side="right"))]


def _told(name: str, share: float, history: History, places: Sequence[int]) -> Interest:
    kinds = Counter(KIND_BY_CODE[int(history.kinds[place])] for place in places)
    return Interest(
        name,
        share,
        len(places),
        len({int(history.rows[place]) for place in places}),
        int(history.times_ms[places].max()),
        dict(kinds.most_common()),
    )
