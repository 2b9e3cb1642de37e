"""What one server process holds: the shop's records, its model in service, and the one writer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from shelfwise.config.load import load as load_config
from shelfwise.config.shop import ServeSpec, ShopConfig
from shelfwise.config.storefront import StorefrontSpec
from shelfwise.encode.pictures.files import PictureFiles
from shelfwise.errors import ServiceError, ShelfwiseError, StateError
from shelfwise.insight.drift_report import DriftReport
from shelfwise.pipeline.erasure import Erased, Receipt
from shelfwise.pipeline.recommender import Answer, Recommender
from shelfwise.pipeline.rule_desk import RuleDesk
from shelfwise.schemas.queries import Query
from shelfwise.search.full_text import FullText
from shelfwise.serve import rubbish
from shelfwise.serve.catalogue_map import CatalogueMap
from shelfwise.serve.drift_counts import DriftCounts, DriftWriter
from shelfwise.serve.drift_reports import DriftReports
from shelfwise.serve.erasing import MAX_REBUILT_BYTES, Erasing
from shelfwise.serve.event_writer import EventWriter
from shelfwise.serve.import_jobs import ImportJobs
from shelfwise.serve.keyring import Keyring
from shelfwise.serve.live_items import LiveItems
from shelfwise.serve.looks import Looks
from shelfwise.serve.measures import Measures
from shelfwise.serve.model_in_service import ModelInService
from shelfwise.serve.pulse import Pulse
from shelfwise.serve.rule_previews import RulePreviews
from shelfwise.serve.search_opening import SearchOpening
from shelfwise.serve.shelf_counts import ShelfCounts
from shelfwise.serve.slate_writer import SlateWriter
from shelfwise.serve.storefront_key import StorefrontKey
from shelfwise.serve.thumbnails import Thumbnails
from shelfwise.serve.traffic import TrafficWriter
from shelfwise.serve.writer import Writer
from shelfwise.store.history_cache import HistoryCache
from shelfwise.store.maps import Maps
from shelfwise.store.records import Records
from shelfwise.store.sealed_values import require_keys
from shelfwise.store.slate_log import LoggedSlate
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

    def __init__(self, records: Records, models: ModelInService, config: ShopConfig, measures: Measures) -> None:
        self.records, self.config, self.measures = records, config, measures
        self.models = models
        self.versions = models.versions
        self.map = CatalogueMap(Maps(models.versions.folder), records)
        self.writer = Writer(records)
        self.events = EventWriter(self.writer)
        self._erasing = Erasing(records, config, self.writer)
        self._scenarios = list(config.scenarios)
        self._slates = (
            SlateWriter(self.writer, config.serve.slates_kept_d, measures.lost_slates.inc)
            if config.serve.log_slates
            else None
        )
        self._traffic = TrafficWriter(measures.traffic, self.writer)
        self.drift = DriftCounts()
        self._drift = DriftWriter(self.drift, self.writer)
        self._drift_reports = DriftReports(records)
        self._full_text = SearchOpening(records, config.storefront.attributes)
        pictures = PictureFiles(records.folder, config.encode.image_folder)
        self.thumbnails, self.looks = Thumbnails(pictures), Looks(records, pictures)
        self.shelf_counts = ShelfCounts(config.storefront.attributes)
        self._items = LiveItems()
        self.imports = ImportJobs(records)
        self.rule_desk = RuleDesk(records, lambda: self.scenarios)
        self.rule_previews = RulePreviews(models.versions, records, self.rule_desk)
        self._follower: asyncio.Task[None] | None = None
        self._encoding: asyncio.Task[None] | None = None
        self.pulse = Pulse(measures.late)

    @classmethod
    def open(
        cls, folder: Path, config: ShopConfig, records: Records | None = None, measures: Measures | None = None
    ) -> Service:
        """Open the shop in a folder; without a model, events and items are stored and nothing is recommended.

        Args:
            folder: The shop's.
            config: The shop's.
            records: The shop's, where they are open already.
            measures: Where the process counts; new ones where omitted.

        Raises:
            DataKeyError: values are sealed under a key that is not at hand.

        Cost:
            Half a second, and what encoding takes for items that came after the model was trained.
        """
        records = records or Records.of(config.store, folder)
        with records.read() as connection:
            require_keys(connection)
        measures = measures or Measures()
        spec = config.store
        cache = None if spec.cache is None else HistoryCache.open(spec.cache, records, spec.cached_s)
        models = ModelInService(Versions(folder / spec.models), records, measures, patience_s=PATIENCE_S, cache=cache)
        models.open()
        return cls(records, models, config, measures)

    def start(self) -> None:
        """Follow what other processes store, and the version in service, from now on; begin to index the catalogue."""
        self.models.on_changed_item = self._full_text.note
        self._full_text.start()
        self._erasing.start()
        self.imports.start()
        self._follower = asyncio.create_task(self._follow())
        self._traffic.start()
        self._drift.start()
        self.pulse.start()

    async def close(self) -> None:
        """Finish what was acknowledged or is about to be, and close the store."""
        for task in (self._follower, self._encoding):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        await self._erasing.close()
        await self.imports.close()
        await self.pulse.stop()
        await self._full_text.close()
        if self._slates is not None:
            await self._slates.close()
        await self._traffic.close()
        await self._drift.close()
        await self._drift_reports.close()
        await self.events.close()
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

    def answer(self, query: Query) -> Answer:
        """Answer a query; the answer is kept for later, where the shop keeps answers."""
        recommender = self.recommender
        found = recommender.answer(query, late_s=self.pulse.late_s)
        self.measures.answer(found)
        self.drift.shown(found, query, recommender)
        if self._slates is not None and len(found.rows):
            self._slates.put(found, query)
            recommender.shown.add(found.rows)
        return found

    async def drift_report(self) -> DriftReport:
        """How far the last day is from the training of the model in service, of all processes.

        What was counted in the last seconds is not in it yet.

        Raises:
            ServiceError: the store cannot be read, or does not answer in time.
        """
        return await self._drift_reports.of(self.recommender.model if self.has_model else None)

    def full_text(self) -> FullText:
        """The catalogue by its words.

        Raises:
            StateError: nothing was trained yet.
            ServiceError: the index is still being made.
        """
        _ = self.recommender  # what may be shown, it knows
        return self._full_text.index()

    def waiting_slate(self, slate_id: str) -> LoggedSlate | None:
        """An answer of this process that is not written down yet."""
        return None if self._slates is None else self._slates.find(slate_id)

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

    async def take_up(self, item_ids: Iterable[str] = ()) -> None:
        """Bring what is stored into the model: when this returns, it is part of every answer of this process.

        Other processes see it with their next request, and have encoded it a moment later.

        Args:
            item_ids: Items whose text and picture are waited for; others are encoded in their turn.
        """
        if not self.has_model:
            return
        recommender = self.recommender
        while recommender.live.follow():
            await asyncio.sleep(0)  # queries go first
        recommender.asking.note_erasures()
        rows = {recommender.catalogue.row(item_id) for item_id in item_ids} - {None}
        if rows:
            await self._items.encode(recommender.live, {int(row) for row in rows if row is not None})
        await self._full_text.settle()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._tell_waiting()
            self.rule_desk.forget_when_idle()
            try:
                had_model = self.has_model
                await self.models.follow()
                if self.has_model and not had_model:
                    self._full_text.start()  # what came before there was a model nobody told it of
                await self.take_up()
                if self.has_model and (self._encoding is None or self._encoding.done()):
                    self._encoding = asyncio.create_task(self._items.encode(self.recommender.live))
            except ServiceError as error:
                log.warning("the store cannot be followed: %s", error.found)
                await asyncio.sleep(PAUSE_S)
            except Exception as error:
                log.error("the store cannot be followed", exc_info=error)
                await asyncio.sleep(PAUSE_S)

    def _tell_waiting(self) -> None:
        told = self.measures
        told.waiting_writes.set(self.writer.n_waiting)
        told.waiting_slates.set(0 if self._slates is None else self._slates.n_waiting)
        if self.has_model:
            told.pending_encodings.set(len(self.recommender.live.pending))
            told.remembered_users.set(self.recommender.asking.remembered.n_users)
            told.remembered_events.set(self.recommender.asking.remembered.n_events)
            kept = self.recommender.kept
            told.kept_answer_bytes.set(0 if kept is None else kept.n_bytes)
        told.hand_over()

    @property
    def n_erasing(self) -> int:
        """People who are being erased, or wait for it."""
        return self._erasing.n_waiting

    async def erase(
        self, user_id: str, actor: str, *, up_to_bytes: int = MAX_REBUILT_BYTES, again: bool = True
    ) -> Receipt:
        """Erase somebody: unknown from the commit on, and without a trace when this returns.

        Args:
            user_id: Who.
            actor: For the audit log.
            up_to_bytes: A larger store is not rebuilt.
            again: Whether somebody of whom there is nothing any more may be erased once more, for another receipt.

        Raises:
            UnknownError: the shop knows nobody of that id.
            ServiceError: the store is held by other processes.
        """

        def forgotten(_: Erased) -> None:
            if self._slates is not None:
                self._slates.forget(user_id)
            if self.has_model:
                self.recommender.asking.forget(user_id)

        return await self._erasing.erase(user_id, actor, forgotten, up_to_bytes, again=again)


class Opening:
    """The service: while it is being opened, when it is open, or why it could not be."""

    def __init__(self, folder: Path, environment_key: str | None, measures: Measures) -> None:
        self._folder, self._measures = folder, measures
        self._config = load_config(folder)
        self._environment_key = environment_key
        self._keyring: Keyring | None = None
        self._service: Service | None = None
        self._failure: ShelfwiseError | None = None
        self._task: asyncio.Task[None] | None = None
        self._collecting: asyncio.Task[None] | None = None

    @property
    def spec(self) -> ServeSpec:
        """What `shop.toml` says of the server."""
        return self._config.serve

    @property
    def storefront(self) -> StorefrontSpec:
        """What `shop.toml` says of the shop's own pages."""
        return self._config.storefront

    def start(self) -> None:
        """Begin, on a thread: a large catalogue takes a while, and a supervisor wants to hear of us."""
        self._task = asyncio.create_task(self._open())

    async def _open(self) -> None:
        started = time.perf_counter()
        try:
            records = await asyncio.to_thread(Records.of, self._config.store, self._folder)
            self._keyring = await asyncio.to_thread(self._opened_keyring, records)
            self._service = await asyncio.to_thread(Service.open, self._folder, self._config, records, self._measures)
            self._service.start()
            rubbish.set_aside()
            self._collecting = asyncio.create_task(rubbish.look_through_all())
            log.info("ready after %.1f s", time.perf_counter() - started)
        except ShelfwiseError as error:
            log.error("the shop cannot be opened: %s", error)
            self._failure = error
        except Exception as error:
            log.error("the shop cannot be opened", exc_info=error)
            self._failure = ShelfwiseError("the shop cannot be opened")

    def _opened_keyring(self, records: Records) -> Keyring:
        storefront = None
        if self._config.storefront.enabled:
            with records.write() as connection:
                storefront = StorefrontKey.find_or_make(connection)
        return Keyring(records, self._environment_key, storefront)

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
        if self._collecting is not None:
            self._collecting.cancel()
        if self._service is not None:
            await self._service.close()
        rubbish.as_usual()  # whoever served within a larger program goes on with that


def current(request: Request) -> Service:
    """The service that a request is for.

    Raises:
        ServiceError: there is none yet.
    """
    opening: Opening = request.app.state.opening
    return opening.service()


async def _current(request: Request) -> Service:
    return current(request)


async def _keyring(request: Request) -> Keyring:
    opening: Opening = request.app.state.opening
    return opening.keyring()


Keys = Annotated[Keyring, Depends(_keyring)]
"""The keys as an endpoint's parameter."""

Current = Annotated[Service, Depends(_current)]
"""The service as an endpoint's parameter; the request fails with 503 until there is one."""
