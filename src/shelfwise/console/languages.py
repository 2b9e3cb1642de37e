"""Texts in the languages of the console.

A text stands in `texts/<page>.toml`, once in each language:

    title = { en = "Users", zh = "用户" }
    found = { en = "{count} users found", zh = "找到 {count} 位用户" }

Tables group texts: `title` in `[filters]` is called `filters.title`. Where English tells one from many, a text has two
entries, `found.one` and `found.other`; scripts choose between them by the number.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, cast

from shelfwise.console.parts import located

Language = Literal["en", "zh"]

LANGUAGES: tuple[Language, ...] = ("en", "zh")
TAGS: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}
"""As pages declare them (BCP 47)."""

NAMES: Mapping[Language, str] = {"en": "English", "zh": "中文"}

SHARED = "shared"
"""The texts that all pages use."""


def preferred(accepted: str) -> Language:
    """The language that a browser would rather have, by its `Accept-Language`.

    Examples:
        >>> preferred("de, zh-TW;q=0.8, en;q=0.5"), preferred("fr"), preferred("zh;q=0")
        ('zh', 'en', 'en')
    """
    best: Language = "en"
    best_weight = 0.0
    for part in accepted.split(","):
        tag, _, parameters = part.strip().partition(";")
        primary = tag.split("-")[0].lower()
        weight = _weight(parameters)
        if primary in LANGUAGES and weight > best_weight:
            best, best_weight = primary, weight
    return best


@cache
def texts(name: str, language: Language) -> Mapping[str, str]:
    """All texts of a page in one language, the shared ones included, by key.

    Args:
        name: Of the page, as in `users` or `storefront/cart`.
        language: One of `LANGUAGES`.
    """
    found = dict(read(SHARED))
    found.update(read(name))
    return MappingProxyType({key: of_language[language] for key, of_language in found.items()})


@cache
def read(name: str) -> Mapping[str, Mapping[str, str]]:
    """The texts of one file: by key, then by language."""
    document = tomllib.loads(located("texts", f"{name}.toml").read_text(encoding="utf-8"))
    return MappingProxyType(dict(_flat(document, "")))


def _flat(table: Mapping[str, Any], prefix: str) -> list[tuple[str, Mapping[str, str]]]:
    found: list[tuple[str, Mapping[str, str]]] = []
    for name, value in table.items():
        if not isinstance(value, dict):
            raise ValueError(f"{prefix}{name} is neither a text nor a group of texts")
        entry = cast("dict[str, Any]", value)
        if all(isinstance(one, str) for one in entry.values()):
            found.append((f"{prefix}{name}", cast("dict[str, str]", entry)))
        else:
            found.extend(_flat(entry, f"{prefix}{name}."))
    return found


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
