"""OpenTelemetry: a span for each request, and one within it for each stage of an answer.

Where spans go, and how many of them, the standard variables of the environment say (`OTEL_EXPORTER_OTLP_ENDPOINT`,
`OTEL_TRACES_SAMPLER` and so on). A span holds the route as the API names it, the status and the place of the shop:
never an id, a text or an address.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from shelfwise.config.shop import ServeSpec
from shelfwise.errors import MissingExtraError
from shelfwise.pipeline.budget import Stage

STAGES = "shelfwise.stages"
"""Where a request carries the stages of its answer."""

SERVICE_NAME = "shelfwise"
"""Unless OTEL_SERVICE_NAME says otherwise."""


class Staged(NamedTuple):
    """The stages of an answer.

    Attributes:
        began_ns: Nanoseconds since 1970 when the first of them began.
        seconds: How long each took, in their order: one follows the other.
        scenario: The place that asked.
    """

    began_ns: int
    seconds: Mapping[Stage, float]
    scenario: str


class Traces:
    """Sends spans to a collector, in batches from a thread of its own."""

    def __init__(self) -> None:
        """Begin.

        Raises:
            MissingExtraError: the libraries are not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import SERVICE_NAME as NAME
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as cause:
            raise MissingExtraError(
                f"{cause.name} is not installed", where="serve.traces", hint="pip install 'shelfwise[telemetry]'"
            ) from cause
        resource = Resource.create({NAME: SERVICE_NAME}).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer: Any = self._provider.get_tracer("shelfwise.serve")
        self._callers = TraceContextTextMapPropagator()
        self._server, self._within = SpanKind.SERVER, set_span_in_context
        self._failed = Status(StatusCode.ERROR)

    def request(
        self,
        route: str,
        method: str,
        status: int,
        took_s: float,
        headers: list[tuple[bytes, bytes]],
        staged: Staged | None,
    ) -> None:
        """One request was answered just now.

        Args:
            route: As the API names it.
            method: Of HTTP.
            status: Of HTTP.
            took_s: Seconds from its arrival to its answer.
            headers: The request's, of which `traceparent` and `tracestate` are read.
            staged: The stages of its answer; None where it asked for none.
        """
        ended_ns = time.time_ns()
        carried = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in (b"traceparent", b"tracestate")
        }
        facts: dict[str, Any] = {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
        if staged is not None:
            facts["shelfwise.scenario"] = staged.scenario
        span = self._tracer.start_span(
            f"{method} {route}",
            context=self._callers.extract(carried),
            kind=self._server,
            attributes=facts,
            start_time=ended_ns - int(took_s * 1e9),
        )
        if status >= 500:
            span.set_status(self._failed)
        if staged is not None and span.is_recording():
            began_ns = staged.began_ns
            for stage, seconds in staged.seconds.items():
                part = self._tracer.start_span(stage, context=self._within(span), start_time=began_ns)
                began_ns += int(seconds * 1e9)
                part.end(began_ns)
        span.end(ended_ns)

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()


def traces_of(spec: ServeSpec) -> Traces | None:
    """What the shop wants traced; None where nothing.

    Raises:
        MissingExtraError: it wants traces and the libraries are not installed.
    """
    return Traces() if spec.traces == "otlp" else None
