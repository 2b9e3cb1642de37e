"""One connection: HTTP/1.1, whose client neither keeps it waiting for ever nor sends without end."""

from __future__ import annotations

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shelfwise.serve.problems import problem

PATIENCE_S = 30.0
"""For a request to come: to the end of its head (its line and headers), and from one piece of its body to the next."""

KEEP_ALIVE_S = 75.0
"""How long an idle connection stays open between two requests: longer than proxies and load balancers keep theirs
(60 s), so that it is they who close it, and never we while a request is on its way."""

UNREAD_S = 60.0
"""How long an answer may wait for a client that does not read."""

MAX_HEAD_BYTES = 64 * 1024
"""Of a head, and of what follows a body; somewhat more where it comes at once with what stood before it."""

MAX_URL_BYTES = 65_535
"""The parser takes none that are longer."""

MAX_PIPELINED = 16
"""Requests that wait for the one before them."""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol, within bounds.

    On its own it waits for a request for ever, and keeps whatever comes: somebody who opens connections and sends
    nothing, a header a minute, headers without end, or requests and never reads an answer, would take up the server's
    file descriptors and its memory. Whoever holds connections calls `look` every second or so.

    Who offers to speak another protocol from here on is answered in this one, as HTTP wants it. Clients of Java offer
    HTTP/2 with their requests, body and all; the parser takes what follows such a head for the other protocol's.
    """

    parser: httptools.HttpRequestParser  # type: ignore[assignment]  # None only once the connection is lost
    cycle: RequestResponseCycle | None  # type: ignore[assignment]  # None before the first request
    url = b""
    _is_in_head = _is_in_body = False
    _is_first = True
    _n_since = 0
    """Bytes that came since a request began or a piece of its body came."""
    _waits_since = 0.0
    """Since when the client is to send something, by the loop's clock."""
    _unread_since: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Expect a first request."""
        super().connection_made(transport)
        self._waits_since = self.loop.time()

    def look(self, now: float) -> None:
        """Hang up on a client that had its time.

        Args:
            now: By the loop's clock.
        """
        if self.flow.read_paused:  # it is we who do not go on with a body
            self._waits_since = now
        if self._unread_since is not None and now - self._unread_since > UNREAD_S:
            self.transport.abort()
        elif not self._is_answering():
            is_idle = not (self._is_first or self._is_in_head or self._is_in_body)
            if now - self._waits_since > (KEEP_ALIVE_S if is_idle else PATIENCE_S):
                self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Take up what came."""
        self._unset_keepalive_if_required()
        self._n_since += len(data)
        try:
            self._feed(data)
        except _RefusalError as refusal:
            self._refuse(*refusal.args)
            return
        except httptools.HttpParserError as error:
            refusal = error.__context__
            if isinstance(refusal, _RefusalError):
                self._refuse(*refusal.args)
            elif len(self.url) > MAX_URL_BYTES:
                self._refuse(414, "url_too_long", f"the request's URL is longer than {MAX_URL_BYTES:,} bytes")
            else:
                self._refuse(400, "bad_http", "what was sent is no HTTP request")
            return
        if self._n_since > MAX_HEAD_BYTES and (self._is_in_head or self._is_in_body):
            self._refuse(431, "head_too_large", f"the request's headers are longer than {MAX_HEAD_BYTES:,} bytes")

    def on_message_begin(self) -> None:
        """Another head begins."""
        self._is_in_head, self._is_first, self._n_since = True, False, 0
        self._waits_since = self.loop.time()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep it; what follows a body nobody reads."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is over; answer, or wait until the answers before it are given."""
        self._is_in_head = False
        if self.parser.should_upgrade():
            return
        self._is_in_body, self._waits_since = True, self.loop.time()
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _RefusalError(400, "too_many_at_once", f"more than {MAX_PIPELINED} requests wait for their answers")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of it came."""
        self._n_since, self._waits_since = 0, self.loop.time()
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is over."""
        self._is_in_body, self._n_since = False, 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """It is answered: from here on it is the client's turn."""
        self._waits_since = self.loop.time()
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It does."""
        self._unread_since = None
        super().resume_writing()

    def _is_answering(self) -> bool:
        # A body that does not come holds up its answer, unless that was given already.
        return self.cycle is not None and not self.cycle.response_complete and not self._is_in_body

    def _feed(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            again = self._without_offer(data[offer.args[0] :])
            try:
                self.parser.feed_data(again)
            except httptools.HttpParserUpgrade:  # one by one, each would read all that follows it again
                raise _RefusalError(
                    400, "too_many_at_once", "a request offers another protocol before the last was answered"
                ) from None

    def _without_offer(self, rest: bytes) -> bytes:
        """The head that was read, without its offer, and what came after it."""
        method = self.parser.get_method()
        if method == b"CONNECT":  # is itself the offer
            raise _RefusalError(400, "bad_http", "this server is no proxy")
        lines = [b"%s %s HTTP/%s" % (method, self.url, self.parser.get_http_version().encode())]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", rest])

    def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer and hang up; only hang up where another answer is still to come, which this would be taken for."""
        if self.cycle is None or self.cycle.response_complete:
            answer = problem(status, code, detail, headers={"Connection": "close"})
            lines = [STATUS_LINE[status]]
            lines += [b"%s: %s\r\n" % pair for pair in [*self.server_state.default_headers, *answer.raw_headers]]
            self.transport.write(b"".join([*lines, b"\r\n", bytes(answer.body)]))
        self.transport.close()


class _RefusalError(Exception):
    """Ends the parsing of what came; its arguments are `_refuse`'s."""

    args: tuple[Any, ...]
