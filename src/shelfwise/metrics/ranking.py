"""Accuracy of a full ranking at k, with equal scores counted fairly.

Scores rank the whole catalogue: ranking a sample of it orders models differently (Krichene & Rendle 2020, On
Sampled Metrics for Item Recommendation). Equal scores have no order, so each metric is its mean over every
order of them (McSherry & Najork 2008, Computing Information Retrieval Performance Measures Efficiently in the
Presence of Tied Scores); otherwise a model that scores everything alike would be judged by the order of the
catalogue.
"""

from dataclasses import dataclass

import numpy as np

from shelfwise.metrics.arrays import Bools, Float64s, Floats, Ints, row_blocks


@dataclass(frozen=True, slots=True, eq=False)
class RankingMetrics:
    """Accuracy at k of each user's ranking; every array has shape `(B,)` and values in [0, 1].

    Attributes:
        recall: Share of the user's relevant items that stand in the top k.
        precision: Share of the k places that hold a relevant item; places left empty count as misses.
        f1: Harmonic mean of precision and recall, `2 * hits / (k + n_relevant)`.
        ndcg: Discounted gain over that of an ideal list of `min(k, n_relevant)` hits.
        mrr: One over the position of the first relevant item, 0 where that lies beyond k.
        hit_rate: Whether any relevant item stands in the top k; a probability where scores tie.
    """

    recall: Float64s
    precision: Float64s
    f1: Float64s
    ndcg: Float64s
    mrr: Float64s
    hit_rate: Float64s


def ranking_metrics(scores: Floats, relevant: Bools, k: int) -> RankingMetrics:
    """Judge the top `k` of each row of scores against the items that are relevant in it.

    Args:
        scores: Higher is better; -inf means that the item is not ranked at all, so it is never shown and
            never ties; shape `(B, N)`.
        relevant: Which items count as hits, at least one a row. Unranked ones count in what recall, f1 and
            ndcg divide by; shape `(B, N)`.
        k: Length of the list, at least 1; it may exceed N.

    Returns:
        One value a user and metric, shape `(B,)`. Where scores tie, the mean over all orders of the tied
        items.

    Raises:
        ValueError: Shapes disagree, `relevant` is not boolean, `k` is below 1, a score is NaN, or a row has
            no relevant item (its recall is undefined: leave such users out).

    Cost:
        O(B N) time, O(B k log k) more to order the top; memory for a few million cells at a time.

    Source:
        Järvelin & Kekäläinen (2002), Cumulated Gain-Based Evaluation of IR Techniques: nDCG, here with gain 1
        and discount `1 / log2(position + 1)`, so that position 2 is discounted as well. Ties: McSherry &
        Najork (2008).

    Examples:
        Three items tie for the first place and one of them is relevant.

        >>> scores = np.array([[1.0, 1.0, 1.0, 0.0]])
        >>> metrics = ranking_metrics(scores, np.array([[False, True, False, False]]), k=2)
        >>> metrics.recall.round(3), metrics.mrr.round(3)
        (array([0.667]), array([0.5]))
    """
    _check_table(scores)
    if relevant.shape != scores.shape:
        raise ValueError(f"relevant has shape {relevant.shape}, scores have {scores.shape}; they must agree")
    if relevant.dtype != np.bool_:
        raise ValueError(f"relevant must be boolean, not {relevant.dtype}")
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")
    n_relevant = np.count_nonzero(relevant, axis=1)
    without = np.flatnonzero(n_relevant == 0)
    if without.size:
        raise ValueError(
            f"row {without[0]} has no relevant item ({without.size} such rows of {len(scores)}); leave these users out"
        )

    n_users, n_items = scores.shape
    depth = min(k, n_items)
    discount = 1.0 / np.log2(np.arange(depth) + 2.0)
    # Running sums on both sides of the nDCG add in the same order, so a perfect list scores exactly 1.
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(depth, n_relevant)]
    hits, dcg, mrr, hit_rate = (np.zeros(n_users) for _ in range(4))
    for users in row_blocks(n_users, n_items):
        top = _top_positions(scores[users], relevant[users], depth)
        hits[users] = top.share.sum(axis=1)
        dcg[users] = np.cumsum(top.share * discount, axis=1)[:, -1]
        mrr[users], hit_rate[users] = _first_relevant(top, depth)
    hits = np.minimum(hits, n_relevant)  # takes off nothing but rounding
    return RankingMetrics(
        recall=hits / n_relevant,
        precision=hits / k,
        f1=2.0 * hits / (k + n_relevant),
        ndcg=dcg / ideal,
        mrr=mrr,
        hit_rate=hit_rate,
    )


def rank_of(scores: Floats, target_rows: Ints) -> Float64s:
    """Find the position of one target item in each user's full ranking.

    Args:
        scores: Higher is better, -inf means not ranked; shape `(B, N)`.
        target_rows: The item looked for, in [0, N); shape `(B,)`.

    Returns:
        1-based position, shape `(B,)`; the mean position where the target ties with others, inf where it is
        not ranked. One over a mean position is not the mean reciprocal rank: use `ranking_metrics` for that.

    Raises:
        ValueError: Shapes disagree, a score is NaN, or a target lies outside [0, N).

    Examples:
        >>> rank_of(np.array([[3.0, 2.0, 2.0], [3.0, 2.0, -np.inf]]), np.array([1, 2]))
        array([2.5, inf])
    """
    _check_table(scores)
    n_users, n_items = scores.shape
    if target_rows.shape != (n_users,):
        raise ValueError(f"target_rows has shape {target_rows.shape}; scores ask for ({n_users},)")
    if n_users and (int(target_rows.min()) < 0 or int(target_rows.max()) >= n_items):
        raise ValueError(
            f"target_rows reach from {target_rows.min()} to {target_rows.max()}; they must lie in [0, {n_items})"
        )
    ranks = np.empty(n_users)
    for users in row_blocks(n_users, n_items):
        block = scores[users]
        target = np.take_along_axis(block, target_rows[users, None], axis=1)
        n_better = np.count_nonzero(block > target, axis=1)
        n_equal = np.count_nonzero(block == target, axis=1)
        ranks[users] = np.where(target[:, 0] == -np.inf, np.inf, n_better + (n_equal + 1) / 2.0)
    return ranks


@dataclass(frozen=True, slots=True, eq=False)
class _TopPositions:
    """The first positions of each ranking, each with the tie group that occupies it; arrays `(B, depth)`.

    A group of `size` items, `n_relevant` of them relevant, takes the positions after the first `n_before`.
    It may reach beyond the depth. A position filled by unranked items has `n_relevant` 0.
    """

    n_before: Ints
    size: Ints
    n_relevant: Ints

    @property
    def share(self) -> Float64s:
        """Chance that a relevant item takes the position: every item of a group is as likely to."""
        return self.n_relevant / self.size


def _top_positions(scores: Floats, relevant: Bools, depth: int) -> _TopPositions:
    n_users, n_items = scores.shape
    top = np.argpartition(scores, n_items - depth, axis=1)[:, n_items - depth :]  # (B, depth), in no order
    values = np.take_along_axis(scores, top, axis=1)
    order = np.argsort(values, axis=1)[:, ::-1]
    values = np.take_along_axis(values, order, axis=1)
    is_hit = np.take_along_axis(relevant, np.take_along_axis(top, order, axis=1), axis=1)

    is_first = np.ones((n_users, depth), dtype=np.bool_)
    is_first[:, 1:] = values[:, 1:] != values[:, :-1]
    group = np.cumsum(is_first).reshape(n_users, depth) - 1  # numbered through all rows
    size = np.bincount(group.ravel())
    n_relevant = np.bincount(group.ravel(), weights=is_hit.ravel()).astype(np.int64)
    # Only a row's last group can continue below the cut; which of its items made it is chance, so count all.
    last = values[:, -1:]
    is_last = scores == last
    size[group[:, -1]] = np.count_nonzero(is_last, axis=1)
    n_relevant[group[:, -1]] = np.count_nonzero(is_last & relevant & (last > -np.inf), axis=1)

    n_before = np.nonzero(is_first)[1]
    return _TopPositions(n_before[group], size[group], n_relevant[group])


def _first_relevant(top: _TopPositions, depth: int) -> tuple[Float64s, Float64s]:
    """Expected reciprocal position of the first relevant item, and the chance that it lies within the depth.

    It stands in the first group that holds any. That it is the group's j-th item has the hypergeometric
    chance C(size - j, n_relevant - 1) / C(size, n_relevant), here a product of ratios: binomials would
    overflow.
    """
    has_relevant = top.n_relevant > 0
    at = np.argmax(has_relevant, axis=1)[:, None]
    n_before, size, n_relevant = (
        np.take_along_axis(values, at, axis=1)[:, 0] for values in (top.n_before, top.size, top.n_relevant)
    )
    n_within = np.minimum(size, depth - n_before)
    reciprocal = np.zeros(len(at))
    none_yet = np.ones(len(at))
    for offset in range(int(n_within.max(initial=0))):
        is_within = offset < n_within
        # Given that none came before; once only relevant items are left, `none_yet` is 0 and later ones moot.
        chance = np.minimum(n_relevant / np.maximum(size - offset, 1), 1.0) * is_within
        reciprocal += none_yet * chance / (n_before + offset + 1.0)
        none_yet *= 1.0 - chance
    return reciprocal, 1.0 - none_yet


def _check_table(scores: Floats) -> None:
    if scores.ndim != 2:
        raise ValueError(f"scores have {scores.ndim} dimensions; a table of users by items has 2")
    for users in row_blocks(*scores.shape):
        is_nan = np.isnan(scores[users]).any(axis=1)
        if is_nan.any():
            row = users.start + int(np.argmax(is_nan))
            raise ValueError(f"row {row} holds a NaN score; use -inf for items that are not ranked")
