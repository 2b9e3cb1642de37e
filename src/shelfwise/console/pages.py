"""The pages of the console, in the order of its navigation.

A page called `users` consists of `templates/users.html`, `static/users.js`, where it needs more than the shared styles
`static/users.css`, and `texts/users.toml`. Adding one touches these files and one line here.
"""

from __future__ import annotations

from dataclasses import dataclass

CONSOLE = "/console"


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes:
        name: Of its files, and of its icon.
        path: Where it is.
        is_listed: Whether the navigation shows it.
        needs_session: Whether only people who signed in see it.
    """

    name: str
    path: str
    is_listed: bool = True
    needs_session: bool = True

    @property
    def template(self) -> str:
        """Its template."""
        return f"{self.name}.html"


OVERVIEW = Page("overview", CONSOLE)
SIGN_IN = Page("sign-in", f"{CONSOLE}/sign-in", is_listed=False, needs_session=False)
PROBLEM = Page("problem", f"{CONSOLE}/problem", is_listed=False, needs_session=False)
"""Stands in the place of a page that cannot be shown; it has no address of its own."""

PAGES = (
    OVERVIEW,
    Page("trends", f"{CONSOLE}/trends"),
    Page("playground", f"{CONSOLE}/playground"),
    Page("rules", f"{CONSOLE}/rules"),
    Page("users", f"{CONSOLE}/users"),
    Page("items", f"{CONSOLE}/items"),
    Page("map", f"{CONSOLE}/map"),
    Page("models", f"{CONSOLE}/models"),
    Page("data", f"{CONSOLE}/data"),
    SIGN_IN,
)
