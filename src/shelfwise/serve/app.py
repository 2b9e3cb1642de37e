"""The app: routes, and what stands around them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

from fastapi import FastAPI
from fastapi.middleware.gzip import GZipMiddleware

from shelfwise.serve import (
    audit,
    catalogue_warnings,
    client_script,
    documentation,
    event_checks,
    events,
    health,
    import_routes,
    insight,
    item_insight,
    items,
    key_routes,
    map_routes,
    measure_routes,
    model_details,
    model_routes,
    own_data,
    people_routes,
    picture_routes,
    playground,
    problems,
    quarantine_routes,
    recommend,
    rule_editing,
    rules,
    scenarios,
    search,
    shelves,
    slates,
    training_routes,
    users,
    visitor_routes,
)
from shelfwise.serve.access import Access
from shelfwise.serve.bodies import BodyLimit
from shelfwise.serve.item_paths import KeepEncoded
from shelfwise.serve.keys import key_from_environment
from shelfwise.serve.measured import Measured
from shelfwise.serve.measures import Measures
from shelfwise.serve.pace import Pace
from shelfwise.serve.problems import NoInternals
from shelfwise.serve.service import Opening
from shelfwise.serve.traces import traces_of

DESCRIPTION = """Recommendations that follow every event.

Errors are RFC 9457 problem documents with a stable `code`."""

MIN_GZIP_BYTES = 16_384
"""Shorter answers go out as they are: packing a usual slate would cost more than answering it."""

GZIP_LEVEL = 1


def create_app(shop_folder: Path, pages: tuple[str, ...] = ()) -> FastAPI:
    """The JSON API of the shop in a folder.

    The model is loaded once the app has started, while health already answers.

    Args:
        shop_folder: With `shop.toml`.
        pages: Paths of web pages that are put beside the API, as in `/console`: their routes, and those below, are
            asked even where nobody proved who asks.

    Raises:
        ConfigError: the folder holds no shop, or the API key in the environment is too weak.
    """
    key = key_from_environment()
    measures = Measures()
    opening = Opening(shop_folder, key, measures)
    traces = traces_of(opening.spec)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        opening.start()
        yield
        await opening.close()
        if traces is not None:
            await asyncio.to_thread(traces.close)

    app = FastAPI(
        title="Shelfwise",
        version=_version(),
        description=DESCRIPTION,
        openapi_url="/v1/openapi.json",
        docs_url=None,  # the pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        responses=documentation.problems(401, 403, 414, 429, 431, 500, 503),
    )
    app.state.opening, app.state.measures = opening, measures
    for first in (recommend.quick, events.router):  # nearly all requests are theirs
        app.include_router(first, prefix="/v1")
    # Before `items`: the paths /items/{id}/similar and the like are also those of items.
    for module in (
        health,
        recommend,
        picture_routes,
        item_insight,
        catalogue_warnings,
        event_checks,
        items,
        import_routes,
        quarantine_routes,
        rules,
        scenarios,
        playground,
        rule_editing,
        slates,
        model_details,  # before `model_routes`: its path /models/compare is none of a version
        model_routes,
        training_routes,
        map_routes,
        search,
        shelves,
        users,
        people_routes,
        visitor_routes,
        own_data,
        key_routes,
        audit,
        insight,
        client_script,
    ):
        app.include_router(module.router, prefix="/v1")
    app.include_router(measure_routes.router)
    problems.install(app)
    documentation.install(app)
    # The last one added is the outermost.
    app.add_middleware(GZipMiddleware, minimum_size=MIN_GZIP_BYTES, compresslevel=GZIP_LEVEL)
    app.add_middleware(KeepEncoded)
    app.add_middleware(BodyLimit)
    app.add_middleware(Pace, spec=opening.spec, measures=measures)
    app.add_middleware(Access, opening=opening, pages=pages)
    app.add_middleware(NoInternals)
    app.add_middleware(Measured, measures=measures, logs=opening.spec.log_requests, traces=traces)
    return app


def _version() -> str:
    try:
        return metadata.version("shelfwise")
    except metadata.PackageNotFoundError:
        return "0"
