"""What comes over a connection before there is a request: heads that do not end, and what is no HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config, Server

from shelfwise.serve import connection
from shelfwise.serve.connection import MAX_HEAD_BYTES, MAX_URL_BYTES, Connection


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers a request with its body."""
    assert scope["type"] == "http"
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def listening() -> AsyncGenerator[int]:
    """The port of a server that answers what it is sent."""
    config = Config(echo, http=Connection, ws="none", lifespan="off", log_config=None, server_header=False)
    server = Server(config)
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


def test_who_does_not_finish_a_head_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.3)

    async def check() -> None:
        async with listening() as port:
            assert await sent(port) == b""  # says nothing at all
            assert await sent(port, HEAD) == b""
            # The second request of a connection has as long as the first.
            first = HEAD + b"\r\nhello"
            assert (await sent(port, first + HEAD)).endswith(b"hello")
            assert (await sent(port, first, HEAD, pause_s=0.05)).endswith(b"hello")

    asyncio.run(check())


def test_a_slow_answer_or_body_is_not_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.2)

    async def check() -> None:
        async with listening() as port:
            parts = (HEAD + b"Connection: close\r\n\r\n", b"he", b"llo")
            assert (await sent(port, *parts, pause_s=0.3)).endswith(b"hello")

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


def test_a_url_that_nobody_reads_is_refused() -> None:
    async def check() -> None:
        async with listening() as port:
            url = b"/?" + b"x" * MAX_URL_BYTES
            answer = await sent(port, b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n" % url)
            assert problem_of(answer)["code"] == "url_too_long" and answer.startswith(b"HTTP/1.1 414 ")

    asyncio.run(check())
