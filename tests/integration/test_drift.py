"""Drift against training: stated of traffic that changed, not of traffic as it was, over all processes, per version."""

from __future__ import annotations

import gc
import json
import shutil
import time
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.datasets.interactions import Interactions
from shelfwise.pipeline.as_trained import FILE, AsTrained
from shelfwise.pipeline.recommender import Recommender
from shelfwise.store import catalogue, event_log
from shelfwise.testing.tiny_shop import N_USERS
from shelfwise.train import as_trained as noting

pytestmark = pytest.mark.online

N_KINDS = 6
"""Of things; everybody buys one kind, by the user's number."""


def soon(found: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 30
    while not found():
        assert time.monotonic() < ends_at
        time.sleep(0.2)


def ask(server: Any, users: Iterable[int], n: int, **more: Any) -> None:
    names = list(users)
    for turn in range(n):
        query = {"user_id": f"user-{names[turn % len(names)]}", "k": 10, **more}
        # A connection of its own each, so that every process is asked.
        server.http.post("/recommend", json=query, headers={"Connection": "close"}).raise_for_status()


def report(server: Any) -> dict[str, Any]:
    answer = server.http.get("/insight/drift")
    assert answer.status_code == 200, answer.text
    return answer.json()


def place(server: Any, scenario: str) -> dict[str, Any]:
    return next(one for one in report(server)["places"] if one["scenario"] == scenario)


def gauges(server: Any) -> dict[str, float]:
    text = server.http.get(str(server.http.base_url.copy_with(path="/metrics"))).text
    lines = [line.rpartition(" ") for line in text.splitlines() if "drift" in line and "request" not in line]
    return {name.removeprefix("shelfwise_"): float(value) for name, _, value in lines if not name.startswith("#")}


def test_traffic_as_in_training_has_not_moved_and_other_traffic_has(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        assert gauges(server)['drift_slates{scenario="home"}'] == 0
        ask(server, range(N_USERS), 120)
        ask(server, range(N_USERS), 120, scenario="item", items=["mug-red"])
        soon(lambda: place(server, "item")["shown"]["n"] == 120)
        home, item = place(server, "home"), place(server, "item")
        for figure in (home["scores"], home["shown"]):
            assert figure["reading"] == "stable" and 0 <= figure["value"] < 0.1 and figure["n"] == 120
        # Everybody looks at the same product: what is shown beside it is none of what the training saw there.
        assert item["shown"]["reading"] == item["scores"]["reading"] == "changed"
        moved = item["shown"]["most_moved"][0]
        assert moved["category"] == "Kitchen > Mugs" and moved["now"] > moved["trained"]
        assert report(server)["reading"] == "changed"
        told = gauges(server)
        assert told['score_drift_psi{scenario="item"}'] == item["scores"]["value"] > 0.25
        assert told['category_drift_bits{of="shown",scenario="home"}'] == home["shown"]["value"]
        assert 'score_drift_psi{scenario="email"}' not in told  # of which nothing can be said yet
        assert not any(name.startswith('score_drift_psi{scenario="cart"') for name in told)  # retrievers order there
    # What was counted outlives the server.
    with serve(tiny_shop) as server:
        assert place(server, "home")["shown"]["n"] == 120


def test_shoppers_of_one_kind_of_thing_alone_are_a_drift(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        ask(server, range(0, N_USERS, N_KINDS), 120)
        soon(lambda: place(server, "home")["shown"]["n"] == 120)
        assert place(server, "home")["shown"]["reading"] in ("moved", "changed")


def test_what_people_turn_to_is_told_apart_from_what_they_are_shown(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        ask(server, range(N_USERS), 120)
        events = [
            {"event_id": f"w{turn}", "user_id": f"new-{turn}", "item_id": "kite-red", "event": kind}
            for turn in range(150)
            for kind in ("view", "impression")
        ]
        sent = [{**one, "event_id": f"{one['event_id']}{one['event']}"} for one in events]
        server.http.post("/events", json=sent).raise_for_status()
        soon(lambda: report(server)["wanted"]["n"] > 0 and place(server, "home")["shown"]["n"] == 120)
        wanted = report(server)["wanted"]
        assert wanted["n"] == 150  # to be shown something is not to turn to it
        assert wanted["reading"] == "changed" and wanted["most_moved"][0]["category"] == "Toys > Kites"
        assert gauges(server)['category_drift_bits{of="wanted",scenario=""}'] == wanted["value"]


def test_it_is_told_of_all_processes_by_any(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop, workers=2) as server:
        ask(server, range(N_USERS), 120)

        def homes() -> list[dict[str, Any]]:
            answers = [server.http.get("/insight/drift", headers={"Connection": "close"}).json() for _ in range(8)]
            return [one for answer in answers for one in answer["places"] if one["scenario"] == "home"]

        soon(lambda: {home["shown"]["n"] for home in homes()} == {120})
        assert {home["shown"]["reading"] for home in homes()} == {"stable"}


def test_what_is_no_usual_request_is_not_counted(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        for more in (
            {"filter": "price < 9"},
            {"category": "Toys"},
            {"diversity": 1.0},
            {"items": ["mug-red"]},
            {"user_id": None},
            {"user_id": "somebody-new"},
            {"scenario": "item"},
            {"scenario": "item", "items": ["mug-red"], "relation": "alternatives"},
        ):
            ask(server, range(1), 2, **more)
        server.http.post("/playground", json={"user_id": "user-1", "scenario": "home"})
        ask(server, range(1), 1, k=3)
        ask(server, range(1), 1, scenario="item", items=["mug-red"], user_id="somebody-new")
        soon(lambda: place(server, "item")["shown"]["n"] > 0)
        assert place(server, "home")["shown"]["n"] == 1
        assert place(server, "item")["shown"]["n"] == 1  # a stranger, told apart by the product


def test_a_version_that_noted_nothing_states_nothing(serve: Any, tiny_shop: Path) -> None:
    for noted in tiny_shop.glob(f"models/*/{FILE}"):
        noted.unlink()
    with serve(tiny_shop) as server:
        ask(server, range(N_USERS), 10)
        server.http.post("/events", json={"user_id": "u", "item_id": "mug-red", "event": "view"}).raise_for_status()
        found = report(server)
        assert (found["is_stated"], found["reading"], found["places"], found["wanted"]) == (False, "too_few", [], None)
        assert gauges(server) == {}


def test_a_file_of_another_release_is_left_unread(tiny_shop: Path) -> None:
    noted = next(tiny_shop.glob(f"models/*/{FILE}"))
    assert AsTrained.load(noted.parent) is not None
    noted.write_text(json.dumps(json.loads(noted.read_text()) | {"format": 99}))
    assert AsTrained.load(noted.parent) is None


def test_another_version_begins_anew(serve: Any, tiny_shop: Path) -> None:
    models = tiny_shop / "models"
    first = (models / "CURRENT").read_text()
    shutil.copytree(models / first, models / "another")
    manifest = models / "another" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": "another"}))
    with serve(tiny_shop) as server:
        ask(server, range(N_USERS), 20)
        (models / "CURRENT").write_text("another")
        soon(lambda: server.http.get("/health/ready").json()["model_version"] == "another")
        ask(server, range(N_USERS), 7)
        soon(lambda: place(server, "home")["shown"]["n"] > 0)
        assert place(server, "home")["shown"]["n"] == 7 and report(server)["version"] == "another"
        (models / "CURRENT").write_text(first)
        soon(lambda: report(server)["version"] == first)
        assert place(server, "home")["shown"]["n"] == 20


def test_what_a_training_loads_to_note_it_is_freed_before_the_version_is_published(
    tiny_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[weakref.ref[Recommender]]()
    measure = noting.as_trained

    def measured(recommender: Recommender, *arguments: Any) -> AsTrained:
        asked.append(weakref.ref(recommender))
        return measure(recommender, *arguments)

    monkeypatch.setattr(noting, "as_trained", measured)
    noted = next(tiny_shop.glob(f"models/*/{FILE}"))
    noted.unlink()
    with Shop.open(tiny_shop) as shop, shop.records.read() as connection:
        events = event_log.read_all(connection)
        behaviour = Interactions.of(events, n_users=N_USERS, n_items=len(list(catalogue.read_all(connection))))
        manifest = shop.versions.current().manifest
        user_ids = [f"user-{user}" for user in range(N_USERS)]
        gc.disable()  # a large model is not to wait for a collection
        try:
            noting.note_as_trained(noted.parent, manifest, shop.records, behaviour, user_ids, lambda *_: None)
            assert len(asked) == 1 and asked[0]() is None
        finally:
            gc.enable()
    assert AsTrained.load(noted.parent) is not None


def test_a_training_notes_what_its_answers_look_like(copied_weighed_shop: Path) -> None:
    noted = AsTrained.load(next(copied_weighed_shop.glob(f"models/*/{FILE}")).parent)
    assert noted is not None
    assert set(noted.places) == {"home", "category", "item", "cart"}  # brands are no items
    home, item, cart = (noted.places[name] for name in ("home", "item", "cart"))
    assert home.askers == ("visiting", "back") and item.askers == ("stranger", "visiting", "back")
    assert (home.is_about_items, item.is_about_items) == (False, True)
    assert cart.scores is None and cart.categories is not None
    assert home.scores is not None and len(home.edges) == 9
    assert home.scores.by_place.shape == (20, 10)
    assert home.scores.by_place.sum(axis=1) == pytest.approx([1.0] * 20, abs=1e-4)
    # The first place has the best scores.
    assert home.scores.by_place[0, -1] > home.scores.by_place[9, -1]
    assert noted.categories.names and noted.wanted is not None
    assert noted.wanted.by_place[0, : len(noted.categories.names)].sum() == pytest.approx(1, abs=1e-4)
