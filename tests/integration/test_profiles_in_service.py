"""A real server, a real (tiny) language model: users of whom only the users' file tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.config.load import load
from shelfwise.pipeline import model as models
from shelfwise.pipeline.profiles import NOT_YET
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.queries import Query
from shelfwise.store import people
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

THINGS = {
    "mug": "ceramic cup for coffee and tea",
    "lamp": "warm light for desk and bedside",
    "boot": "waterproof leather for hiking trails",
    "pen": "smooth ink for notes and letters",
    "scarf": "soft wool against winter wind",
    "kite": "flies high over beach and meadow",
}
N_USERS = 40

Serve = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def shop(tiny_shop: Path) -> Path:
    """The tiny shop, whose users say what they like; trained anew."""
    things = list(THINGS)
    said = [(f"user-{user}", {"about": THINGS[things[user % 6]], "email": f"{user}@x.org"}) for user in range(N_USERS)]
    with Shop.open(tiny_shop) as opened:
        with opened.records.write() as connection:
            people.upsert(connection, [*said, ("newcomer", {"about": "kite over the beach and meadow"})])
        opened.train()
    return tiny_shop


def test_who_did_nothing_yet_is_served_by_what_he_says(shop: Path, serve: Serve) -> None:
    with serve(shop) as server:

        def answer(user: str) -> dict[str, Any]:
            for _ in range(100):
                found = server.http.post("/recommend", json={"user_id": user, "k": 8}).json()
                if NOT_YET not in found["degraded"]:
                    return dict(found)
                time.sleep(0.1)
            raise AssertionError("the profile was never read")

        def kinds(user: str) -> list[str]:
            return [item["item_id"].split("-")[0] for item in answer(user)["items"]]

        # The model's weights are random: it knows words that it has seen, and no meaning.
        assert kinds("newcomer")[:6].count("kite") >= 5
        stranger = server.http.post("/recommend", json={"k": 8}).json()
        assert [item["item_id"] for item in answer("nobody")["items"]] == [
            item["item_id"] for item in stranger["items"]
        ]
        # Somebody comes while it runs, and changes his mind.
        records = Records.open(load(shop).store.records, shop)
        for about, kind in (("leather for hiking trails", "boot"), ("ink for letters, a smooth pen", "pen")):
            with records.write() as connection:
                people.upsert(connection, [("later", {"about": about})])
            assert kinds("later")[:6].count(kind) >= 4
        records.close()


def test_browsers_that_are_erased_leave_what_customers_say_in_memory(shop: Path) -> None:
    """In the process that erases, and in one beside it: anybody may have his browser forgotten, page by page."""

    def told(records: Records) -> Recommender:
        found = Recommender(models.load(Versions(shop / "models").current()), records)
        found.asking.profiles.on_lookup = looked.append
        found.recommend(Query(user_id="later", k=3))
        return found

    def kept(recommender: Recommender) -> bool:
        looked.clear()
        recommender.recommend(Query(user_id="later", k=3))
        return looked == ["kept"]

    looked = list[str]()
    with Shop.open(shop) as opened:
        with opened.records.write() as connection:
            people.upsert(connection, [("later", {"about": "letters and long trails"}), ("other", {"about": "ink"})])
            browsers = [("visitor:a", {}), ("visitor:b", {})]
            people.upsert(connection, browsers)
        here, beside = told(opened.records), told(opened.records)
        assert kept(here) and kept(beside)
        for browser, _ in browsers:
            opened.erase_user(browser)
            here.asking.forget(browser)
            assert kept(here) and kept(beside)
        opened.erase_user("other")
        here.asking.forget("other")
        assert not kept(here) and not kept(beside)
        assert kept(here) and kept(beside)
