"""Names for themes: the words that set a group of like texts apart from the rest of the catalogue."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

N_WORDS = 3
MIN_CARRIERS = 3
"""Items of a theme that carry a word before it may name the theme."""

DOUBT = 5.0
"""Items added to a word's carriers in the catalogue, so that a rare word does not name a theme by chance."""

# Two letters of Chinese or Japanese are a word already.
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u9fff]{2}")


def theme_names(titles: Sequence[str | None], codes: npt.NDArray[np.int32], n_themes: int) -> list[str]:
    """A name for every theme, such as `candle · holder · glass`; its number where no word sets it apart.

    A word speaks for a theme by how many of its items carry it, times the logarithm of how much more frequent it is
    there than in the whole catalogue.

    Args:
        titles: Of the items.
        codes: Each item's theme, negative without one; at least as many as titles.
        n_themes: How many there are.

    Cost:
        Some 4 µs a title.
    """
    carriers: Counter[str] = Counter()
    of_theme: list[Counter[str]] = [Counter() for _ in range(n_themes)]
    sizes = [0] * n_themes
    n_titles = 0
    for title, code in zip(titles, codes.tolist(), strict=False):
        words = set(_WORD.findall((title or "").lower()))
        n_titles += bool(words)
        carriers.update(words)
        if code >= 0:
            of_theme[code].update(words)
            sizes[code] += 1
    return [
        " · ".join(_telling(words, carriers, sizes[number], n_titles)) or f"theme {number + 1}"
        for number, words in enumerate(of_theme)
    ]


def _telling(words: Counter[str], carriers: Counter[str], size: int, n_titles: int) -> list[str]:
    def weight(word: str) -> float:
        here = words[word] / max(size, 1)
        everywhere = (carriers[word] + DOUBT) / max(n_titles + DOUBT, 1)
        return words[word] * math.log(here / everywhere)

    candidates = [word for word, n in words.items() if n >= MIN_CARRIERS and weight(word) > 0]
    return sorted(candidates, key=lambda word: (-weight(word), word))[:N_WORDS]
