"""What a browser remembers of how somebody likes pages: language and theme, in cookies that scripts set."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from shelfwise.console.languages import LANGUAGES, Language, preferred

LANGUAGE_COOKIE = "shelfwise-language"
THEME_COOKIE = "shelfwise-theme"

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Preferences:
    """How pages are shown.

    Attributes:
        language: Of their texts.
        theme: `auto` follows the system's.
    """

    language: Language
    theme: str

    @classmethod
    def of(cls, request: Request) -> Preferences:
        """Those of who asks: the cookies', else what the browser prefers."""
        language, theme = request.cookies.get(LANGUAGE_COOKIE), request.cookies.get(THEME_COOKIE)
        if language not in LANGUAGES:
            language = preferred(request.headers.get("accept-language", ""))
        return cls(language, theme if theme in THEMES else "auto")
