"""Trainings that a server starts, watches and stops; and the map that is drawn of what they made."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.errors import StateError
from shelfwise.pipeline.interest_counts import InterestCounts
from shelfwise.store.maps import Maps
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions
from shelfwise.track.training_journal import FOLDER, journal
from shelfwise.track.training_lock import TrainingLock, holder
from shelfwise.track.training_runs import TrainingRuns

pytestmark = pytest.mark.online


@pytest.fixture(scope="module")
def shop(server: Any) -> Path:
    """The folder that the module's server serves."""
    return Path(server.errors.parent / "shop")


def ended(server: Any, name: str, seconds: float = 90) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = server.http.get(f"/trainings/{name}").json()
        if found["state"] != "running":
            return found
        time.sleep(0.2)
    raise AssertionError(f"it still runs: {found}")


def test_a_training_is_started_watched_and_in_service(server: Any, shop: Path) -> None:
    before = Versions(shop / "models").current_name()
    answer = server.http.post("/trainings", json={"what": "full"})
    assert answer.status_code == 201, answer.text
    name = answer.json()["name"]
    assert answer.json()["state"] == "running"

    second = server.http.post("/trainings", json={"what": "full"})
    assert (second.status_code, second.json()["code"]) == (409, "training_runs")
    with pytest.raises(StateError, match=name):
        TrainingLock.take(shop / FOLDER, "another")

    found = ended(server, name)
    assert (found["state"], found["version"], found["error"]) == ("done", name, None)
    assert next(stage["name"] for stage in found["stages"]) == "reading items and events"
    unknown = [part for stage in found["stages"] for part in stage["parts"] if part["id"] is None]
    assert not unknown and {"fitting", "ranker", "publishing"} <= {
        part["id"] for stage in found["stages"] for part in stage["parts"]
    }
    assert all(stage["ends_s"] >= stage["begins_s"] for stage in found["stages"])
    assert any(curve.startswith("rank/") for curve in found["curves"])
    assert all(step >= 0 for points in found["curves"].values() for step, _ in points)

    tagged = server.http.get(f"/trainings/{name}")
    again = server.http.get(f"/trainings/{name}", headers={"If-None-Match": tagged.headers["ETag"]})
    assert again.status_code == 304

    until = time.monotonic() + 20
    while server.http.post("/recommend", json={"k": 1}).json()["model_version"] != name:
        assert time.monotonic() < until
        time.sleep(0.1)
    noted = server.http.get("/audit").json()["entries"]
    assert ("training.start", name) in {(one["action"], one["subject"]) for one in noted}
    assert server.http.get(f"/models/{name}").json()["commit"] is not None

    # Nothing is new since: it says so, and the version stays.
    more = server.http.post("/trainings", json={"what": "continue"}).json()["name"]
    assert ended(server, more)["state"] in ("unchanged", "failed")
    assert Versions(shop / "models").current_name() == name != before


def test_a_training_is_stopped_and_the_version_in_service_stays(server: Any, shop: Path) -> None:
    before = Versions(shop / "models").current_name()
    name = server.http.post("/trainings", json={}).json()["name"]
    until = time.monotonic() + 60
    while not server.http.get(f"/trainings/{name}").json()["stages"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    answer = server.http.delete(f"/trainings/{name}")
    assert (answer.status_code, answer.json()["state"]) == (200, "stopped"), answer.text
    assert holder(shop / FOLDER) is None
    assert server.http.delete(f"/trainings/{name}").json()["code"] == "training_ended"
    assert server.http.delete("/trainings/unheard").status_code == 404
    assert Versions(shop / "models").current_name() == before
    journal_lines = (shop / FOLDER / name / "journal.jsonl").read_text().splitlines()
    assert '"end": "stopped"' in journal_lines[-1]  # it ended by itself, nobody had to kill it


def test_a_training_that_was_killed_is_told_as_interrupted(server: Any, shop: Path) -> None:
    name = server.http.post("/trainings", json={}).json()["name"]
    running = holder(shop / FOLDER)
    assert running is not None and running.name == name
    os.kill(running.process, signal.SIGKILL)
    assert ended(server, name, 10)["state"] == "interrupted"


def test_a_training_of_a_terminal_shows_up(server: Any, shop: Path) -> None:
    with journal(shop, "full", "20300101T000000-term") as (name, kept):
        kept.stage("fitting", 1, 4)
        kept.scalar("sequence/everything/loss", 0.5, 1)
        kept.scalar("sequence/everything/loss", float("nan"), 2)
        found = server.http.get(f"/trainings/{name}").json()
        assert (found["state"], found["by"], found["stage"]) == ("running", "command line", "fitting")
        assert (found["stages"][0]["done"], found["stages"][0]["total"]) == (1, 4)
        assert found["curves"] == {"sequence/everything/loss": [[1, 0.5], [2, None]]}
        kept.ended("done", version="v")
    assert server.http.get("/trainings").json()["trainings"][0]["state"] == "done"


def test_two_journals_cannot_be_open(tmp_path: Path) -> None:
    with (
        journal(tmp_path, "full", "a"),
        pytest.raises(StateError, match="training a is running"),
        journal(tmp_path, "full", "b"),
    ):
        pass
    with pytest.raises(ZeroDivisionError), journal(tmp_path, "full", "c"):
        raise ZeroDivisionError("postgresql://shop:hush@db/x")
    found = TrainingRuns(tmp_path).get("c")
    assert found.state == "failed" and found.error is not None and "hush" not in found.error
    assert TrainingRuns(tmp_path).get("a").state == "interrupted"


def test_the_map_is_told_with_what_is_known_of_items_today(server: Any, shop: Path) -> None:
    assert server.http.get("/map").json()["code"] == "no_map"
    version = Versions(shop / "models").current().name
    n = 60
    positions = np.random.default_rng(0).uniform(-1, 1, (n, 2)).astype(np.float32)
    positions[5] = np.nan
    Maps(shop / "models").put(version, positions, {"drawn_at": "2030-01-01T00:00:00+00:00", "method": "UMAP"})

    legend = server.http.get("/map").json()
    assert legend["version"] == version and legend["in_service"]
    assert legend["grouped_by"] == "category"
    assert {group["name"]: group["n_items"] for group in legend["groups"]}["Kitchen"] == 10
    answer = server.http.get("/map/points")
    assert (answer.headers["ETag"], answer.headers["Content-Encoding"]) == (legend["points"], "gzip")
    body = answer.content
    count = int.from_bytes(body[8:12], "little")
    assert body[:4] == b"SWMP" and count == legend["n_items"] and len(body) == 16 + 22 * count
    xs = np.frombuffer(body, "<f4", count, 16)
    rows = np.frombuffer(body, "<u4", count, 16 + 16 * count)
    popularity = np.frombuffer(body, "<u4", count, 16 + 8 * count)
    assert popularity.max() == legend["most_popular"] > 0
    on_it = np.isin(rows, np.flatnonzero(~np.isnan(positions[:, 0])))
    assert np.array_equal(xs[on_it], positions[rows[on_it], 0])
    # The item without a place was put among what it is like.
    assert 5 in rows and legend["n_new"] >= 1
    again = server.http.get("/map/points", headers={"If-None-Match": legend["points"]})
    assert again.status_code == 304

    records = Records.open("sqlite:///shelfwise.db", shop)
    counts = InterestCounts(records)
    before = counts.now()
    server.http.post("/events", json={"user_id": "looker", "item_id": "lamp-red", "event": "view"}).raise_for_status()
    after = counts.now()
    assert after.sum() == before.sum() + 1 and np.array_equal(after, InterestCounts(records).now())
    records.close()

    named = server.http.post(
        "/map/items", json={"rows": [int(rows[0]), 10**6], "item_ids": ["lamp-red", "none"]}
    ).json()
    assert [item["item_id"] for item in named["items"]][1:] == ["lamp-red"]
    assert named["items"][1]["category"] == "Home > Lamps"


def test_versions_are_compared_over_http(server: Any, shop: Path) -> None:
    names = [one["version"] for one in server.http.get("/models").json()["models"]]
    assert len(names) >= 2
    found = server.http.get("/models/compare", params={"version": names[-2:]}).json()
    assert [column["version"] for column in found["columns"]] == names[-2:]
    assert any("was not evaluated" in note for note in found["notes"])
    assert server.http.get("/models/compare", params={"version": [names[0]]}).status_code == 422
    assert (
        server.http.get("/models/compare", params={"version": [names[0], names[0]]}).json()["code"]
        == "nothing_to_compare"
    )
    unknown = server.http.get("/models/unheard")
    assert unknown.status_code == 404 and str(shop) not in unknown.text
