"""The client by itself: what it imports, repeats, keeps and never says."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from shelfwise.client import (
    BufferFullError,
    BusyError,
    Client,
    Event,
    Item,
    NoAccessError,
    NotThereError,
    RefusedError,
    Retries,
    ServerError,
    UnreachableError,
    UnsentError,
    asynchronous,
    calls,
    sync,
)
from shelfwise.client.buffer import EventBuffer, Refusal
from shelfwise.client.connection import Connection
from shelfwise.client.failures import failure_of
from shelfwise.client.journal import Journal
from shelfwise.errors import ConfigError, DataError, StateError

SECRET = "sw_0a1b2c3d4e5f_" + "s" * 43
VIEW = {"user_id": "kim", "item_id": "mug-red", "event": "view"}

Handler = Callable[[httpx.Request], httpx.Response]


def talking_to(handler: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of httpx that is made from now on is answered by a function."""
    transport = httpx.MockTransport(handler)
    real = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **options: real(transport=transport, **options))
    monkeypatch.setattr("time.sleep", lambda _: None)


def busy(headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.Response(503, json={"code": "loading", "detail": "loading", "hint": "ask again"}, headers=headers)


def stored(request: httpx.Request) -> httpx.Response:
    sent = json.loads(request.content)
    results = [{"status": "stored", "errors": []} for _ in sent]
    return httpx.Response(202, json={"stored": len(sent), "already_stored": 0, "refused": 0, "events": results})


def scripted(*answers: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        answer = answers[min(len(seen), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handler, seen


def test_importing_it_brings_nothing_heavy() -> None:
    heavy = ("numpy", "torch", "fastapi", "polars", "sqlalchemy", "orjson", "onnxruntime")
    script = f"import sys, shelfwise.client; print([one for one in {heavy!r} if one in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_both_clients_have_the_same_methods() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert public(sync.Client) == public(asynchronous.AsyncClient)
    made = {name for name, one in vars(calls).items() if getattr(one, "__module__", "") == calls.__name__}
    called = {name for name in made if not name.startswith("_")} - {"Call", "M", "T", "named", "put_lines"}
    assert called <= public(sync.Client)


def test_the_key_is_in_no_repr_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, seen = scripted(httpx.ConnectError("nobody there"))
    talking_to(handler, monkeypatch)
    monkeypatch.setenv("SHELFWISE_API_KEY", SECRET)
    client = Client("https://shop.example")
    with pytest.raises(UnreachableError) as raised:
        client.models()
    assert seen[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(client) + repr(raised.value) + str(raised.value)
    with pytest.raises(ConfigError) as refused:
        Client(api_key=f"{SECRET}\n")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("url", ["shop.example", "ftp://shop.example", "https://", "https://kim:secret@shop.example"])
def test_urls_that_lead_nowhere_are_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(ConfigError, match="no URL of a server") as refused:
        Client(url)
    assert "secret" not in str(refused.value)


def test_what_may_be_repeated_is_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = httpx.Response(200, json={"models": []})
    handler, seen = scripted(busy(), httpx.ReadTimeout("late"), httpx.Response(429), answer)
    talking_to(handler, monkeypatch)
    assert Client().models().models == []
    assert len(seen) == 4


def test_it_gives_up_at_last_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, seen = scripted(busy({"Retry-After": "1"}))
    talking_to(handler, monkeypatch)
    with pytest.raises(BusyError, match="loading") as raised:
        Client(retries=Retries(n=2)).models()
    assert (len(seen), raised.value.status, raised.value.code, raised.value.hint, raised.value.retry_after_s) == (
        3,
        503,
        "loading",
        "ask again",
        1.0,
    )


def test_it_does_not_wait_longer_than_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, seen = scripted(busy({"Retry-After": "3600"}))
    talking_to(handler, monkeypatch)
    with pytest.raises(BusyError):
        Client().models()
    assert len(seen) == 1


def test_what_would_be_done_twice_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, seen = scripted(httpx.ReadError("broken"), httpx.Response(200))
    talking_to(handler, monkeypatch)
    client = Client()
    for call in (
        client.roll_back_model,
        lambda: client.erase_user("kim"),
        lambda: client.put_item(Item(item_id="a"), if_match='"x"'),
        lambda: client.put_rules({}, author="kim"),
    ):
        seen.clear()
        with pytest.raises(UnreachableError):
            call()
        assert len(seen) == 1


def test_an_item_that_a_first_try_deleted_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = httpx.Response(404, json={"code": "unknown_item", "detail": "there is no item"})
    handler, _ = scripted(httpx.ReadError("broken"), gone)
    talking_to(handler, monkeypatch)
    assert Client().delete_item("a") is None
    with pytest.raises(NotThereError):
        Client().delete_item("a")


def test_an_event_keeps_its_id_over_all_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[Any] = []

    def handler(request: httpx.Request) -> httpx.Response:
        bodies.append(json.loads(request.content))
        return busy() if len(bodies) < 3 else stored(request)

    talking_to(handler, monkeypatch)
    assert Client().add_event(Event.model_validate(VIEW)).stored == 1
    assert len({body[0]["event_id"] for body in bodies}) == 1 and len(bodies) == 3


def test_an_answer_of_somebody_else_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, _ = scripted(httpx.Response(200, text="<html>sign in, kim</html>"))
    talking_to(handler, monkeypatch)
    with pytest.raises(ServerError, match="not of the form") as raised:
        Client().models()
    assert "kim" not in repr(raised.value) and raised.value.__cause__ is None


def test_errors_travel_between_processes() -> None:
    answer = httpx.Response(
        401,
        json={"code": "no_key", "detail": "d", "hint": "h", "errors": [{"field": "a", "code": "b", "message": "c"}]},
    )
    error = pickle.loads(pickle.dumps(failure_of(answer)))
    assert isinstance(error, NoAccessError)
    assert (error.status, error.code, error.hint, error.fields[0].field) == (401, "no_key", "h", "a")
    assert pickle.loads(pickle.dumps(UnsentError([Event.model_validate(VIEW)]))).events[0].user_id == "kim"
    assert pickle.loads(pickle.dumps(BufferFullError(3, None))).code == "buffer_full"


@pytest.mark.parametrize("n_failed", [1, 2, 5, 1_000])
def test_pauses_grow_and_have_an_end(n_failed: int) -> None:
    retries = Retries(first_wait_s=0.1, longest_wait_s=3)
    most = min(3, 0.1 * 2 ** min(n_failed - 1, 20))
    waits = {retries.wait_s(n_failed) for _ in range(50)}
    assert all(most / 2 <= wait <= most for wait in waits) and len(waits) > 1
    assert 7 <= retries.wait_s(n_failed, 7) <= 7.1


# Buffers


@pytest.fixture
def connection() -> Connection:
    return Connection("http://shop.example", None, 1.0)


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A server that is down until the event is set, and the ids that it stored."""
    opened = threading.Event()

    def handler(request: httpx.Request) -> httpx.Response:
        if not opened.is_set():
            raise httpx.ConnectError("nobody there")
        return stored(request)

    talking_to(handler, monkeypatch)
    return opened


def event(number: int) -> Event:
    return Event.model_validate({**VIEW, "event_id": f"e{number}"})


def test_a_full_buffer_says_so_or_waits_and_loses_nothing(connection: Connection, shut: threading.Event) -> None:
    full = EventBuffer(connection, capacity=2, when_full="raise")
    full.add_many([event(0), event(1)])
    with pytest.raises(BufferFullError, match="2 events wait"):
        full.add(event(2))
    assert [one.event_id for one in full.close(0.05)] == ["e0", "e1"]
    waiting = EventBuffer(connection, capacity=2, flush_every_s=0.01)
    thread = threading.Thread(target=waiting.add_many, args=([event(number) for number in range(6)],))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive() and len(waiting) == 2
    shut.set()
    thread.join(20)
    assert waiting.close() == [] and waiting.n_acknowledged == 6
    with pytest.raises(StateError, match="closed"):
        waiting.add(event(9))


@pytest.mark.usefixtures("shut")
def test_leaving_events_in_memory_is_an_error_that_holds_them(connection: Connection) -> None:
    buffer = EventBuffer(connection)
    buffer.close = lambda within_s=0.05: EventBuffer.close(buffer, within_s)  # type: ignore[method-assign]
    with pytest.raises(UnsentError) as raised, buffer:
        buffer.add(event(0))
    assert [one.event_id for one in raised.value.events] == ["e0"]


def test_a_file_keeps_events_over_a_restart(connection: Connection, shut: threading.Event, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    first = EventBuffer(connection, path=path)
    first.add_many([event(number) for number in range(250)])
    with pytest.raises(StateError, match="another buffer holds"):
        EventBuffer(connection, path=path)
    assert len(first.close(0)) == 250
    with path.open("ab") as file:
        file.write(b'{"event_id": "torn')
    shut.set()
    with EventBuffer(connection, path=path) as second:
        assert second.flush(20) == 0
        assert second.n_acknowledged == 250
    assert path.read_bytes() == b"" and path.stat().st_mode & 0o777 == 0o600


def test_the_file_is_written_anew_when_much_of_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shelfwise.client.journal.REWRITE_BYTES", 500)
    journal = Journal(tmp_path / "events.jsonl")
    for number in range(20):
        journal.append(event(number))
    journal.take_out(15)
    journal.append(event(20))
    assert len(journal.path.read_bytes().splitlines()) == 6
    journal.close()
    again = Journal(tmp_path / "events.jsonl")
    assert [one.event_id for one in again.read()] == [f"e{number}" for number in range(15, 21)]
    again.take_out(2)
    again.close()


def test_a_file_of_something_else_is_not_thrown_away(connection: Connection, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text("what is this\n")
    with pytest.raises(DataError, match=r"events.jsonl:1: this line is no event"):
        EventBuffer(connection, path=path)
    path.unlink()
    EventBuffer(connection, path=path).close()  # the lock was let go


def test_what_is_refused_is_told_and_the_rest_goes_on(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    why = {"field": "item_id", "code": "unknown_item", "message": "there is no item"}

    def handler(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        bad = [one["event_id"] == "e1" for one in sent]
        if all(bad):
            return httpx.Response(422, json={"code": "all_refused", "detail": "none", "errors": [why]})
        results = [
            {"status": "refused", "errors": [why]} if is_bad else {"status": "stored", "errors": []} for is_bad in bad
        ]
        return httpx.Response(
            202, json={"stored": len(bad) - sum(bad), "already_stored": 0, "refused": sum(bad), "events": results}
        )

    talking_to(handler, monkeypatch)
    told: list[Refusal] = []
    path = tmp_path / "events.jsonl"
    with EventBuffer(connection, path=path, on_refused=told.append) as buffer:
        buffer.add_many([event(0), event(1), event(2)])
        buffer.flush(20)
        buffer.add(event(1))
        buffer.flush(20)
    assert [(one.event.event_id, one.errors[0].code) for one in told] == [("e1", "unknown_item")] * 2
    assert (buffer.n_acknowledged, buffer.n_refused) == (2, 2)
    assert Path(f"{path}.refused").read_text().count('"e1"') == 2


def test_a_key_that_does_not_hold_costs_no_event(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    no = httpx.Response(401, json={"code": "expired_key", "detail": "the API key has ended"})
    handler, _ = scripted(no)
    talking_to(handler, monkeypatch)
    buffer = EventBuffer(connection, flush_every_s=0)
    buffer.add(event(0))
    assert buffer.flush(0.1) == 1
    assert isinstance(buffer.last_error, NoAccessError)
    assert len(buffer.close(0)) == 1


@pytest.mark.usefixtures("shut")
def test_a_buffer_belongs_to_one_process(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = EventBuffer(connection)
    with monkeypatch.context() as patched:
        patched.setattr(os, "getpid", lambda: -1)
        with pytest.raises(StateError, match="another process"):
            buffer.add(event(0))
    buffer.close(0)


def test_a_request_that_is_wrong_as_a_whole_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    handler, seen = scripted(httpx.Response(422, json={"code": "too_many", "detail": "the body holds 1,001 events"}))
    talking_to(handler, monkeypatch)
    with pytest.raises(RefusedError, match="1,001"):
        Client().add_events([event(0)])
    assert len(seen) == 1
