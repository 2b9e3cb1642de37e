"""The app: the API with the pages beside it."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from shelfwise.console import page_routes, session_routes, static_routes
from shelfwise.console.page_problems import PageProblems
from shelfwise.console.rendering import Renderer
from shelfwise.console.static_files import StaticFiles
from shelfwise.console.storefront import pages as storefront
from shelfwise.serve.app import create_app as create_api

PAGES = ("/", "/console", "/shop")
"""Where pages are: their routes say themselves what somebody without a session sees."""


def create_app(shop_folder: Path) -> FastAPI:
    """The API of the shop in a folder, and the console.

    Raises:
        ConfigError: the folder holds no shop, or the API key in the environment is too weak.
    """
    app = create_api(shop_folder, pages=PAGES)
    files = StaticFiles.of_package()
    app.state.static_files, app.state.renderer = files, Renderer(files, shop_folder.resolve().name)
    for module in (static_routes, session_routes, page_routes, storefront):
        app.include_router(module.router, include_in_schema=False)
    app.add_middleware(PageProblems)
    return app
