"""Pages made of templates: everything that is put into one is escaped."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import BaseLoader, ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps

from shelfwise.console.headers import OF_PAGES
from shelfwise.console.languages import LANGUAGES, NAMES, TAGS, texts
from shelfwise.console.pages import CONSOLE, PAGES, Page
from shelfwise.console.parts import FOLDERS
from shelfwise.console.preferences import THEMES, Preferences
from shelfwise.console.static_files import StaticFiles
from shelfwise.serve.callers import CALLER, LOCAL, SESSION, Caller
from shelfwise.serve.keyring import Keyring

GZIP_LEVEL = 5


class Renderer:
    """Makes pages.

    Args:
        files: What they load.
        shop_name: As the shop's folder is called.
    """

    def __init__(self, files: StaticFiles, shop_name: str) -> None:
        self._files, self._shop_name = files, shop_name
        self._environment = Environment(
            loader=_loader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )

    def page(self, page: Page, request: Request, *, status: int = 200, **more: Any) -> Response:
        """A page as an answer.

        Args:
            page: Which.
            request: Who asks, and how they like pages.
            status: HTTP status.
            more: What its template knows further.
        """
        likes = Preferences.of(request)
        of_page = texts(page.name, likes.language)
        caller: Caller | None = request.scope.get(CALLER)
        content = self._environment.get_template(page.template).render(
            page=page,
            pages=[one for one in PAGES if one.is_listed],
            shop_name=self._shop_name,
            caller=caller,
            is_signed_in=caller is not None and caller is not LOCAL,
            csrf_token=_csrf_token(request),
            language=likes.language,
            language_tag=TAGS[likes.language],
            languages={name: NAMES[name] for name in LANGUAGES},
            theme=likes.theme,
            themes=THEMES,
            home=CONSOLE,
            t=_told(of_page),
            texts_json=htmlsafe_json_dumps(dict(of_page), ensure_ascii=False),
            static=self._files.address,
            has_static=self._files.__contains__,
            **more,
        )
        headers = dict(OF_PAGES)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return HTMLResponse(content, status, headers=headers)
        # The API packs large answers only; a page is text, and waited for.
        headers["Content-Encoding"] = "gzip"
        return HTMLResponse(gzip.compress(content.encode(), GZIP_LEVEL), status, headers=headers)


def _loader() -> BaseLoader:
    by_beginning = {name: FileSystemLoader(folder / "templates") for name, folder in FOLDERS.items()}
    own = by_beginning.pop("")
    return ChoiceLoader([PrefixLoader(by_beginning), own])


def _told(of_page: Mapping[str, str]) -> Callable[..., str]:
    def told(key: str, **values: object) -> str:
        found = of_page[key]
        return found.format(**values) if values else found

    return told


def _csrf_token(request: Request) -> str:
    session = request.scope.get(SESSION)
    if session is None:
        return ""
    keyring: Keyring = request.app.state.opening.keyring()
    opened = keyring.sessions
    return "" if opened is None else opened.csrf_token(session)
