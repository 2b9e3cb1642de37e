"""One connection: HTTP/1.1, whose requests begin in time and are of a bounded size."""

from __future__ import annotations

import asyncio

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shelfwise.serve.problems import problem

HEAD_TIMEOUT_S = 30
"""In which a request's head (its line and headers) is sent, or the connection is closed."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a head that comes in pieces; one that comes at once is no longer than what is read at once."""

MAX_URL_BYTES = 65_535
"""The parser takes none that are longer."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, which would wait for a head for ever, however long it grows.

    Whoever opens connections and sends nothing, or a header a minute, would take up the server's file descriptors
    and its memory. (Bodies are bounded by `BodyLimit`; connections between two requests by the keep-alive time.)

    Who offers to speak another protocol from here on is answered in this one, as HTTP wants it. Clients of Java offer
    HTTP/2 with the first request of each connection, body and all; the parser takes what follows such a head for the
    other protocol's.
    """

    parser: httptools.HttpRequestParser  # type: ignore[assignment]  # None only once the connection is lost
    _deadline: asyncio.TimerHandle | None = None
    url = b""
    _is_in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a first request."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing more."""
        self._expect_nothing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take up what came; a head that is not over by now has until its deadline."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._pass_over_offer(data[offer.args[0] :])
        except httptools.HttpParserError:
            if len(self.url) > MAX_URL_BYTES:
                self._refuse(414, "url_too_long", f"the request's URL is longer than {MAX_URL_BYTES:,} bytes")
            else:
                self._refuse(400, "bad_http", "what was sent is no HTTP request")
        else:
            if self._is_in_head:
                self._go_on_with_head(len(data))

    def on_message_begin(self) -> None:
        """Another head begins."""
        self._is_in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """It is over."""
        self._is_in_head, self._head_bytes = False, 0
        self._expect_nothing()
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """So is its body."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _go_on_with_head(self, n_bytes: int) -> None:
        self._head_bytes += n_bytes
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, "head_too_large", f"the request's headers are longer than {MAX_HEAD_BYTES:,} bytes")
        elif self._deadline is None:
            self._expect_head()

    def _pass_over_offer(self, rest: bytes) -> None:
        """Read a request again without its offer, and what came after it."""
        method = self.parser.get_method()
        if method == b"CONNECT":  # is itself the offer
            self._refuse(400, "bad_http", "this server is no proxy")
            return
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.data_received(b"\r\n".join([*lines, b"", rest]))

    def _expect_head(self) -> None:
        self._deadline = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, code: str, detail: str) -> None:
        answer = problem(status, code, detail, headers={"Connection": "close"})
        lines = [STATUS_LINE[status]]
        lines += [b"%s: %s\r\n" % pair for pair in [*self.server_state.default_headers, *answer.raw_headers]]
        self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()
