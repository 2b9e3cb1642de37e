"""The pages of the shop: one frame for all of them, and the script of each view that fills it.

A page gets a browser key of its own and nothing else: it makes a visitor, asks as that visitor and tells as that
visitor what was done, like the pages of any shop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from jinja2.utils import htmlsafe_json_dumps

from shelfwise.console.headers import OF_PAGES
from shelfwise.console.pages import Page
from shelfwise.console.rendering import Renderer
from shelfwise.console.storefront.other_shop import is_open
from shelfwise.errors import UnknownError
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.service import Opening

router = APIRouter(route_class=GuardedRoute)

SHOP = "/shop"
PAGE = Page("storefront/shop", SHOP, is_listed=False, needs_session=False)

VIEWS = {
    "home": SHOP,
    "category": f"{SHOP}/category",
    "item": f"{SHOP}/item",
    "search": f"{SHOP}/search",
    "cart": f"{SHOP}/cart",
    "checkout": f"{SHOP}/checkout",
}
"""What a page shows, and where."""


def _shown(view: str) -> Callable[[Request], Awaitable[Response]]:
    @needs(anybody=True)
    async def get_view(request: Request) -> Response:
        opening: Opening = request.app.state.opening
        renderer: Renderer = request.app.state.renderer
        shop = opening.storefront
        if not shop.enabled:
            raise _closed()
        found, scenarios = opening.keyring().storefront, opening.service().scenarios
        if found is None:
            raise _closed()
        told = {"name": shop.name, "about": shop.about, "key": found.key, "scenarios": scenarios}
        return renderer.page(
            PAGE,
            request,
            view=view,
            shop=shop,
            key=found.key,
            shop_json=htmlsafe_json_dumps(told, ensure_ascii=False),
        )

    return get_view


for _view, _path in VIEWS.items():
    router.add_api_route(_path, _shown(_view), methods=["GET"], name=f"shop-{_view}")


@router.get(f"{SHOP}/other", name="shop-other")
@needs(anybody=True)
async def get_other(request: Request) -> Response:
    """Whether the other shop that the pages lead to is open yet."""
    opening: Opening = request.app.state.opening
    if not opening.storefront.enabled or not opening.storefront.other_url:
        raise _closed()
    return JSONResponse({"ready": await is_open(opening.storefront.other_url)}, headers=dict(OF_PAGES))


def _closed() -> UnknownError:
    return UnknownError(
        "this shop has no pages of its own",
        hint="set `enabled = true` in [storefront] of shop.toml, and start the server again",
        code="no_storefront",
    )
