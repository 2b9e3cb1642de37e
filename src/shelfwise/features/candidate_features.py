"""The ranker's input: one line per candidate of one request."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from shelfwise.features.item_state import DAY_MS, POPULARITY, ItemState
from shelfwise.features.price_in_list import price_in_list
from shelfwise.features.text_vectors import TextVectors
from shelfwise.kernels import compiled
from shelfwise.schemas.candidates import Merged, Situation
from shelfwise.schemas.ids import Floats, Rows

_Put = Callable[[str, "Floats | float"], None]

N_SEEDS = 10
SEED_DECAY = 0.8
MISSING = np.float32(np.nan)

PER_SOURCE = ("score", "share", "rank")
OWN = (
    *POPULARITY,
    "rise",
    "reach",
    "return_rate",
    "idle_log_d",
    "age_log_d",
    "price_log_ratio",
    "price_above_list",
    "price_share_in_list",
    "name_affinity",
    "name_affinity_last",
    "text_affinity_mean",
    "text_affinity_max",
    "text_affinity_last",
    "had_times",
    "had_ago_log_d",
    "had_position",
    "had_share",
    "had_due",
    "repeat_rate",
    "moments_log",
    "moment_gap_log_d",
    "history_log",
    "history_repeat_share",
    "history_ago_log_d",
    "n_sources",
    "reciprocal_ranks",
)
"""Features beside those of each retriever, in the order of the columns."""

KNOWN_BY = "name_affinity"
"""Missing for all candidates of a request of which nothing is known (no history, context or profile), else for none."""


def feature_names(sources: tuple[str, ...]) -> list[str]:
    """The columns' names, in order."""
    return [f"{source}.{name}" for source in sources for name in PER_SOURCE] + list(OWN)


def candidate_features(
    merged: Merged,
    situation: Situation,
    state: ItemState,
    vectors: TextVectors | None,
    *,
    has_clock: bool,
    log_prices: Floats | None = None,
) -> Floats:
    """Describe each candidate to the ranker.

    Args:
        merged: The candidates with each retriever's scores and ranks; N of them, R retrievers.
        situation: The request.
        state: Item knowledge as of no later than `situation.now_ms`.
        vectors: Whitened text vectors of length 1; None without an encoder.
        has_clock: Whether times are moments.
        log_prices: At which the candidates were shown, NaN where unknown; shape `(N,)`; None: those of the catalogue.

    Returns:
        Shape `(N, 3 R + len(OWN))`, columns as in `feature_names`. NaN stands for "not known": a missing feature never
        breaks a request.

    Cost:
        O(N (R + D N_SEEDS)); 0.1 ms for 160 candidates, half of it for texts; without the kernel some 0.3.
    """
    seeds, weights = _seeds(situation, len(state))
    own = len(PER_SOURCE) * len(merged.sources)
    if compiled is None:
        features = _described(merged, situation, state, seeds, weights, has_clock, log_prices)
    else:
        history = situation.history
        features = compiled.describe(
            merged.rows,
            merged.scores,
            merged.ranks,
            None if log_prices is None else np.ascontiguousarray(log_prices, np.float32),
            state.arrays,
            history.rows,
            history.times_ms,
            seeds,
            weights,
            situation.now_ms,
            has_clock,
            own + len(OWN),
        )
    if vectors is None:
        return features

    def put(name: str, values: Floats | float) -> None:
        features[:, own + OWN.index(name)] = values

    if len(seeds):
        _describe_texts(put, merged.rows, seeds, weights, vectors)
    elif situation.profile is not None:
        _describe_by_profile(put, merged.rows, situation.profile, vectors)
    return features


def _described(
    merged: Merged,
    situation: Situation,
    state: ItemState,
    seeds: Rows,
    weights: Floats,
    has_clock: bool,
    log_prices: Floats | None,
) -> Floats:
    """All but what texts tell, as the kernel tells it."""
    n, n_sources = merged.scores.shape
    # One feature after the other while they are made, as each is written as a whole; turned round at the end.
    features = np.full((len(PER_SOURCE) * n_sources + len(OWN), n), MISSING, np.float32)
    named = merged.ranks > 0
    highest = np.max(merged.scores, axis=0, initial=0.0, where=named)
    features[0 : 3 * n_sources : 3] = merged.scores.T
    features[1 : 3 * n_sources : 3] = (merged.scores / np.maximum(highest, np.float32(1e-12))).T
    np.copyto(features[2 : 3 * n_sources : 3], merged.ranks.T, where=named.T, casting="unsafe")
    line = dict(zip(OWN, range(3 * n_sources, len(features)), strict=True))

    def put(name: str, values: Floats | float) -> None:
        features[line[name]] = values

    if log_prices is None:
        log_prices = state.log_price[merged.rows]
    above, share = price_in_list(log_prices)
    put("price_above_list", above)
    put("price_share_in_list", share)
    popularity = state.popularity[merged.rows]
    for place, name in enumerate(OWN[: popularity.shape[1]]):
        put(name, popularity[:, place])
    put("repeat_rate", state.repeat_rate[merged.rows])
    put("rise", popularity[:, 1] - popularity[:, -2])
    put("n_sources", named.sum(axis=1).astype(np.float32))
    put("reciprocal_ranks", (named / (60 + merged.ranks)).sum(axis=1).astype(np.float32))
    if has_clock:
        first_ms = state.first_ms[merged.rows]
        age_d = np.maximum(situation.now_ms - first_ms, 0) / DAY_MS
        last_ms = state.last_ms[merged.rows]
        idle_d = np.maximum(situation.now_ms - last_ms, 0) / DAY_MS
        put("idle_log_d", np.where(last_ms >= 0, np.log1p(idle_d), np.nan).astype(np.float32))
        put("reach", state.reach[merged.rows])
        put("return_rate", state.return_rate[merged.rows])
        put("age_log_d", np.where(first_ms >= 0, np.log1p(age_d), np.nan).astype(np.float32))
    _describe_history(put, merged.rows, situation, has_clock)
    if len(seeds):
        known = state.log_price[seeds]
        known = known[~np.isnan(known)]
        if len(known):
            put("price_log_ratio", log_prices - known.mean())
        names = state.names[merged.rows]
        put("name_affinity", _name_affinity(state, seeds, weights, names))
        put("name_affinity_last", _name_affinity(state, seeds[:1], weights[:1], names))
    return np.ascontiguousarray(features.T)


def _describe_history(put: _Put, rows: Rows, situation: Situation, has_clock: bool) -> None:
    history = situation.history
    put("history_log", float(np.log1p(len(history))))
    if not len(history):
        put("had_times", 0.0)
        return
    # A moment is a distinct timestamp: two lines of one invoice are one time, not two.
    starts = np.empty(len(history), bool)
    starts[0] = True
    np.not_equal(history.times_ms[1:], history.times_ms[:-1], out=starts[1:])
    moment = np.cumsum(starts)
    n_moments = int(moment[-1])
    lines = np.unique(history.rows.astype(np.int64) * (n_moments + 1) + moment)
    distinct, first, times = np.unique(lines // (n_moments + 1), return_index=True, return_counts=True)
    latest = lines[first + times - 1] % (n_moments + 1)
    place = np.minimum(np.searchsorted(distinct, rows), len(distinct) - 1)
    had = distinct[place] == rows
    times, latest = times[place], latest[place]
    put("history_repeat_share", 1 - len(distinct) / len(lines))
    put("moments_log", float(np.log1p(n_moments)))
    put("had_times", np.where(had, times, 0).astype(np.float32))
    put("had_share", np.where(had, times / n_moments, 0).astype(np.float32))
    put("had_position", np.where(had, n_moments - latest, np.nan).astype(np.float32))
    if has_clock:
        when_ms = history.times_ms[starts]
        ago_d = np.maximum(situation.now_ms - when_ms, 0) / DAY_MS
        put("history_ago_log_d", float(np.log1p(ago_d[-1])))
        if n_moments > 1:
            put("moment_gap_log_d", float(np.log1p((ago_d[0] - ago_d[-1]) / (n_moments - 1))))
        item_ago_d = ago_d[latest - 1]
        put("had_ago_log_d", np.where(had, np.log1p(item_ago_d), np.nan).astype(np.float32))
        # How far the next purchase is due: time since the last one over the usual time between two.
        earliest = lines[first][place] % (n_moments + 1)
        usual_d = (ago_d[earliest - 1] - item_ago_d) / np.maximum(times - 1, 1)
        put(
            "had_due",
            np.where(had & (times > 1), item_ago_d / np.maximum(usual_d, 0.5), np.nan).astype(np.float32),
        )


def _describe_texts(put: _Put, rows: Rows, seeds: Rows, weights: Floats, vectors: TextVectors) -> None:
    seed_vectors, known = vectors.take(seeds)
    if not known.any():
        return
    cosines, inside = vectors.products(rows, seed_vectors[known])
    share = weights[known] / weights[known].sum()
    mean = cosines @ share
    if not inside.all():
        cosines[~inside], mean[~inside] = MISSING, MISSING
    put("text_affinity_mean", mean)
    put("text_affinity_max", cosines.max(axis=1))
    put("text_affinity_last", cosines[:, 0])


def _describe_by_profile(put: _Put, rows: Rows, profile: Floats, vectors: TextVectors) -> None:
    """Where no item speaks for the user, what he says of himself does; it names no category and no brand."""
    put(KNOWN_BY, 0.0)
    products, inside = vectors.products(rows, profile[None])
    cosines = products[:, 0]
    cosines[~inside] = MISSING
    for name in ("text_affinity_mean", "text_affinity_max", "text_affinity_last"):
        put(name, cosines)


def _name_affinity(state: ItemState, seeds: Rows, weights: Floats, names: npt.NDArray[np.int32]) -> Floats:
    """How loudly the seeds name what each item is named; `names` are the items'; shapes `(N, M)` and `(N,)`."""
    # Few names are said, of however many the shop knows.
    said, place = np.unique(state.names[seeds].ravel(), return_inverse=True)
    voices = np.bincount(place, np.repeat(weights, names.shape[1])) * state.rarity[said]
    at = np.minimum(np.searchsorted(said, names), len(said) - 1)
    return (np.where(said[at] == names, voices[at], 0).sum(axis=1) / weights.sum()).astype(np.float32)


def _seeds(situation: Situation, n_items: int) -> tuple[Rows, Floats]:
    latest = situation.latest_items.rows
    seeds = latest[latest < n_items][:N_SEEDS]
    return seeds, (SEED_DECAY ** np.arange(len(seeds))).astype(np.float32)
