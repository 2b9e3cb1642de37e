"""What comes over a connection before there is a request: heads that do not end, and what is no HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config

from shelfwise.serve import connection
from shelfwise.serve.connection import MAX_HEAD_BYTES, MAX_PIPELINED, MAX_URL_BYTES, Connection
from shelfwise.serve.worker import PatientServer


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers a request with its body; `/early` before it came, `/slow` after two seconds."""
    assert scope["type"] == "http"
    body, more = b"", scope["path"] != "/early"
    if scope["path"] == "/slow":
        await asyncio.sleep(2)
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = [(b"content-length", str(len(body)).encode()), (b"n-headers", str(len(scope["headers"])).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def listening() -> AsyncGenerator[int]:
    """The port of a server that answers what it is sent."""
    config = Config(echo, http=Connection, ws="none", lifespan="off", log_config=None, server_header=False)
    server = PatientServer(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        await task


async def sent(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """What comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


async def sent_too_much(port: int, *parts: bytes, pause_s: float = 0.0) -> bytes:
    """As `sent`; nothing where it was hung up on while it still sent."""
    try:
        return await sent(port, *parts, pause_s=pause_s)
    except ConnectionError:
        return b""


def problem_of(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower() and b"connection: close" in head.lower()
    return json.loads(body)


HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"


def test_a_head_that_comes_in_pieces_is_read() -> None:
    async def check() -> None:
        async with listening() as port:
            answer = await sent(port, HEAD[:20], HEAD[20:], b"Connection: close\r\n\r\nhe", b"llo", pause_s=0.02)
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\nhello")

    asyncio.run(check())


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"


@pytest.mark.parametrize(
    ("parts", "answered"),
    [
        ((), b""),  # says nothing at all
        ((HEAD,), b""),
        ((HEAD + b"\r\nhe",), b""),
        ((HEAD + b"\r\nhello", HEAD), b"hello"),  # the second request of a connection has no longer
        ((GET, b"\r\n"), b"\r\n\r\n"),  # nothing that begins one
        ((HEAD.replace(b"/ ", b"/early ") + b"\r\n", b"h"), b"\r\n\r\n"),  # the answer was there before its body
        ((CHUNKED + b"X: y\r\n",), b""),
    ],
)
def test_who_does_not_finish_is_hung_up_on(
    parts: tuple[bytes, ...], answered: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.3)
    monkeypatch.setattr(connection, "KEEP_ALIVE_S", 0.3)

    async def check() -> None:
        async with listening() as port:
            answer = await sent(port, *parts, pause_s=0.05)
            assert answer.endswith(answered) if answered else answer == b""

    asyncio.run(check())


def test_who_does_not_read_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "UNREAD_S", 0.3)

    async def check() -> None:
        async with listening() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            n_bytes = 30_000_000
            writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % n_bytes + b"x" * n_bytes)

            async def go_on() -> None:
                for _ in range(100):
                    await asyncio.sleep(0.1)
                    writer.write(b"\r\n")
                    await writer.drain()

            with pytest.raises(ConnectionError):
                await go_on()
            assert not reader.at_eof()

    asyncio.run(check())


def test_what_is_answered_slowly_is_answered_whatever_comes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.3)
    slow = HEAD.replace(b"/ ", b"/slow ") + b"\r\nhello"

    async def check() -> None:
        async with listening() as port:
            assert (await sent(port, slow + HEAD)).endswith(b"hello")
            # What cannot be read is no answer to it.
            assert await sent(port, slow, b"nonsense\r\n\r\n", pause_s=0.05) == b""

    asyncio.run(check())


def test_a_slow_answer_or_body_is_not_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 1.5)

    async def check() -> None:
        async with listening() as port:
            parts = (HEAD + b"Connection: close\r\n\r\n", b"he", b"llo")
            assert (await sent(port, *parts, pause_s=0.3)).endswith(b"hello")

    asyncio.run(check())


def test_a_body_that_we_do_not_read_on_is_not_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 0.3)

    async def check() -> None:
        body = b"x" * 1_000_000
        head = b"POST /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        async with listening() as port:
            assert (await sent(port, head + body)).endswith(body)

    asyncio.run(check())


def test_a_head_without_end_is_refused() -> None:
    async def check() -> None:
        async with listening() as port:
            line = b"X-Padding: " + b"x" * 1_000 + b"\r\n"
            try:
                answer = await sent(port, HEAD, *[line] * (MAX_HEAD_BYTES // 1_000 + 1), pause_s=0.001)
            except ConnectionResetError:
                return  # hung up on while still sending
            assert problem_of(answer)["code"] == "head_too_large"

    asyncio.run(check())


@pytest.mark.parametrize(
    "nonsense",
    [b"hello\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"CONNECT a:1 HTTP/1.1\r\n\r\n"],
)
def test_what_is_no_http_is_a_problem(nonsense: bytes) -> None:
    async def check() -> None:
        async with listening() as port:
            assert problem_of(await sent(port, nonsense))["code"] == "bad_http"

    asyncio.run(check())


def test_an_offer_to_speak_another_protocol_is_passed_over() -> None:
    """As clients of Java make it with their first request."""

    async def check() -> None:
        offer = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
        async with listening() as port:
            answer = await sent(
                port, HEAD + offer + b"\r\nhello", HEAD + b"Connection: close\r\n\r\nagain", pause_s=0.1
            )
            assert answer.count(b"HTTP/1.1 200 OK") == 2 and b"hello" in answer and answer.endswith(b"again")

    asyncio.run(check())


def test_what_follows_a_body_is_bounded_and_not_kept() -> None:
    async def check() -> None:
        async with listening() as port:
            lines = [b"X%d: y\r\n" % number * 1_000 for number in range(20)]
            # Its request is not over: nothing is answered.
            assert await sent_too_much(port, CHUNKED, *lines, pause_s=0.001) == b""
            short = CHUNKED.replace(b"Host: x", b"Host: x\r\nConnection: close")
            answer = await sent(port, short + b"X: y\r\n\r\n")
            assert answer.endswith(b"hello") and b"n-headers: 3\r\n" in answer

    asyncio.run(check())


def test_a_long_body_is_no_long_head() -> None:
    async def check() -> None:
        body = b"x" * (MAX_HEAD_BYTES + 5_000)
        whole = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        async with listening() as port:
            answer = await sent(port, whole + GET[:20], GET[20:-2] + b"Connection: close\r\n\r\n", pause_s=0.1)
            assert answer.count(b"HTTP/1.1 200 OK") == 2

    asyncio.run(check())


def test_requests_that_do_not_wait_for_answers_are_bounded() -> None:
    async def check() -> None:
        async with listening() as port:
            last = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            answer = await sent(port, GET * (MAX_PIPELINED - 1) + last)
            assert answer.count(b"HTTP/1.1 200 OK") == MAX_PIPELINED
            assert (await sent_too_much(port, GET * 5_000)).count(b"HTTP/1.1 200 OK") <= MAX_PIPELINED + 1

    asyncio.run(check())


def test_offers_one_upon_the_other_are_refused() -> None:
    async def check() -> None:
        offer = GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
        async with listening() as port:
            assert (await sent_too_much(port, offer * 4_000)).count(b"HTTP/1.1 200 OK") <= 1

    asyncio.run(check())


def test_a_url_that_nobody_reads_is_refused() -> None:
    async def check() -> None:
        async with listening() as port:
            url = b"/?" + b"x" * MAX_URL_BYTES
            answer = await sent(port, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % url)
            assert problem_of(answer)["code"] == "url_too_long" and answer.startswith(b"HTTP/1.1 414 ")

    asyncio.run(check())
