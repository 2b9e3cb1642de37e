"""What one server process holds: the shop's records, its model in service, and the one writer."""

from __future__ import annotations

import asyncio
import logging
import time
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from shelfwise.config.load import load as load_config
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError, ShelfwiseError, StateError
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.queries import Query, Slate
from shelfwise.serve.live_items import LiveItems
from shelfwise.serve.model_in_service import ModelInService
from shelfwise.serve.slate_writer import SlateWriter
from shelfwise.serve.writer import Writer
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

log = logging.getLogger("shelfwise.serve")

PATIENCE_S = 0.05
"""How long an answer may wait for the vector of a profile that came after training; the next one will have it."""

LOOK_EVERY_S = 0.25
"""How often the store is asked for what other processes did, where no request asks first."""

PAUSE_S = 5.0
"""After the store refused."""


class Service:
    """Everything that requests need. What changes it runs on the event loop: one change at a time."""

    def __init__(self, records: Records, models: ModelInService, config: ShopConfig) -> None:
        self.records = records
        self.models = models
        self.writer = Writer(records)
        self._scenarios = list(config.scenarios)
        self._slates = SlateWriter(self.writer, config.serve.slates_kept_d) if config.serve.log_slates else None
        self._items = LiveItems()
        self._follower: asyncio.Task[None] | None = None

    @classmethod
    def open(cls, folder: Path, config: ShopConfig) -> Service:
        """Open the shop in a folder; without a model, events and items are stored and nothing is recommended.

        Cost:
            Half a second, and what encoding takes for items that came after the model was trained.
        """
        records = Records.open(config.store.records, folder)
        models = ModelInService(Versions(folder / config.store.models), records, patience_s=PATIENCE_S)
        models.open()
        return cls(records, models, config)

    def start(self) -> None:
        """Follow what other processes store, and the version in service, from now on."""
        self._follower = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Finish what was acknowledged or is about to be, and close the store."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.gather(self._follower, return_exceptions=True)
        if self._slates is not None:
            await self._slates.close()
        await self.writer.close()
        self.records.close()

    @property
    def recommender(self) -> Recommender:
        """The model in service.

        Raises:
            StateError: nothing was trained yet.
        """
        found = self.models.recommender
        if found is None:
            raise StateError(
                "this shop has no model yet",
                hint="run `shelfwise train`: this server takes up what it makes",
                code="no_model",
            )
        return found

    def answer(self, query: Query) -> Slate:
        """Answer a query; the answer is kept for later, where the shop keeps answers."""
        recommender = self.recommender
        found = recommender.answer(query)
        if self._slates is not None and len(found.rows):
            self._slates.put(found, query)
            recommender.shown.add(found.rows)
        return found.slate

    @property
    def scenarios(self) -> list[str]:
        """Places of the shop, as the model in service knows them."""
        return list(self.recommender.model.config.scenarios) if self.has_model else self._scenarios

    @property
    def has_model(self) -> bool:
        """Whether anything was trained."""
        return self.models.recommender is not None

    def now_ms(self) -> int:
        """The shop's time."""
        return self.recommender.clock.now_ms() if self.has_model else int(time.time() * 1_000)

    @property
    def has_clock(self) -> bool:
        """Whether the shop's timestamps are moments."""
        return self.recommender.model.funnel.has_clock if self.has_model else True

    async def take_up(self) -> None:
        """Bring what is stored into the model: when this returns, it is part of every answer of this process.

        Other processes see it with their next request, and have encoded it a moment later.
        """
        if not self.has_model:
            return
        live = self.recommender.live
        while live.follow():
            await asyncio.sleep(0)  # queries go first
        await self._items.encode(live)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.models.follow()
                await self.take_up()
            except ServiceError as error:
                log.warning("the store cannot be followed: %s", error.found)
                await asyncio.sleep(PAUSE_S)
            except Exception as error:
                log.error("the store cannot be followed", exc_info=error)
                await asyncio.sleep(PAUSE_S)


class Opening:
    """The service: while it is being opened, when it is open, or why it could not be."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._config = load_config(folder)
        self._service: Service | None = None
        self._failure: ShelfwiseError | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on a thread: a large catalogue takes a while, and a supervisor wants to hear of us."""
        self._task = asyncio.create_task(self._open())

    async def _open(self) -> None:
        started = time.perf_counter()
        try:
            self._service = await asyncio.to_thread(Service.open, self._folder, self._config)
            self._service.start()
            log.info("ready after %.1f s", time.perf_counter() - started)
        except ShelfwiseError as error:
            log.error("the shop cannot be opened: %s", error)
            self._failure = error
        except Exception as error:
            log.error("the shop cannot be opened", exc_info=error)
            self._failure = ShelfwiseError("the shop cannot be opened")

    def service(self) -> Service:
        """The open service.

        Raises:
            ServiceError: it is not open yet, or could not be opened.
        """
        if self._service is not None:
            return self._service
        if self._failure is not None:
            raise ServiceError("the shop cannot be opened; the server's log says why", code="cannot_open")
        raise ServiceError("the server is loading its model", hint="ask again in a second", code="loading")

    async def close(self) -> None:
        """Close what was opened."""
        if self._task is not None:
            await self._task
        if self._service is not None:
            await self._service.close()


async def _current(request: Request) -> Service:
    opening: Opening = request.app.state.opening
    return opening.service()


Current = Annotated[Service, Depends(_current)]
"""The service as an endpoint's parameter; the request fails with 503 until there is one."""
