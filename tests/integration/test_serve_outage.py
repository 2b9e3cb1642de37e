"""A server whose PostgreSQL stops: answers go on from the last state, writes are refused, and both recover."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise import Shop
from shelfwise.pipeline.asking import AWAY
from shelfwise.store.copies import copy_records
from shelfwise.store.records import Records
from shelfwise.testing.own_postgresql import PASSWORD, OwnPostgreSQL, own_postgresql

pytestmark = pytest.mark.online


@pytest.fixture
def server() -> Iterator[OwnPostgreSQL]:
    with own_postgresql() as made:
        yield made


@pytest.fixture
def shop(tiny_shop: Path, server: OwnPostgreSQL, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tiny shop, moved to a PostgreSQL that tests may stop."""
    monkeypatch.setenv("TEST_PASSWORD", PASSWORD)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    url = server.url()
    here, there = Records.open("sqlite:///shelfwise.db", tiny_shop), Records.open(url, tiny_shop)
    copy_records(here, there)
    here.close()
    there.close()
    config = tiny_shop / "shop.toml"
    config.write_text(f'{config.read_text()}\n[store]\nrecords = "{url}"\n')
    for left_over in tiny_shop.glob("shelfwise.db*"):
        left_over.unlink()
    return tiny_shop


def wait(until: Callable[[], bool], seconds: float = 20) -> None:
    started = time.perf_counter()
    while not until():
        assert time.perf_counter() - started < seconds
        time.sleep(0.05)


def test_answers_go_on_while_postgresql_is_down_and_nothing_acknowledged_is_lost(
    shop: Path, server: OwnPostgreSQL, serve: Any
) -> None:
    assert os.environ["TEST_PASSWORD"]

    def asked(user: str) -> dict[str, Any]:
        answer = running.http.post("/recommend", json={"user_id": user, "k": 5})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def sent(number: int) -> Any:
        event = {"event_id": f"e{number}", "user_id": "user-1", "item_id": "mug-red", "event": "view"}
        return running.http.post("/events", json=event)

    with serve(shop) as running:
        assert sent(0).status_code == 202
        before, stranger = asked("user-1"), asked("nobody")
        with Shop.open(shop) as elsewhere, elsewhere.records.write() as connection:
            # As the database's own upkeep may for minutes: who asks would wait behind it.
            connection.exec_driver_sql("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
            assert AWAY in asked("user-1")["degraded"]
        wait(lambda: AWAY not in asked("user-1")["degraded"])
        server.stop()
        try:
            during = asked("user-1")
            assert [item["item_id"] for item in during["items"]] == [item["item_id"] for item in before["items"]]
            assert AWAY in during["degraded"]
            assert [item["item_id"] for item in asked("user-2")["items"]] == [
                item["item_id"] for item in stranger["items"]
            ]  # who did not ask before is not known now
            refused = sent(1)
            assert (refused.status_code, refused.json()["code"]) == (503, "service_down")
            assert int(refused.headers["retry-after"]) >= 1
            assert PASSWORD not in refused.text
            assert running.http.get("/health/live").status_code == 200
            assert running.http.get("/health/ready").status_code == 503
        finally:
            server.start()
        wait(lambda: sent(1).status_code == 202)
        wait(lambda: AWAY not in asked("user-1")["degraded"])
        assert sent(0).json()["already_stored"] == 1
        known = [item["item_id"] for item in asked("user-2")["items"]]
        assert known != [item["item_id"] for item in stranger["items"]]
        assert running.http.get("/health/ready").status_code == 200
        assert PASSWORD not in running.log()
