"""The least of HTTP/1.1 that a load generator needs, so that most of the two cores is left to the server."""

from __future__ import annotations

import asyncio
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Connection:
    """One keep-alive connection; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, request: bytes) -> Answer:
        """Send a whole request and wait for its answer; connects where there is no connection.

        Raises:
            OSError: nobody answers there.
        """
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            body = await self._reader.readexactly(length) if length else b""
        except (asyncio.IncompleteReadError, OSError) as cause:
            self.close()
            raise OSError("the connection ended") from cause
        return Answer(int(lines[0].split(b" ", 2)[1]), body)

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


def post(path: str, body: bytes) -> bytes:
    """A request, ready to be sent."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body
