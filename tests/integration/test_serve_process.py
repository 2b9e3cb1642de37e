"""The server as a process: start, stop, kill, keys, what it loads."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = pytest.mark.online

KEY = "correct-horse-battery-staple"


def tree(server: Any) -> list[psutil.Process]:
    main = psutil.Process(server.process.pid)
    return [main, *main.children(recursive=True)]


def test_it_answers_within_three_seconds(tiny_shop: Path, serve: Any) -> None:
    """On a machine that imports the server's libraries in 0.6 s; a loaded one takes longer for both."""
    took, libraries = [], "import fastapi, numpy, onnxruntime, scipy.sparse, sqlalchemy"
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", libraries], check=True, timeout=60)
        unit = max(1.0, (time.perf_counter() - started) / 0.6)
        with serve(tiny_shop) as server:
            took.append(server.ready_after_s / unit)
    assert min(took) < 3, took


def test_it_never_loads_torch(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop) as server:
        server.http.put("/items/fresh", json={"title": "Blue kite"}).raise_for_status()
        server.http.post("/recommend", json={"user_id": "user-1"}).raise_for_status()
        loaded = {Path(part.path).name for process in tree(server) for part in process.memory_maps()}
    assert any("onnxruntime" in name for name in loaded)
    assert not [name for name in loaded if "torch" in name]


MODULES = """
import sys
from pathlib import Path
from shelfwise.config.load import load
from shelfwise.serve.app import create_app
from shelfwise.serve.service import Service
from shelfwise.schemas.items import Item
from shelfwise.schemas.queries import Query

folder = Path(sys.argv[1])
create_app(folder).openapi()
service = Service.open(folder, load(folder))
service.recommender.recommend(Query(user_id="user-1"))
service.recommender.live.encode(Item(item_id="x", title="Blue kite"))
service.records.close()
unwanted = ("torch", "transformers", "lightgbm", "polars", "alembic", "cryptography", "scipy.optimize")
print([name for name in unwanted if name in sys.modules])
"""


def test_serving_imports_nothing_of_training(tiny_shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MODULES, str(tiny_shop)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"


def test_the_supervisor_loads_nothing_of_what_its_workers_do() -> None:
    code = "import sys, shelfwise.serve.run; print([name for name in ('numpy', 'fastapi') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_importing_the_package_is_quick() -> None:
    def took(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
        return time.perf_counter() - started

    took("import shelfwise")
    pairs = [(took("import shelfwise"), took("pass")) for _ in range(7)]
    assert statistics.median(with_it - bare for with_it, bare in pairs) < 0.2


def test_what_was_acknowledged_survives_a_kill(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, killed=True) as server:
        for number in range(20):
            event = {
                "user_id": "survivor",
                "item_id": "mug-red",
                "event": "purchase",
                "event_id": f"e{number}",
            }
            server.http.post("/events", json=event).raise_for_status()
        server.http.put("/items/survivor", json={"title": "White lamp"}).raise_for_status()
        for process in reversed(tree(server)):
            process.kill()
    with serve(tiny_shop) as server:
        assert server.http.get("/health/ready").json()["events"] == 420
        shown = server.http.post("/recommend", json={"user_id": "survivor", "k": 60}).json()["items"]
        assert "mug-red" not in {item["item_id"] for item in shown}
        # Taken up at the start, since the model is older than the item.
        assert "survivor" in {item["item_id"] for item in shown}
        assert server.http.get("/items/survivor/similar").json()["items"]


def test_the_worker_does_not_outlive_its_supervisor(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, killed=True) as server:
        workers = tree(server)[1:]
        server.process.kill()
        _, alive = psutil.wait_procs(workers, timeout=10)
        assert workers and not alive


def test_what_another_process_stored_is_no_obstacle(tiny_shop: Path, serve: Any) -> None:
    from shelfwise.schemas.events import CODE_BY_KIND, EventKind
    from shelfwise.schemas.items import Item
    from shelfwise.store import catalogue, event_log
    from shelfwise.store.event_log import EventRow
    from shelfwise.store.records import Records

    with serve(tiny_shop) as server:
        records = Records.open("sqlite:///shelfwise.db", tiny_shop)
        view = EventRow(b"outsider-event-1", "outsider", "ingested", CODE_BY_KIND[EventKind.VIEW], 1_700_000_000_000)
        with records.write() as connection:
            catalogue.upsert(connection, [Item(item_id="ingested", title="Ingested")])
            assert event_log.append(connection, [view], None).stored == [0]
        records.close()
        assert server.http.post("/recommend", json={"user_id": "outsider"}).status_code == 200
        shown = server.http.post("/recommend", json={"k": 100}).json()["items"]
        assert "ingested" in {item["item_id"] for item in shown}


def test_without_a_model_events_are_stored(tiny_shop: Path, serve: Any) -> None:
    shutil.rmtree(tiny_shop / "models")
    with serve(tiny_shop, ready=503) as server:
        assert server.http.get("/health/ready").json()["code"] == "no_model"
        assert server.http.get("/health/live").status_code == 200
        answer = server.http.post("/recommend", json={})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_model")
        event = {"user_id": "u", "item_id": "mug-red", "event": "view"}
        assert server.http.post("/events", json=event).json()["stored"] == 1
        assert server.http.put("/items/first", json={"title": "x"}).status_code == 201


def test_a_shop_that_cannot_be_opened_says_so(tiny_shop: Path, serve: Any) -> None:
    (tiny_shop / "shelfwise.db").write_bytes(b"no database" * 100)
    for left_over in tiny_shop.glob("shelfwise.db-*"):
        left_over.unlink()
    with serve(tiny_shop, ready=503) as server:
        answer = server.http.get("/health/ready")
        assert answer.json()["code"] == "cannot_open"
        assert str(tiny_shop) not in answer.text
        assert "cannot be opened as a database" in server.log()


def test_a_key_in_the_environment_is_asked_for(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop, host="0.0.0.0", key=KEY) as server:
        assert server.http.post("/recommend", json={}).status_code == 200
        for header in ("", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer"):
            answer = server.http.post("/recommend", json={}, headers={"Authorization": header})
            assert answer.status_code == 401, header
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["content-type"] == "application/problem+json"
        for path in ("/health/ready", "/openapi.json", "/items/mug-red", "/nothing"):
            assert server.http.get(path, headers={"Authorization": ""}).status_code == 401
        assert server.http.get("/health/live", headers={"Authorization": ""}).status_code == 200
        assert server.http.get("/openapi.json").json()["components"]["securitySchemes"]
        assert KEY not in server.log()


STARTER = """
import sys
from pathlib import Path
from shelfwise.errors import ShelfwiseError
from shelfwise.serve.run import serve

try:
    serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
except ShelfwiseError as error:
    print(error, file=sys.stderr)
    raise SystemExit(error.exit_code)
"""


def start(shop: Path, host: str, port: int, key: str | None = None) -> tuple[int, str]:
    environment = {"PYTHONPATH": ":".join(sys.path)} | ({} if key is None else {"SHELFWISE_API_KEY": key})
    done = subprocess.run(
        [sys.executable, "-c", STARTER, str(shop), host, str(port)],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def bare_shop(tmp_path: Path) -> Path:
    (tmp_path / "shop.toml").write_text("version = 1\n")
    return tmp_path


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_other_machines_are_not_let_in_without_a_key(bare_shop: Path, host: str) -> None:
    code, message = start(bare_shop, host, 8080)
    assert code == 2
    assert "SHELFWISE_API_KEY" in message and "no API key" in message


def test_a_short_key_is_refused(bare_shop: Path) -> None:
    code, message = start(bare_shop, "127.0.0.1", 8080, key="hunter2")
    assert code == 2
    assert "7 characters" in message and "hunter2" not in message


def test_a_port_that_is_taken(bare_shop: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, message = start(bare_shop, "127.0.0.1", other.getsockname()[1])
    assert code == 3
    assert "is taken" in message


def test_a_second_server_does_not_share_the_port(tiny_shop: Path, serve: Any) -> None:
    with serve(tiny_shop) as server:
        code, message = start(tiny_shop, "127.0.0.1", server.port)
    assert code == 3
    assert "is taken" in message


def test_wrong_addresses_and_folders(bare_shop: Path) -> None:
    assert start(bare_shop, "no.such.host.invalid", 8080, key=KEY)[0] == 2
    code, message = start(bare_shop / "nowhere", "127.0.0.1", 8080)
    assert code == 2
    assert "no such folder" in message
