"""The client that waits for its answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import islice
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

import httpx

from shelfwise.client import calls
from shelfwise.client.answers import ImportReport
from shelfwise.client.buffer import CAPACITY, FLUSH_EVERY_S, EventBuffer, Refusal, WhenFull
from shelfwise.client.calls import Call
from shelfwise.client.connection import LOCAL, TIMEOUT_S, Connection
from shelfwise.client.failures import BusyError
from shelfwise.client.retries import Retries, Tries
from shelfwise.schemas.items import Item

P = ParamSpec("P")
T = TypeVar("T")

LINES = 2_000
"""Items of an import in one request: sent again as a whole where the connection breaks."""


def _sent(make: Callable[P, Call[T]]) -> Callable[Concatenate[Client, P], T]:
    """A method that makes a call and sends it."""

    @wraps(make)
    def method(client: Client, *args: P.args, **kwargs: P.kwargs) -> T:
        return client.send(make(*args, **kwargs))

    return method


class Client:
    """Talks to a shop's server; may be used by several threads.

    What may be repeated is repeated where the server is busy (429, 503) or cannot be reached; see `failures` for what
    is raised at last.

    Args:
        url: Of the server, without `/v1`.
        api_key: A key; `SHELFWISE_API_KEY` of the environment where omitted.
        timeout_s: How long an answer may take; a slate's page is better shown without it than late.
        retries: How patient it is.

    Raises:
        ConfigError: the URL or the key cannot be used.

    Examples:
        >>> from shelfwise.client import Client, Event, Query  # doctest: +SKIP
        >>> with Client("https://recommend.shop.example") as client:  # doctest: +SKIP
        ...     client.add_event(Event(user_id="42", item_id="mug-red", event="cart"))
        ...     client.recommend(Query(user_id="42", scenario="cart", k=5)).items
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
        self._http = httpx.Client(timeout=self._connection.timeout)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection!r})"

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; buffers have their own."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a call, again where it may be, and read its answer.

        Raises:
            ApiError: the server answered with a problem.
            UnreachableError: it did not answer.
        """
        tries = Tries(call, self._retries)
        while True:
            try:
                return tries.read(self._http.send(self._connection.request(self._http, call)))
            except (httpx.TransportError, BusyError) as failure:
                wait_s = tries.wait_s(failure)
            time.sleep(wait_s)

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

    def all_items(self) -> Iterator[Item]:
        """The whole catalogue, read page by page as it is asked for."""
        after: str | None = None
        while True:
            page = self.item_page(1_000, after)
            yield from page.items
            after = page.next
            if after is None:
                return

    def import_items(self, items: Iterable[Item | Mapping[str, Any]]) -> ImportReport:
        """Store any number of items as JSON Lines, in constant memory but for what is refused.

        Where it breaks off, do it again: what is stored is `unchanged` then.
        """
        report, rest = ImportReport(), iter(items)
        while part := list(islice(rest, LINES)):
            report += self.send(calls.put_lines(part))
        return report

    def buffer(
        self,
        path: str | PathLike[str] | None = None,
        *,
        capacity: int = CAPACITY,
        when_full: WhenFull = "block",
        flush_every_s: float = FLUSH_EVERY_S,
        on_refused: Callable[[Refusal], None] | None = None,
    ) -> EventBuffer:
        """Events sent in the background, kept until they are acknowledged; see `EventBuffer`."""
        return EventBuffer(
            self._connection,
            path=path,
            capacity=capacity,
            when_full=when_full,
            flush_every_s=flush_every_s,
            on_refused=on_refused,
        )
