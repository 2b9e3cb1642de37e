"""The pages: shown to who signed in with an administrator's key; who did not is sent to sign in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from shelfwise.console.headers import OF_PAGES
from shelfwise.console.pages import CONSOLE, PAGES, SIGN_IN, Page
from shelfwise.console.rendering import Renderer
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve.callers import CALLER, Caller, GuardedRoute, needs

router = APIRouter(route_class=GuardedRoute)


def may_enter(request: Request) -> bool:
    """Whether who asks may see the console."""
    caller: Caller | None = request.scope.get(CALLER)
    return caller is not None and KeyScope.ADMIN in caller.scopes


def next_path(wanted: str | None) -> str:
    """Where to go after signing in: a page of this console, whatever else is asked for.

    Examples:
        >>> next_path("/console/users?id=7"), next_path("//elsewhere.example"), next_path(None)
        ('/console/users?id=7', '/console', '/console')
    """
    if wanted and "\\" not in wanted and wanted.isprintable() and wanted.split("?")[0] in _PATHS:
        return wanted
    return CONSOLE


_PATHS = frozenset(page.path for page in PAGES)


def _shown(page: Page) -> Callable[[Request], Awaitable[Response]]:
    @needs(anybody=True)
    async def get_page(request: Request) -> Response:
        renderer: Renderer = request.app.state.renderer
        if page.needs_session and not may_enter(request):
            asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            address = f"{SIGN_IN.path}?next={quote(asked, safe='')}"
            return RedirectResponse(address, 303, headers=dict(OF_PAGES))
        wanted = next_path(request.query_params.get("next"))
        if page is SIGN_IN and may_enter(request):
            return RedirectResponse(wanted, 303, headers=dict(OF_PAGES))
        return renderer.page(page, request, next_path=wanted)

    return get_page


for _page in PAGES:
    router.add_api_route(_page.path, _shown(_page), methods=["GET"], name=_page.name)


@router.get("/", name="home")
@needs(anybody=True)
async def get_home() -> Response:
    """The console is what somebody looks for who only knows the server's address."""
    return RedirectResponse(CONSOLE, 303)
