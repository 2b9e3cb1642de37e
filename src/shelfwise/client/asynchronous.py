"""The client for event loops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import wraps
from itertools import islice
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from shelfwise.client import calls
from shelfwise.client.answers import ImportReport
from shelfwise.client.buffer import CAPACITY, FLUSH_EVERY_S, EventBuffer, Refusal
from shelfwise.client.calls import Call
from shelfwise.client.connection import LOCAL, TIMEOUT_S, Connection
from shelfwise.client.failures import BusyError
from shelfwise.client.retries import Retries, Tries
from shelfwise.client.sync import LINES
from shelfwise.schemas.items import Item

P = ParamSpec("P")
T = TypeVar("T")


def _sent(make: Callable[P, Call[T]]) -> Callable[Concatenate[AsyncClient, P], Awaitable[T]]:
    """A method that makes a call and sends it."""

    @wraps(make)
    async def method(client: AsyncClient, *args: P.args, **kwargs: P.kwargs) -> T:
        return await client.send(make(*args, **kwargs))

    return method


class AsyncClient:
    """`Client`, awaited: same arguments, same methods, same errors.

    Examples:
        >>> from shelfwise.client import AsyncClient, Query
        >>> async def slate_of(user_id: str) -> list[str]:
        ...     async with AsyncClient("https://recommend.shop.example") as client:
        ...         return [one.item_id for one in (await client.recommend(Query(user_id=user_id))).items]
    """

    def __init__(
        self,
        url: str = LOCAL,
        api_key: str | None = None,
        *,
        timeout_s: float = TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        self._connection = Connection(url, api_key, timeout_s)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(timeout=self._connection.timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; buffers have their own."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Send a call, again where it may be, and read its answer.

        Raises:
            ApiError: the server answered with a problem.
            UnreachableError: it did not answer.
        """
        tries = Tries(call, self._retries)
        while True:
            try:
                return tries.read(await self._http.send(self._connection.request(self._http, call)))
            except (httpx.TransportError, BusyError) as failure:
                wait_s = tries.wait_s(failure)
            await asyncio.sleep(wait_s)

    live = _sent(calls.live)
    ready = _sent(calls.ready)
    add_event = _sent(calls.add_event)
    add_events = _sent(calls.add_events)
    recommend = _sent(calls.recommend)
    similar = _sent(calls.similar)
    trending = _sent(calls.trending)
    search = _sent(calls.search)
    item_page = _sent(calls.item_page)
    get_item = _sent(calls.get_item)
    put_item = _sent(calls.put_item)
    change_item = _sent(calls.change_item)
    delete_item = _sent(calls.delete_item)
    put_items = _sent(calls.put_items)
    item_insight = _sent(calls.item_insight)
    catalogue_warnings = _sent(calls.catalogue_warnings)
    users = _sent(calls.users)
    user = _sent(calls.user)
    user_events = _sent(calls.user_events)
    user_slates = _sent(calls.user_slates)
    export_user = _sent(calls.export_user)
    erase_user = _sent(calls.erase_user)
    slate = _sent(calls.slate)
    models = _sent(calls.models)
    promote_model = _sent(calls.promote_model)
    roll_back_model = _sent(calls.roll_back_model)
    model = _sent(calls.model)
    compare_models = _sent(calls.compare_models)
    trainings = _sent(calls.trainings)
    training = _sent(calls.training)
    start_training = _sent(calls.start_training)
    stop_training = _sent(calls.stop_training)
    rules = _sent(calls.rules)
    put_rules = _sent(calls.put_rules)
    check_rules = _sent(calls.check_rules)
    complete_rule = _sent(calls.complete_rule)
    preview_rules = _sent(calls.preview_rules)
    rules_version = _sent(calls.rules_version)
    check_events = _sent(calls.check_events)
    imports = _sent(calls.imports)
    get_import = _sent(calls.get_import)
    upload = _sent(calls.upload)
    quarantine = _sent(calls.quarantine)
    quarantine_lines = _sent(calls.quarantine_lines)
    retry_quarantine = _sent(calls.retry_quarantine)
    rules_history = _sent(calls.rules_history)
    roll_back_rules = _sent(calls.roll_back_rules)
    scenarios = _sent(calls.scenarios)
    scenario = _sent(calls.scenario)
    put_scenario = _sent(calls.put_scenario)
    scenario_history = _sent(calls.scenario_history)
    undo_scenario = _sent(calls.undo_scenario)
    playground = _sent(calls.playground)
    keys = _sent(calls.keys)
    create_key = _sent(calls.create_key)
    revoke_key = _sent(calls.revoke_key)
    visitor_token = _sent(calls.visitor_token)
    audit = _sent(calls.audit)

    async def all_items(self) -> AsyncIterator[Item]:
        """The whole catalogue, read page by page as it is asked for."""
        after: str | None = None
        while True:
            page = await self.item_page(1_000, after)
            for item in page.items:
                yield item
            after = page.next
            if after is None:
                return

    async def import_items(self, items: Iterable[Item | Mapping[str, Any]]) -> ImportReport:
        """Store any number of items as JSON Lines, in constant memory but for what is refused.

        Where it breaks off, do it again: what is stored is `unchanged` then.
        """
        report, rest = ImportReport(), iter(items)
        while part := list(islice(rest, LINES)):
            report += await self.send(calls.put_lines(part))
        return report

    def buffer(
        self,
        path: str | PathLike[str] | None = None,
        *,
        capacity: int = CAPACITY,
        flush_every_s: float = FLUSH_EVERY_S,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> EventBuffer:
        """Events sent in the background by a thread, kept until they are acknowledged; see `EventBuffer`.

        When it is full it raises: waiting for room would stop the event loop.
        """
        return EventBuffer(
            self._connection,
            path=path,
            capacity=capacity,
            when_full="raise",
            flush_every_s=flush_every_s,
            on_refused=on_refused,
        )
