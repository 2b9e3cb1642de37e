"""`shelfwise.client` against a real server: every method, and a server that is killed under a buffer."""

from __future__ import annotations

import asyncio
import inspect
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from pydantic import BaseModel
from sqlalchemy import select

from shelfwise.client import (
    AsyncClient,
    Client,
    Event,
    Item,
    KeyWanted,
    NoAccessError,
    NotThereError,
    OtherStateError,
    Query,
    RefusedError,
    Retries,
    answers,
    model_answers,
)
from shelfwise.serve import (
    audit,
    event_checks,
    events,
    health,
    import_routes,
    items,
    key_routes,
    model_details,
    model_routes,
    problems,
    quarantine_routes,
    recommend,
    rule_editing,
    rules,
    slates,
    training_routes,
    users,
    visitor_routes,
)
from shelfwise.serve import search as search_route
from shelfwise.store.records import Records
from shelfwise.store.tables import events as events_table
from shelfwise.store.tables import users as users_table

pytestmark = pytest.mark.online

T = TypeVar("T")


class Blocking:
    """An `AsyncClient` whose methods are called as those of `Client`: each runs in the test's own event loop."""

    def __init__(self, url: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.client = AsyncClient(url)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.client, name)

        async def all_of(found: Any) -> list[Any]:
            return [one async for one in found]

        def called(*args: Any, **kwargs: Any) -> Any:
            found = method(*args, **kwargs)
            if inspect.isasyncgen(found):
                return self.loop.run_until_complete(all_of(found))
            return self._finished(found)

        return called

    def _finished(self, found: Awaitable[T]) -> T:
        async def waited() -> T:
            return await found

        return self.loop.run_until_complete(waited())

    def close(self) -> None:
        self._finished(self.client.close())
        self.loop.close()


@pytest.fixture(params=["sync", "async"])
def client(server: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    url = f"http://127.0.0.1:{server.port}"
    found = Client(url) if request.param == "sync" else Blocking(url)
    yield found
    found.close()


def test_events_and_what_follows_from_them(client: Any) -> None:
    user = f"client-{id(client)}"
    assert client.live().status == "live"
    assert client.ready().items >= 60
    one = Event.model_validate({"event_id": user, "user_id": user, "item_id": "mug-red", "event": "purchase"})
    assert client.add_event(one).stored == 1
    assert client.add_event(one).already_stored == 1
    two = Event.model_validate({"user_id": user, "item_id": "mug-blue", "event": "view"})
    answer = client.add_events([two, two.model_copy(update={"item_id": "none-such"})])
    assert (answer.stored, answer.refused, answer.events[1].errors[0].code) == (1, 1, "unknown_item")
    slate = client.recommend(Query(user_id=user, scenario="home", k=5))
    assert len(slate.items) == 5 and "mug-red" not in {item.item_id for item in slate.items}
    assert len(client.similar("mug-red", 3).items) == 3
    assert len(client.trending(4, category="Kitchen").items) <= 4
    assert client.search("red mug", 1).items[0].item_id == "mug-red"
    assert client.search("mug", 5, filter="price < 6").items
    shown = client.slate(slate.slate_id)
    assert [item.item_id for item in shown.items] == [item.item_id for item in slate.items]
    assert user in {one.user_id for one in client.users(user[:-1]).users}
    assert client.users(order="active", limit=1).users
    assert client.user(user).kinds == {"purchase": 1, "view": 1}
    assert [one.event for one in client.user_events(user, 1).events] == ["view"]
    assert len(client.user_events(user, impressions=False).events) == 2
    assert client.user_slates(user).next is None
    assert client.item_insight("mug-red", 2).neighbours["text"]
    assert client.catalogue_warnings("no_picture", 1).items
    assert len(client.export_user(user).given["events"]) == 2
    receipt = client.erase_user(user)
    assert receipt.events == 2 and receipt.receipt
    assert client.visitor_token(user).user_id == client.visitor_token(user, may_erase=True).user_id == user
    assert client.visitor_token().token not in repr(client.visitor_token())
    assert client.audit(5).entries


@pytest.mark.parametrize("item_id", ["plain", "a/similar", "..", "ü ?#%2F"])
def test_the_catalogue(client: Any, item_id: str) -> None:
    item = Item(item_id=item_id, title="Green kettle", price=9, attributes={"colour": "green"})
    assert client.put_item(item, only_new=True).status == "new"
    with pytest.raises(OtherStateError) as exists:
        client.put_item(item, only_new=True)
    assert (exists.value.status, exists.value.code) == (412, "item_exists")
    before = client.get_item(item_id)
    assert before.item == item
    changed = client.change_item(item_id, {"price": None, "attributes": {"size": "L"}}, if_match=before.etag)
    assert changed.status == "changed" and changed.etag != before.etag
    with pytest.raises(OtherStateError):
        client.put_item(item, if_match=before.etag)
    assert client.get_item(item_id).item.attributes == {"colour": "green", "size": "L"}
    assert client.get_item(item_id).item.price is None
    assert item_id in {one.item_id for one in client.all_items()}
    with pytest.raises(OtherStateError):
        client.delete_item(item_id, if_match=before.etag)
    client.delete_item(item_id)
    with pytest.raises(NotThereError, match="there is no item"):
        client.get_item(item_id)


def test_many_items(client: Any) -> None:
    many = [Item(item_id=f"bulk-{number}", title=f"Bowl {number}") for number in range(3)]
    answer = client.put_items(many)
    assert answer.refused == 0 and len(answer.items) == 3
    sent = [
        *({"item_id": f"line-{number}", "title": "Plate"} for number in range(2_500)),
        {"item_id": "x", "price": -1},
    ]
    report = client.import_items(sent)
    assert (report.lines, report.refused) == (2_501, 1) and report.new + report.unchanged == 2_500
    assert report.refusals[0].line == 2_501 and report.refusals[0].errors[0].field == "price"
    page = client.item_page(2)
    assert len(page.items) == 2 and client.item_page(2, page.next).items[0].item_id not in {
        one.item_id for one in page.items
    }
    for one in [*many, *(Item(item_id=f"line-{number}") for number in range(2_500))][:5]:
        client.delete_item(one.item_id)


def test_rules_and_models(client: Any) -> None:
    before = client.rules().version
    document = {"rules": {"mugs": {"boost": 'category = "Kitchen > Mugs"', "places": 2}}}
    assert client.put_rules(document, author="Kim", dry_run=True).version == before
    applied = client.put_rules(document, author="Kim", note="spring", replaces=before, accept_conflicts=True)
    with pytest.raises(OtherStateError):
        client.put_rules(document, author="Kim", replaces=before, accept_conflicts=True)
    with pytest.raises(RefusedError):
        client.put_rules({"rules": {"x": {"boost": "nonsense ="}}}, author="Kim")
    assert client.put_rules({"rules": {}}, author="Kim").version > applied.version
    assert client.roll_back_rules(author="Kim").document == applied.document
    assert client.put_rules({"rules": {}}, author="Kim").document != applied.document
    newest = client.rules_history().versions[0]
    assert newest.author == "Kim" and client.rules_version(applied.version).document == applied.document
    found = client.check_rules("[rules.x]\nblock = 'prize < 3'\n")
    assert (found.problems[0].line, found.problems[0].hint) == (2, "did you mean 'price'?")
    assert client.check_rules(document).rules[0].n_items == 10
    assert '"Kitchen"' in [one.text for one in client.complete_rule("category under ").suggestions]
    seen = client.preview_rules({"rules": {"x": {"block": 'category under "Home"'}}}, slates=20)
    # Who is no longer among the candidates changes what the others are compared with: that is nobody's hand.
    assert seen.n_replayed == 20 and 0 < seen.by_rule[0].n_changed <= seen.n_changed
    assert client.preview_rules({"rules": {"x": {"block": "price < 0"}}}, slates=20).n_changed == 0


def test_data(client: Any) -> None:
    found = client.check_events([VIEW, {"user": "kim"}]).events
    assert [one.outcome for one in found] == ["stored", "refused"]
    # The tiny shop was not read from files.
    assert client.imports().imports == [] and client.quarantine().total == 0
    assert client.quarantine_lines().lines == []
    with pytest.raises(NotThereError):
        client.get_import(0)
    with pytest.raises(NotThereError):
        client.retry_quarantine(0, corrected={1: "x"})
    with pytest.raises(RefusedError, match="does not say how events are read"):
        client.upload(b"user_id\n", table="events", name="e.csv")
    version = client.models().models[0].version
    assert client.promote_model(version).in_service
    with pytest.raises(NotThereError):
        client.promote_model("none-such")
    with pytest.raises(OtherStateError):
        client.roll_back_model()
    assert client.model(version).configuration["version"] == 1
    with pytest.raises(RefusedError):
        client.compare_models(version, version)


def test_trainings(client: Any) -> None:
    started = client.start_training("full")
    assert client.training(started.name).state == "running"
    assert client.stop_training(started.name).state == "stopped"
    assert client.trainings().trainings[0].name == started.name


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_keys(tiny_shop: Path, serve: Any, kind: str) -> None:
    secret = "k" * 40
    with serve(tiny_shop, key=secret) as server:
        url = f"http://127.0.0.1:{server.port}"
        if kind == "sync":
            found: Any = Client(url, secret)
        else:
            found = Blocking(url)
            found.client = AsyncClient(url, secret)
        made = found.create_key(KeyWanted.model_validate({"name": "web shop", "scopes": ["events"]}))
        assert made.key not in repr(made)
        assert [one.key_id for one in found.keys().keys] == [made.key_id]
        with Client(url, made.key) as shop:
            assert shop.add_event(Event.model_validate(VIEW)).stored == 1
            with pytest.raises(NoAccessError) as raised:
                shop.recommend(Query(user_id="kim"))
            assert raised.value.status == 403
            found.revoke_key(made.key_id)
            with pytest.raises(NoAccessError, match="revoked") as raised:
                shop.add_event(Event.model_validate(VIEW))
            assert raised.value.status == 401 and made.key not in str(raised.value)
        found.close()


VIEW = {"user_id": "kim", "item_id": "mug-red", "event": "view"}

SERVED = {
    "FieldProblem": problems.FieldProblem,
    "EventResult": events.EventResult,
    "EventsAnswer": events.EventsAnswer,
    "ItemList": recommend.ItemList,
    "SearchHit": search_route.SearchHit,
    "SearchAnswer": search_route.SearchAnswer,
    "ItemResult": items.ItemResult,
    "ItemsAnswer": items.ItemsAnswer,
    "ItemPage": items.ItemPage,
    "PersonalExport": users.PersonalExport,
    "Receipt": users.ReceiptAnswer,
    "ShownItem": slates.ShownItem,
    "ShownSlate": slates.ShownSlate,
    "ModelAnswer": model_routes.ModelAnswer,
    "ModelsAnswer": model_routes.ModelsAnswer,
    "FindingAnswer": rules.FindingAnswer,
    "RulesAnswer": rules.RulesAnswer,
    "VersionAnswer": rules.VersionAnswer,
    "HistoryAnswer": rules.HistoryAnswer,
    "RuleProblemAnswer": rule_editing.RuleProblemAnswer,
    "RuleFactsAnswer": rule_editing.RuleFactsAnswer,
    "RulesCheckAnswer": rule_editing.RulesCheckAnswer,
    "SuggestionAnswer": rule_editing.SuggestionAnswer,
    "SuggestionsAnswer": rule_editing.SuggestionsAnswer,
    "PreviewItem": rule_editing.PreviewItem,
    "PreviewExample": rule_editing.PreviewExample,
    "RuleEffect": rule_editing.RuleEffect,
    "PreviewAnswer": rule_editing.PreviewAnswer,
    "CheckedField": event_checks.CheckedField,
    "CheckedEvent": event_checks.CheckedEvent,
    "EventCheckAnswer": event_checks.EventCheckAnswer,
    "ImportAnswer": import_routes.ImportAnswer,
    "ImportsAnswer": import_routes.ImportsAnswer,
    "RefusedCount": quarantine_routes.RefusedCount,
    "QuarantineAnswer": quarantine_routes.QuarantineAnswer,
    "RefusedLineAnswer": quarantine_routes.RefusedLineAnswer,
    "QuarantinePage": quarantine_routes.QuarantinePage,
    "KeyAnswer": key_routes.KeyAnswer,
    "NewKeyAnswer": key_routes.NewKeyAnswer,
    "KeysAnswer": key_routes.KeysAnswer,
    "VisitorAnswer": visitor_routes.VisitorAnswer,
    "AuditEntryAnswer": audit.AuditEntryAnswer,
    "AuditAnswer": audit.AuditAnswer,
    "Live": health.Live,
    "Ready": health.Ready,
    "MetricAnswer": model_details.MetricAnswer,
    "EvaluationAnswer": model_details.EvaluationAnswer,
    "ModelDetail": model_details.ModelDetail,
    "ColumnAnswer": model_details.ColumnAnswer,
    "DifferenceAnswer": model_details.DifferenceAnswer,
    "ComparisonAnswer": model_details.ComparisonAnswer,
    "StageAnswer": training_routes.StageAnswer,
    "StagePartAnswer": training_routes.StagePartAnswer,
    "TrainingAnswer": training_routes.TrainingAnswer,
    "TrainingDetail": training_routes.TrainingDetail,
    "TrainingsAnswer": training_routes.TrainingsAnswer,
}
OF_THE_CLIENT_ALONE = {"TaggedItem", "RefusedLine", "ImportReport"}


def test_the_client_knows_every_field_that_the_server_answers() -> None:
    own = {
        name: one
        for module in (answers, model_answers)
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, BaseModel) and one.__module__ == module.__name__
    }
    assert own.keys() - OF_THE_CLIENT_ALONE == SERVED.keys()
    for name, served in SERVED.items():
        assert own[name].model_fields.keys() - {"etag"} == served.model_fields.keys(), name


def test_every_route_has_its_method(server: Any) -> None:
    described = server.http.get("/openapi.json").json()["paths"]
    served = {
        f"{method.upper()} {path.removeprefix('/v1')}" for path, methods in described.items() for method in methods
    }
    source = inspect.getsource(__import__("shelfwise.client.calls", fromlist=["calls"]))
    made = {
        f"{method} {re.sub(r'_part.(?:item[.])?([a-z_]+).', lambda found: found[1], path)}"
        for method, path in re.findall(r'Call\(\s*"(\w+)", f?"([^"]+)"', source)
    }
    # Pages and Prometheus ask for these; a download goes to a file, through whatever client streams one.
    of_others = {"GET /client.js", "GET /metrics", "GET /items/{item_id}/picture", "GET /quarantine/download"}
    of_others |= {"GET /map", "GET /map/points", "POST /map/items"}  # the console's page draws it
    of_others |= {"GET /cards", "GET /shelves", "GET /visitors/me", "DELETE /visitors/me"}  # a shop's own pages
    # Figures for people, whom the console shows them; programs that watch a shop read /metrics.
    of_others |= {route for route in served if route.startswith("GET /insight/")}
    assert made == served - of_others


def kill(server: Any) -> None:
    main = psutil.Process(server.process.pid)
    for process in reversed([main, *main.children(recursive=True)]):
        process.kill()


def stored_events(shop: Path) -> dict[str, int]:
    """How many events of each user are in the store."""
    records = Records.open("sqlite:///shelfwise.db", shop)
    with records.read() as connection:
        query = select(users_table.c.user_id).join(events_table, users_table.c.row == events_table.c.user_row)
        found = [str(row[0]) for row in connection.execute(query.where(users_table.c.user_id.startswith("buyer-")))]
    records.close()
    return {user: found.count(user) for user in found}


def test_a_server_that_is_killed_under_a_buffer_costs_and_doubles_nothing(
    tiny_shop: Path, serve: Any, same_port: int
) -> None:
    moments = random.Random(0)
    client = Client(f"http://127.0.0.1:{same_port}", retries=Retries(n=0))
    buffer = client.buffer(tiny_shop.parent / "events.jsonl", flush_every_s=0.02, capacity=5_000)
    stop = threading.Event()
    added = 0

    def shop() -> None:
        nonlocal added
        while not stop.is_set():
            buffer.add(Event.model_validate({**VIEW, "user_id": f"buyer-{added}"}))
            added += 1
            time.sleep(0.001)

    thread = threading.Thread(target=shop)
    thread.start()
    for _ in range(3):
        with serve(tiny_shop, killed=True) as server:
            buffer.flush(0)
            time.sleep(moments.uniform(0.3, 0.8))
            kill(server)
        # The oldest that wait may be stored, not knowing it; whatever else is stored was acknowledged.
        there = stored_events(tiny_shop)
        assert set(there.values()) == {1}
        assert buffer.n_acknowledged <= len(there) <= buffer.n_acknowledged + 100
        assert all(f"buyer-{number}" in there for number in range(buffer.n_acknowledged))
    stop.set()
    thread.join()
    assert len(buffer) > 0
    with serve(tiny_shop):
        assert buffer.flush(30) == 0
        assert buffer.close() == []
    client.close()
    there = stored_events(tiny_shop)
    assert len(there) == added == buffer.n_acknowledged and set(there.values()) == {1}
    assert added > 300


SHOP = """
import sys, time
from shelfwise.client import Client, Event

buffer = Client(sys.argv[1]).buffer(sys.argv[2], flush_every_s=0.02)
for number in range(100_000):
    buffer.add(Event(event_id=f"e{number}", user_id=f"buyer-{number}", item_id="mug-red", event="view"))
    print(number, flush=True)
    time.sleep(0.0005)
"""


def test_a_shop_that_is_killed_sends_the_rest_when_it_is_back(tiny_shop: Path, serve: Any, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with serve(tiny_shop) as server:
        url = f"http://127.0.0.1:{server.port}"
        shop = subprocess.Popen(
            [sys.executable, "-c", SHOP, url, str(path)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert shop.stdout is not None
        for line in shop.stdout:
            if int(line) == 300:
                break
        shop.kill()
        rest = shop.stdout.read().split()
        shop.wait()
        shop.stdout.close()
        n_kept = int(rest[-1]) + 1 if rest else 301
        assert path.stat().st_size > 0
        with Client(url) as client, client.buffer(path) as buffer:
            assert buffer.flush(20) == 0
    there = stored_events(tiny_shop)
    # One more where it was killed between keeping and saying so.
    assert n_kept <= len(there) <= n_kept + 1 and set(there.values()) == {1}
