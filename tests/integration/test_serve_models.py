"""A server and the model versions: swapped without a failed request, refused where they cannot answer."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from shelfwise.store.versions import Versions

pytestmark = pytest.mark.online


def another(shop: Path, name: str) -> str:
    """A copy of the version in service under another name, not in service."""
    versions = Versions(shop / "models")
    shutil.copytree(versions.current().folder, shop / "models" / name)
    manifest = shop / "models" / name / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"version": name}))
    return name


def in_service(server: Any) -> str:
    answer = server.http.post("/recommend", json={"user_id": "user-1"})
    answer.raise_for_status()
    return str(answer.json()["model_version"])


def wait(until: Callable[[], bool], seconds: float = 20) -> None:
    started = time.perf_counter()
    while not until():
        assert time.perf_counter() - started < seconds
        time.sleep(0.05)


class Load:
    """Requests one after the other, from a thread and over a connection of its own, until it is told to stop."""

    def __init__(self, server: Any) -> None:
        self.statuses: list[int] = []
        self._stop = threading.Event()
        self._base = str(server.http.base_url)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(base_url=self._base, timeout=20) as http:
            while not self._stop.is_set():
                self.statuses.append(http.post("/recommend", json={"user_id": "user-2"}).status_code)


def test_versions_are_swapped_under_load_without_a_failed_request(tiny_shop: Path, serve: Any) -> None:
    versions = Versions(tiny_shop / "models")
    first = versions.current().name
    names = [another(tiny_shop, f"20300101T00000{n}-aaaa") for n in range(2)]
    with serve(tiny_shop) as server, Load(server) as load:
        for name in names:
            versions.promote(name)
            wait(lambda name=name: in_service(server) == name)
        versions.roll_back()
        wait(lambda: in_service(server) == names[0])
        versions.promote(first)
        wait(lambda: in_service(server) == first)
    assert len(load.statuses) > 50
    assert set(load.statuses) == {200}


def test_a_version_that_cannot_be_loaded_is_refused_and_the_old_one_stays(tiny_shop: Path, serve: Any) -> None:
    versions = Versions(tiny_shop / "models")
    first = versions.current().name
    broken = another(tiny_shop, "20300101T000000-bbbb")
    for graph in (tiny_shop / "models" / broken).rglob("*.onnx"):
        graph.write_bytes(b"no graph")
    with serve(tiny_shop) as server, Load(server) as load:
        versions.promote(broken)
        wait(lambda: "is refused" in server.log())
        assert in_service(server) == first
        time.sleep(0.6)  # it is not tried again and again
        assert server.log().count("is refused") == 1
        whole = another(tiny_shop, "20300101T000001-cccc") if versions.promote(first) else ""
        versions.promote(whole)
        wait(lambda: in_service(server) == whole)
        expected = server.log().replace("Traceback", "")  # of the refusal, which the log explains by it
        server.errors.write_text(expected)
    assert set(load.statuses) == {200}


def test_a_server_without_a_model_takes_up_the_first(tiny_shop: Path, serve: Any) -> None:
    shutil.move(tiny_shop / "models", tiny_shop / "aside")
    with serve(tiny_shop, ready=503) as server:
        assert server.http.post("/recommend", json={}).json()["code"] == "no_model"
        server.http.put("/items/early", json={"title": "Zeppelin teapot"}).raise_for_status()
        shutil.move(tiny_shop / "aside", tiny_shop / "models")
        wait(lambda: server.http.get("/health/ready").status_code == 200)
        assert server.http.post("/recommend", json={"k": 3}).json()["items"]

        def found() -> list[str]:
            answer = server.http.post("/search", json={"query": "zeppelin"})
            return [] if answer.is_error else [item["item_id"] for item in answer.json()["items"]]

        wait(lambda: found() == ["early"])


def test_swaps_do_not_fill_memory(tiny_shop: Path, serve: Any) -> None:
    versions = Versions(tiny_shop / "models")
    first, second = versions.current().name, another(tiny_shop, "20300101T000000-dddd")
    with serve(tiny_shop) as server:
        worker = psutil.Process(server.process.pid).children(recursive=True)[-1]

        def swapped(n: int) -> int:
            for number in range(n):
                name = (second, first)[number % 2]
                versions.promote(name)
                wait(lambda: in_service(server) == name)  # noqa: B023
            return worker.memory_info().rss

        after_few = swapped(4)
        assert swapped(10) < 1.1 * after_few


def test_what_one_worker_acknowledged_every_worker_knows(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, workers=2) as server:
        base = str(server.http.base_url)
        for number in range(12):
            # A new connection each: any of the workers accepts it.
            with httpx.Client(base_url=base, timeout=20) as http:
                item = f"fresh-{number}"
                assert http.put(f"/items/{item}", json={"title": "Red mug", "category": "Kitchen"}).status_code == 201
            with httpx.Client(base_url=base, timeout=20) as http:
                shown = http.post("/recommend", json={"k": 100}).json()["items"]
                assert item in {one["item_id"] for one in shown}
            with httpx.Client(base_url=base, timeout=20) as http:
                assert http.delete(f"/items/{item}").status_code == 204
            with httpx.Client(base_url=base, timeout=20) as http:
                shown = http.post("/recommend", json={"k": 100}).json()["items"]
                assert item not in {one["item_id"] for one in shown}
        assert len(workers_of(server)) == 2


def workers_of(server: Any) -> list[psutil.Process]:
    """The processes that answer, without those that are dead or help the supervisor."""
    found = []
    for one in psutil.Process(server.process.pid).children():
        try:
            is_worker = one.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(one.cmdline())
        except psutil.Error:
            continue
        if is_worker:
            found.append(one)
    return found


def test_a_worker_that_dies_is_replaced(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, workers=2, killed=True) as server:
        before = workers_of(server)
        assert len(before) == 2
        before[0].kill()
        wait(lambda: len(workers_of(server)) == 2 and before[0] not in workers_of(server))
        wait(lambda: server.log().count("ready after") == 3)
        for _ in range(10):
            with httpx.Client(base_url=str(server.http.base_url), timeout=20) as http:
                assert http.post("/recommend", json={"k": 3}).status_code == 200
