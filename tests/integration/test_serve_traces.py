"""Traces: what a collector is sent by a real server."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

pytestmark = pytest.mark.online

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.ThreadingHTTPServer):
    """Keeps every span that it is sent, and the service that sent it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.bodies: list[bytes] = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        collector: Any = self.server
        collector.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for fact in resource.resource.attributes:
                if fact.key == "service.name":
                    collector.services.add(fact.value.string_value)
            collector.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_span_for_each_request_and_each_stage(
    tiny_shop: Path, serve: Any, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tiny_shop / "shop.toml").open("a") as file:
        file.write('[serve]\ntraces = "otlp"\n')
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "gift-shop")
    began_ns = time.time_ns()
    with serve(tiny_shop) as server:
        told = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        query = {"user_id": "somebody-private", "scenario": "home"}
        server.http.post("/recommend", json=query, headers=told).raise_for_status()
        assert server.http.get("/users/somebody-private/export").status_code == 404
    ended_ns = time.time_ns()
    spans = {span.name: span for span in collector.spans}
    request = spans["POST /v1/recommend"]
    assert collector.services == {"gift-shop"}
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    facts = {fact.key: fact.value.string_value or fact.value.int_value for fact in request.attributes}
    assert facts == {
        "http.request.method": "POST",
        "http.route": "/v1/recommend",
        "http.response.status_code": 200,
        "shelfwise.scenario": "home",
    }
    stages = [spans[name] for name in ("store", "retrieve", "rank", "slate")]
    assert all(stage.parent_span_id == request.span_id and stage.trace_id == request.trace_id for stage in stages)
    ends = [began_ns, request.start_time_unix_nano, *(stage.end_time_unix_nano for stage in stages)]
    assert sorted(ends) == ends
    assert stages[-1].end_time_unix_nano <= request.end_time_unix_nano <= ended_ns
    assert "GET /v1/users/{user_id}/export" in spans
    assert not any(b"somebody-private" in body for body in collector.bodies)
