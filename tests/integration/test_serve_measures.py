"""`GET /metrics` of real servers: what happened is counted, of all processes, and of nobody in particular."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.online


def numbers(server: Any) -> dict[str, float]:
    """Every sample by its name and labels."""
    answer = server.http.get(str(server.http.base_url.copy_with(path="/metrics")))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def soon(found: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 15
    while not found():
        assert time.monotonic() < ends_at
        time.sleep(0.05)


def folders(server: Any) -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"shelfwise-measures-{server.process.pid}-*"))


def test_what_happens_is_counted(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        for user in ("user-1", "user-2", "user-3", "user-3"):
            assert server.http.post("/recommend", json={"user_id": user}).status_code == 200
        server.http.post("/recommend", json={"user_id": "user-1", "scenario": "item", "items": ["none-such"]})
        event = {"event_id": "e1", "user_id": "secret-person", "item_id": "mug-red", "event": "view"}
        server.http.post("/events", json=[event, {**event, "event_id": "e2", "item_id": "none-such"}])
        server.http.post("/events", json=event)
        server.http.put("/items/new-thing", json={"title": "A new thing"})
        server.http.delete("/items/new-thing")
        assert server.http.get("/items/none%2Fsuch").status_code == 404
        assert server.http.get("/no-such-path").status_code == 404
        found = numbers(server)
        version = server.http.get("/health/ready").json()["model_version"]
        soon(lambda: numbers(server)["shelfwise_kept_answer_bytes"] > 0)
    one = 'shelfwise_request_seconds_count{method="%s",route="%s",status="%s"}'
    assert found[one % ("POST", "/v1/recommend", "2xx")] == 5
    assert found[one % ("GET", "/v1/items/{item_id}", "4xx")] == 1
    assert found[one % ("GET", "other", "4xx")] >= 1
    for stage in ("store", "retrieve", "rank", "slate"):
        assert found[f'shelfwise_stage_seconds_count{{stage="{stage}"}}'] >= 3
    assert found['shelfwise_answers_total{degraded="no",scenario="home"}'] == 4
    assert found['shelfwise_slates_total{found="kept"}'] == 1  # who did nothing since is given the same again
    assert found['shelfwise_slates_total{found="made"}'] == 4
    assert found['shelfwise_answers_total{degraded="yes",scenario="item"}'] == 1
    assert found['shelfwise_shortfalls_total{kind="unknown_item"}'] == 1
    assert found['shelfwise_events_total{status="stored"}'] == 1
    assert found['shelfwise_events_total{status="already_stored"}'] == 1
    assert found['shelfwise_events_total{status="refused"}'] == 1
    assert found['shelfwise_items_total{status="new"}'] == 1
    assert found['shelfwise_items_total{status="deleted"}'] == 1
    assert found[f'shelfwise_model_in_service{{version="{version}"}}'] == 1
    assert found["shelfwise_model_load_seconds"] > 0
    assert found["shelfwise_event_loop_late_seconds_count"] > 0
    assert found["shelfwise_lost_slates_total"] == 0
    told = " ".join(found)
    assert not re.search("secret-person|user-[123]|mug-red|new-thing|none-such|e1", told)


def test_the_numbers_are_those_of_all_processes(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop, workers=2) as server:
        assert len(folders(server)) == 1
        in_service = "shelfwise_model_in_service"

        def n_in_service() -> float:
            return sum(value for name, value in numbers(server).items() if name.startswith(in_service))

        soon(lambda: n_in_service() == 2)
        for _ in range(20):
            # A connection of its own each, so that both processes are asked.
            answer = server.http.post("/recommend", json={"k": 3}, headers={"Connection": "close"})
            assert answer.status_code == 200
        counted = 'shelfwise_answers_total{degraded="no",scenario="home"}'
        soon(lambda: numbers(server)[counted] == 20)
        worker = next(
            one
            for one in psutil.Process(server.process.pid).children(recursive=True)
            if "spawn_main" in " ".join(one.cmdline())
        )
        os.kill(worker.pid, signal.SIGKILL)
        soon(lambda: server.log().count("ready after") == 3)
        # What the dead one counted stays; that it has a model in service does not.
        soon(lambda: n_in_service() == 2)
        assert numbers(server)[counted] == 20
    assert folders(server) == []


def test_a_version_that_is_refused_is_counted(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop) as server:
        models = tiny_shop / "models"
        good = (models / "CURRENT").read_text()
        (models / "broken").mkdir()
        (models / "broken" / "manifest.json").write_text("{}")
        (models / "CURRENT").write_text("broken")
        soon(lambda: numbers(server)["shelfwise_refused_versions_total"] == 1)
        assert numbers(server)[f'shelfwise_model_in_service{{version="{good}"}}'] == 1
        (models / "CURRENT").write_text(good)
        # The traceback in the log is the refusal's own.
        (path := server.errors).write_text(path.read_text().replace("Traceback", "told"))


def test_top_tells_what_the_server_is_doing(serve: Any, tiny_shop: Path) -> None:
    with serve(tiny_shop, key="correct-horse-battery-staple") as server:
        command = [sys.executable, "-m", "shelfwise.cli.main", "top", "--url", f"http://127.0.0.1:{server.port}"]
        environment = os.environ | {"SHELFWISE_API_KEY": "correct-horse-battery-staple"}
        watching = subprocess.Popen(
            [*command, "--every", "4", "--json"], stdout=subprocess.PIPE, text=True, env=environment
        )
        while watching.poll() is None:
            server.http.post("/recommend", json={"user_id": "user-1"}).raise_for_status()
            time.sleep(0.02)
        told = json.loads(watching.communicate()[0])
        assert watching.returncode == 0
        refused = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"SHELFWISE_API_KEY": ""})
    busiest = told["routes"][0]
    assert busiest["route"] == "POST /v1/recommend"
    assert busiest["per_s"] > 0
    assert 0 < busiest["p50_ms"] <= busiest["p99_ms"]
    assert told["slates_per_s"]["home"] > 0
    assert len(told["models"]) == 1
    assert told["drift"] == {} or "home scores" in told["drift"]
    assert refused.returncode == 2
    assert "scope metrics" in refused.stderr
