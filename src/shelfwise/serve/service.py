"""What one server process holds: the shop's records, its model in service, and the one writer."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from shelfwise.config.load import load as load_config
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ServiceError, ShelfwiseError, StateError
from shelfwise.pipeline import model as models
from shelfwise.pipeline.erasure import Eraser, Receipt
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.queries import Query, Slate
from shelfwise.search.full_text import FullText
from shelfwise.serve.keyring import Keyring
from shelfwise.serve.live_items import LiveItems
from shelfwise.serve.search_opening import SearchOpening
from shelfwise.serve.slate_writer import SlateWriter
from shelfwise.serve.writer import Writer
from shelfwise.store.records import Records
from shelfwise.store.slate_log import LoggedSlate
from shelfwise.store.versions import Versions

log = logging.getLogger("shelfwise.serve")

PATIENCE_S = 0.05
"""How long an answer may wait for the vector of a profile that came after training; the next one will have it."""

MAX_REBUILT_BYTES = 1_000_000_000
"""A larger store is not rebuilt while it serves, since writers would wait for it."""


class Service:
    """Everything that requests need. What changes it runs on the event loop: one change at a time."""

    def __init__(self, records: Records, recommender: Recommender | None, config: ShopConfig) -> None:
        self.records, self.config = records, config
        self.versions = Versions(records.folder / config.store.models)
        scenarios = config.scenarios if recommender is None else recommender.model.config.scenarios
        self.scenarios = list(scenarios)
        self.writer = Writer(records)
        self._slates = SlateWriter(self.writer, config.serve.slates_kept_d) if config.serve.log_slates else None
        self._full_text = None if recommender is None else SearchOpening(records)
        self.items = LiveItems(recommender, self._full_text)
        self._recommender = recommender

    @classmethod
    def open(cls, folder: Path, config: ShopConfig, records: Records | None = None) -> Service:
        """Open the shop in a folder; without a model, events and items are stored and nothing is recommended.

        Args:
            folder: The shop's.
            config: The shop's.
            records: The shop's, where they are open already.

        Cost:
            Half a second, and what encoding takes for items that came after the model was trained.
        """
        records = records or Records.open(config.store.records, folder)
        try:
            version = Versions(folder / config.store.models).current()
        except StateError as error:
            log.warning("%s: nothing is recommended before `shelfwise train` and a restart", error.found)
            return cls(records, None, config)
        return cls(records, Recommender(models.load(version), records, patience_s=PATIENCE_S), config)

    async def close(self) -> None:
        """Finish what was acknowledged or is about to be, and close the store."""
        if self._full_text is not None:
            await self._full_text.close()
        if self._slates is not None:
            await self._slates.close()
        await self.writer.close()
        self.records.close()

    @property
    def recommender(self) -> Recommender:
        """The model in service.

        Raises:
            StateError: nothing was trained before the server started.
        """
        if self._recommender is None:
            raise _no_model()
        return self._recommender

    def answer(self, query: Query) -> Slate:
        """Answer a query; the answer is kept for later, where the shop keeps answers."""
        found = self.recommender.answer(query)
        if self._slates is not None and len(found.rows):
            self._slates.put(found, query)
            self.recommender.shown.add(found.rows)
        return found.slate

    def full_text(self) -> FullText:
        """The catalogue by its words.

        Raises:
            StateError: nothing was trained before the server started.
            ServiceError: the index is still being made.
        """
        if self._full_text is None:
            raise _no_model()
        return self._full_text.index()

    def make_index(self) -> None:
        """Begin to index the catalogue, beside the first answers."""
        if self._full_text is not None:
            self._full_text.start()

    def waiting_slate(self, slate_id: str) -> LoggedSlate | None:
        """An answer of this process that is not written down yet."""
        return None if self._slates is None else self._slates.find(slate_id)

    @property
    def has_model(self) -> bool:
        """Whether something was trained before the server started."""
        return self._recommender is not None

    def now_ms(self) -> int:
        """The shop's time."""
        return int(time.time() * 1_000) if self._recommender is None else self._recommender.clock.now_ms()

    @property
    def has_clock(self) -> bool:
        """Whether the shop's timestamps are moments."""
        return self._recommender is None or self._recommender.model.funnel.has_clock

    async def erase(self, user_id: str, actor: str) -> Receipt:
        """Erase somebody: unknown from the commit on, and without a trace when this returns.

        Raises:
            UnknownError: the shop knows nobody of that id.
            ServiceError: the store is held by other processes.
        """
        eraser = Eraser(self.records, self.config, self.records.folder)
        texts = await asyncio.to_thread(eraser.texts_of, user_id)
        erasure, rows = await self.writer.run(partial(eraser.erase_rows, user_id=user_id, actor=actor))
        if self._slates is not None:
            self._slates.forget(user_id)
        if self._recommender is not None:
            self._recommender.profiles.forget(texts)
        return await asyncio.to_thread(eraser.clean_up, texts, erasure, rows, MAX_REBUILT_BYTES)

    def observe(self, item_id: str, time_ms: int, user_id: str) -> None:
        """Tell the model of an event of interest that was stored."""
        if self._recommender is not None:
            self._recommender.live.observe(item_id, time_ms, user_id)


def _no_model() -> StateError:
    return StateError(
        "this shop had no model when the server started",
        hint="run `shelfwise train`, then start the server again",
        code="no_model",
    )


class Opening:
    """The service: while it is being opened, when it is open, or why it could not be."""

    def __init__(self, folder: Path, environment_key: str | None = None) -> None:
        self._folder = folder
        self._config = load_config(folder)
        self._environment_key = environment_key
        self._keyring: Keyring | None = None
        self._service: Service | None = None
        self._failure: ShelfwiseError | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on a thread: a large catalogue takes a while, and a supervisor wants to hear of us."""
        self._task = asyncio.create_task(self._open())

    async def _open(self) -> None:
        started = time.perf_counter()
        try:
            records = await asyncio.to_thread(Records.open, self._config.store.records, self._folder)
            self._keyring = await asyncio.to_thread(Keyring, records, self._environment_key)
            self._service = await asyncio.to_thread(Service.open, self._folder, self._config, records)
            self._service.make_index()
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
        raise self._not_yet()

    def keyring(self) -> Keyring:
        """The shop's keys, known before its model is loaded.

        Raises:
            ServiceError: they are not known yet, or the shop could not be opened.
        """
        if self._keyring is not None:
            return self._keyring
        raise self._not_yet()

    def _not_yet(self) -> ServiceError:
        if self._failure is not None:
            return ServiceError("the shop cannot be opened; the server's log says why", code="cannot_open")
        return ServiceError("the server is loading its model", hint="ask again in a second", code="loading")

    async def close(self) -> None:
        """Close what was opened."""
        if self._task is not None:
            await self._task
        if self._service is not None:
            await self._service.close()


async def _current(request: Request) -> Service:
    opening: Opening = request.app.state.opening
    return opening.service()


async def _keyring(request: Request) -> Keyring:
    opening: Opening = request.app.state.opening
    return opening.keyring()


Keys = Annotated[Keyring, Depends(_keyring)]
"""The keys as an endpoint's parameter."""

Current = Annotated[Service, Depends(_current)]
"""The service as an endpoint's parameter; the request fails with 503 until there is one."""
