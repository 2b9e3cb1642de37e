"""What shown lists are like beyond accuracy: how much of the catalogue they use, how varied, how popular.

A list is a row of catalogue rows, padded with -1 where it is shorter than k. Padding shows nothing and counts
nowhere.
"""

import numpy as np

from shelfwise.metrics.arrays import Bools, Float64s, Floats, Ints, row_blocks


def coverage(rows: Ints, n_items: int) -> float:
    """Share of the catalogue that is shown at least once.

    Args:
        rows: Lists of catalogue rows in [0, n_items), -1 for no item; shape `(B, k)`.
        n_items: Size of the catalogue, at least 1.

    Returns:
        Share in [0, 1].

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or `n_items` is below 1.

    Source:
        Ge, Delgado-Battenfeld & Jannach (2010), Beyond Accuracy: catalogue coverage.
    """
    return np.count_nonzero(_exposures(rows, n_items)) / n_items


def gini(rows: Ints, n_items: int) -> float:
    """Inequality of how often each item of the whole catalogue is shown.

    Half the mean absolute difference of two items' exposures, relative to the mean exposure. Items never
    shown belong to the comparison.

    Args:
        rows: Lists of catalogue rows in [0, n_items), -1 for no item; shape `(B, k)`.
        n_items: Size of the catalogue, at least 1.

    Returns:
        0 where all items are shown equally often, up to `1 - 1 / n_items` where one item takes every place. 0
        as well where nothing is shown at all: read it next to `coverage`.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or `n_items` is below 1.

    Source:
        Fleder & Hosanagar (2009), Blockbuster Culture's Next Rise or Fall; over items instead of sales.

    Examples:
        >>> gini(np.array([[0, 1], [2, 3]]), n_items=4), gini(np.array([[0], [0]]), n_items=4)
        (0.0, 0.75)
    """
    exposures = np.sort(_exposures(rows, n_items))
    total = int(exposures.sum())
    if total == 0:
        return 0.0
    # A pair differs by its larger member less its smaller one, which adds the i-th smallest 2i - n - 1 times.
    balance = 2 * np.arange(1, n_items + 1) - n_items - 1
    return int(balance @ exposures) / (n_items * total)


def intra_list_distance(rows: Ints, vectors: Floats) -> Float64s:
    """Mean cosine distance between two items of a list.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        vectors: One vector an item, of any length; a zero one has distance 1 to everything; shape `(N, D)`.

    Returns:
        Mean of `1 - cosine` over the pairs of each list, in [0, 2], 1 for unrelated items; shape `(B,)`. NaN
        for a list of fewer than two items.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, `vectors` is not a table, or a shown item's
            vector is not finite.

    Cost:
        O(B k D) time; memory for a few million numbers at a time.

    Source:
        Ziegler et al. (2005), Improving Recommendation Lists Through Topic Diversification, as a mean of
        distances.
    """
    if vectors.ndim != 2:
        raise ValueError(f"vectors have {vectors.ndim} dimensions; a table of items by coordinates has 2")
    shown = checked_lists(rows, len(vectors))
    distances = np.full(len(rows), np.nan)
    for lists in row_blocks(len(rows), rows.shape[1] * vectors.shape[1]):
        is_item = shown[lists]
        directions = np.zeros((*is_item.shape, vectors.shape[1]))  # (b, k, D); padding stays zero
        directions[is_item] = _directions(vectors[rows[lists][is_item]])
        # The squared length of a sum holds every pair's cosine twice, and each vector's own once.
        squared = np.square(directions).sum(axis=(1, 2))
        cosines = (np.square(directions.sum(axis=1)).sum(axis=1) - squared) / 2.0
        n_shown = np.count_nonzero(is_item, axis=1)
        n_pairs = n_shown * (n_shown - 1) / 2.0
        mean_cosine = np.divide(cosines, n_pairs, out=np.full(len(n_pairs), np.nan), where=n_pairs > 0)
        distances[lists] = np.clip(1.0 - mean_cosine, 0.0, 2.0)
    return distances


def popularity_share(popularity: Ints | Floats) -> Float64s:
    """Share of all events that each item received, smoothed by one event an item.

    Args:
        popularity: Number of training events, or of users, that touched each item, at least 0; shape `(N,)`.

    Returns:
        `(popularity + 1) / (sum(popularity) + N)`: above 0 for every item, summing to 1; shape `(N,)`.

    Raises:
        ValueError: `popularity` is not one finite number an item, or one is below 0.
    """
    checked_popularity(popularity)
    return (popularity + 1.0) / (popularity.sum(dtype=np.float64) + len(popularity))


def novelty(rows: Ints, popularity: Ints | Floats) -> Float64s:
    """Mean self-information of a list's items: how unlikely it is to have come across them anyway.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        popularity: Number of training events, or of users, that touched each item, at least 0; shape `(N,)`.

    Returns:
        Mean of `-log2(popularity_share)` over each list, in bits, higher for rarer items; shape `(B,)`. NaN
        for an empty list.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or `popularity` is not one count an item.

    Source:
        Zhou et al. (2010), Solving the Apparent Diversity-Accuracy Dilemma: with the share of events instead
        of users, smoothed, so that an item without events is finite.
    """
    return _list_means(rows, -np.log2(popularity_share(popularity)))


def average_popularity(rows: Ints, popularity: Ints | Floats) -> Float64s:
    """Mean popularity of a list's items, in the unit that it is given in.

    Args:
        rows: Lists of catalogue rows in [0, N), -1 for no item; shape `(B, k)`.
        popularity: Count or share of each item, at least 0; shape `(N,)`.

    Returns:
        Mean over each list, shape `(B,)`. NaN for an empty list.

    Raises:
        ValueError: `rows` is not a table of catalogue rows, or `popularity` is not one number an item.

    Source:
        Yin et al. (2012), Challenging the Long Tail Recommendation: average recommendation popularity.
    """
    checked_popularity(popularity)
    return _list_means(rows, popularity.astype(np.float64))


def _list_means(rows: Ints, item_values: Float64s) -> Float64s:
    shown = checked_lists(rows, len(item_values))
    values = np.zeros(rows.shape)
    values[shown] = item_values[rows[shown]]
    n_shown = np.count_nonzero(shown, axis=1)
    return np.divide(values.sum(axis=1), n_shown, out=np.full(len(rows), np.nan), where=n_shown > 0)


def _exposures(rows: Ints, n_items: int) -> Ints:
    if n_items < 1:
        raise ValueError(f"n_items must be at least 1, not {n_items}")
    return np.bincount(rows[checked_lists(rows, n_items)], minlength=n_items)


def _directions(vectors: Floats) -> Float64s:
    """Scale vectors to unit length; zero ones stay zero."""
    if not np.isfinite(vectors).all():
        raise ValueError("a shown item's vector holds NaN or infinity")
    wide = vectors.astype(np.float64)
    # Largest coordinate first, so that no square over- or underflows.
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0.0)
    wide /= np.where(largest > 0.0, largest, 1.0)
    length = np.linalg.norm(wide, axis=1, keepdims=True)
    return wide / np.where(length > 0.0, length, 1.0)


def checked_popularity(popularity: Ints | Floats) -> None:
    """Refuse what is not one count an item.

    Raises:
        ValueError: it is not.
    """
    if popularity.ndim != 1:
        raise ValueError(f"popularity has {popularity.ndim} dimensions; one number an item has 1")
    if not (np.isfinite(popularity).all() and (popularity >= 0).all()):
        raise ValueError("popularity must be finite and at least 0")


def checked_lists(rows: Ints, n_items: int) -> Bools:
    """Where lists hold an item instead of padding; shape as the lists'.

    Raises:
        ValueError: `rows` is not a table of catalogue rows.
    """
    if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.integer):
        raise ValueError(f"rows must be a table of integers, not {rows.dtype} in {rows.ndim} dimensions")
    if rows.size and (int(rows.min()) < -1 or int(rows.max()) >= n_items):
        raise ValueError(
            f"rows reach from {rows.min()} to {rows.max()}; they must lie in [0, {n_items}), or be -1 for no item"
        )
    return rows >= 0
