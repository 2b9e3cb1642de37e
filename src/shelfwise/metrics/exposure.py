"""Who is shown: how much of the attention each group of items gets, beside what it merits.

A list is a row of catalogue rows, padded with -1 where it is shorter than k. Padding shows nothing and counts nowhere.
"""

import numpy as np

from shelfwise.metrics.arrays import Float64s, Floats, Ints
from shelfwise.metrics.lists import checked_lists, checked_popularity


def head_share(rows: Ints, popularity: Ints | Floats, *, head: float = 0.2) -> float:
    """Share of all places that go to the most popular items.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        popularity: Count or share of each item, at least 0; shape `(N,)`.
        head: Share of the catalogue that is its head, in (0, 1]; at least one item, equal ones in the order of rows.

    Returns:
        Share in [0, 1]; NaN where nothing is shown.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, `popularity` not one number an item, or `head` lies outside
            its range.

    Source:
        Abdollahpouri, Burke & Mobasher (2017), Controlling Popularity Bias: short head against long tail.
    """
    checked_popularity(popularity)
    if not 0.0 < head <= 1.0:
        raise ValueError(f"head must lie in (0, 1], not {head}")
    shown = rows[checked_lists(rows, len(popularity))]
    if not len(shown):
        return float("nan")
    is_head = np.zeros(len(popularity), bool)
    is_head[np.argsort(-popularity.astype(np.float64), kind="stable")[: max(1, round(head * len(popularity)))]] = True
    return float(is_head[shown].mean())


def exposure_by_group(rows: Ints, codes: Ints, n_groups: int) -> Float64s:
    """Share of the attention that each group of items gets.

    An item at position p gets `1 / log2(1 + p)`, as in discounted cumulative gain.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        codes: Group of each item in [0, n_groups), -1 for an item of none; shape `(N,)`.
        n_groups: Number of groups.

    Returns:
        Shares of the attention that items with a group get, summing to 1; all 0 where there is none; shape
        `(n_groups,)`.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or a code lies outside its range.

    Source:
        Singh & Joachims (2018), Fairness of Exposure in Rankings.
    """
    checked_codes(codes, n_groups)
    shown = checked_lists(rows, len(codes))
    attention = np.broadcast_to(1 / np.log2(np.arange(rows.shape[1]) + 2), rows.shape)[shown]
    groups = codes[rows[shown]]
    has_group = groups >= 0
    sums = np.bincount(groups[has_group], attention[has_group], minlength=n_groups)
    total = sums.sum()
    return sums.astype(np.float64) / (total if total > 0 else 1.0)


def exposure_gap(exposure: Floats, merit: Floats) -> float:
    """Share of the attention that would have to change hands for every group to get what it merits.

    Args:
        exposure: Each group's share of attention, summing to 1; shape `(G,)`.
        merit: Each group's share of what users chose, summing to 1; shape `(G,)`.

    Returns:
        Half the sum of differences, from 0 (each gets its due) to 1.

    Raises:
        ValueError: Shapes disagree, or shares are below 0.
    """
    _check_shares(exposure, merit)
    return float(np.abs(exposure.astype(np.float64) - merit).sum() / 2)


def least_exposure_ratio(exposure: Floats, merit: Floats, *, least_merit: float = 0.01) -> float:
    """The exposure, relative to its merit, of the group that is worst off.

    Args:
        exposure: Each group's share of attention, summing to 1; shape `(G,)`.
        merit: Each group's share of what users chose, summing to 1; shape `(G,)`.
        least_merit: Groups of less merit are left out: one lucky sale is no merit yet.

    Returns:
        At least 0; 1 where the worst off gets its due; NaN where no group has so much merit.

    Raises:
        ValueError: Shapes disagree, or shares are below 0.

    Source:
        Singh & Joachims (2018), Fairness of Exposure in Rankings: disparate treatment, as a ratio to merit.
    """
    _check_shares(exposure, merit)
    counts = (merit >= least_merit) & (merit > 0)
    return float((exposure[counts] / merit[counts]).min()) if counts.any() else float("nan")


def group_entropy(rows: Ints, codes: Ints, n_groups: int) -> Float64s:
    """How many groups a list mixes: the entropy of its items' groups, in bits.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        codes: Group of each item in [0, n_groups), -1 for an item of none, which is left out; shape `(N,)`.
        n_groups: Number of groups.

    Returns:
        0 where all are of one group, up to `log2` of the number of items; shape `(B,)`; NaN for a list without groups.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or a code lies outside its range.
    """
    checked_codes(codes, n_groups)
    shown = checked_lists(rows, len(codes))
    groups = np.where(shown, codes[np.where(shown, rows, 0)] if len(codes) else -1, -1)
    found = np.full(len(rows), np.nan)
    if not groups.size:
        return found
    ordered = np.sort(groups, axis=1)
    n_grouped = np.count_nonzero(ordered >= 0, axis=1)
    # Entropy is log n less the mean over items of the logarithm of how many share their group.
    same = (ordered[:, :, None] == ordered[:, None, :]).sum(axis=2)
    logarithms = np.where(ordered >= 0, np.log2(same), 0.0).sum(axis=1)
    has_any = n_grouped > 0
    found[has_any] = np.log2(n_grouped[has_any]) - logarithms[has_any] / n_grouped[has_any]
    return np.maximum(found, 0.0)


def miscalibration(mixes: Floats, targets: Floats, *, smoothing: float = 0.01) -> Float64s:
    """How far lists' mixes of categories are from what users turned to: the divergence, in nats.

    Args:
        mixes: Each list's shares of categories, summing to 1; shape `(B, C)`.
        targets: Each user's, summing to 1, all 0 for a user of whom nothing is known; shape `(B, C)`.
        smoothing: Share of the user's mix that is added to the list's, so that the divergence is finite, in (0, 1).

    Returns:
        `KL(target || mix)`, at least 0, at most `-log(smoothing)`; NaN where nothing is known; shape `(B,)`.

    Raises:
        ValueError: Shapes disagree, shares are below 0, or `smoothing` lies outside its range.

    Source:
        Steck (2018), Calibrated Recommendations.
    """
    _check_shares(mixes, targets)
    if not 0.0 < smoothing < 1.0:
        raise ValueError(f"smoothing must lie in (0, 1), not {smoothing}")
    wanted = targets.astype(np.float64)
    smoothed = (1 - smoothing) * mixes.astype(np.float64) + smoothing * wanted
    ratio = np.divide(wanted, smoothed, out=np.ones_like(wanted), where=wanted > 0)
    return np.where(wanted.any(axis=1), (wanted * np.log(ratio)).sum(axis=1), np.nan)


def checked_codes(codes: Ints, n_groups: int) -> None:
    """Refuse codes that name no group.

    Raises:
        ValueError: a code lies outside [-1, n_groups), or `codes` is no list of integers.
    """
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"codes must be a list of integers, not {codes.dtype} in {codes.ndim} dimensions")
    if codes.size and (int(codes.min()) < -1 or int(codes.max()) >= n_groups):
        raise ValueError(f"codes reach from {codes.min()} to {codes.max()}; they must lie in [-1, {n_groups})")


def _check_shares(a: Floats, b: Floats) -> None:
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} disagree")
    if (a < 0).any() or (b < 0).any():
        raise ValueError("a share lies below 0")
