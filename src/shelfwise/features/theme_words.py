"""What a theme is about, in the words of its items' titles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import numpy.typing as npt

N_WORDS = 3
LEAST_LETTERS = 3
_WORD = re.compile(rf"[^\W\d_]{{{LEAST_LETTERS},}}")


def theme_words(titles: Iterable[str | None], codes: npt.NDArray, n_themes: int) -> list[str]:
    """Name each theme by the words that stand in its titles much oftener than in others.

    Args:
        titles: Of the items.
        codes: Number of each item's theme, below 0 for none; shape `(n,)`.
        n_themes: Themes.

    Returns:
        Per theme up to three words, the most telling first, such as `candle, holder, glass`; `theme 4` where titles
        hold no words.
    """
    within = [Counter[str]() for _ in range(n_themes)]
    overall: Counter[str] = Counter()
    for title, code in zip(titles, codes.tolist(), strict=True):
        if code >= 0 and title:
            words = set(_WORD.findall(title.lower()))
            within[code].update(words)
            overall.update(words)
    return [_told(counts, overall) or f"theme {number + 1}" for number, counts in enumerate(within)]


def _told(counts: Counter[str], overall: Counter[str]) -> str:
    # How many of the theme's titles have the word, times how far the word is the theme's own.
    telling = sorted(counts, key=lambda word: (-counts[word] * counts[word] / overall[word], word))
    chosen: list[str] = []
    for word in telling:
        if not any(word in (f"{other}s", other.removesuffix("s")) for other in chosen):
            chosen.append(word)
        if len(chosen) == N_WORDS:
            break
    return ", ".join(chosen)
