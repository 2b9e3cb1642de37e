"""What a running server did between two looks at its `/metrics`."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from shelfwise.errors import ConfigError, ServiceError

PATIENCE_S = 10.0
PREFIX = "shelfwise_"

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Look:
    """All numbers of a server at one moment.

    Attributes:
        at_s: When, by a clock that only goes forward.
        values: By name, without the prefix, and by labels.
    """

    at_s: float
    values: Mapping[str, Mapping[Labels, float]]


@dataclass(frozen=True, slots=True)
class RouteRate:
    """How one route fared.

    Attributes:
        route: Method and template.
        per_s: Requests a second.
        p50_ms: Median time of those between the two looks; NaN where there was none.
        p99_ms: Their 99th percentile, read off the histogram's buckets.
        failed: Share of them that was answered 5xx.
    """

    route: str
    per_s: float
    p50_ms: float
    p99_ms: float
    failed: float


@dataclass(frozen=True, slots=True)
class Doing:
    """What a server does.

    Attributes:
        routes: Busiest first.
        slates_per_s: By place.
        degraded: Share of the slates that could not be made as configured.
        kept: Share of the slates that were kept from an earlier request.
        events_per_s: By what became of them.
        late_p99_ms: How late the event loop came to its next turn.
        waiting: What waits now, by its kind.
        models: Processes that have a version in service, by its name.
        drift: How far the last day is from the training of that version, as a population stability index, or the like
            of categories; by what has moved. What nothing can be said of yet is left out.
    """

    routes: list[RouteRate]
    slates_per_s: dict[str, float]
    degraded: float
    kept: float
    events_per_s: dict[str, float]
    late_p99_ms: float
    waiting: dict[str, int]
    models: dict[str, int]
    drift: dict[str, float]


def look(url: str, key: str | None) -> Look:
    """Ask a server for its numbers.

    Args:
        url: The server's, without a path.
        key: With the scope `metrics`; None where it asks for none.

    Raises:
        ServiceError: nobody answers there.
        ConfigError: the key may not ask, or something else answers.
    """
    if not url.startswith(("http://", "https://")):
        raise ConfigError(f"{url!r} is no address of a server", expected="http:// or https://", where="--url")
    request = urllib.request.Request(f"{url.rstrip('/')}/metrics")  # noqa: S310 - looked at above
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            text = answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as cause:
        raise ConfigError(
            f"{url} answers {cause.code}",
            where="--url",
            hint="put a key with the scope metrics or admin into SHELFWISE_API_KEY"
            if cause.code in (401, 403)
            else "is a Shelfwise server behind it?",
            code="no_numbers",
        ) from cause
    except (urllib.error.URLError, OSError) as cause:
        raise ServiceError(
            f"nobody answers at {url} ({getattr(cause, 'reason', cause)})",
            where="--url",
            hint="start one with `shelfwise serve`, or name its address",
            code="no_server",
        ) from cause
    values: dict[str, dict[Labels, float]] = defaultdict(dict)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name.removeprefix(PREFIX)][tuple(sorted(sample.labels.items()))] = sample.value
    return Look(time.monotonic(), values)


def between(before: Look, after: Look) -> Doing:
    """What happened from one look to the next."""
    passed_s = max(after.at_s - before.at_s, 1e-9)
    slates = _grown(before, after, "answers_total")
    made = _by(_grown(before, after, "slates_total"), "found")
    n_slates = sum(slates.values())
    return Doing(
        _routes(before, after, passed_s),
        {name: n / passed_s for name, n in _by(slates, "scenario").items()},
        _by(slates, "degraded").get("yes", 0.0) / n_slates if n_slates else 0.0,
        made.get("kept", 0.0) / sum(made.values()) if sum(made.values()) else 0.0,
        {name: n / passed_s for name, n in _by(_grown(before, after, "events_total"), "status").items()},
        1_000 * quantile(_buckets(_grown(before, after, "event_loop_late_seconds_bucket").items()), 0.99),
        {
            name: round(sum(after.values.get(name, {}).values()))
            for name in ("waiting_writes", "waiting_slates", "pending_encodings")
        },
        {dict(labels)["version"]: round(n) for labels, n in after.values.get("model_in_service", {}).items() if n},
        _drift(after),
    )


def _drift(now: Look) -> dict[str, float]:
    from shelfwise.metrics import PSI_A_BIT

    found = {
        f"{dict(labels)['scenario']} scores": index for labels, index in now.values.get("score_drift_psi", {}).items()
    }
    for labels, bits in now.values.get("category_drift_bits", {}).items():
        told = dict(labels)
        found[f"{told['scenario']} {told['of']}".strip()] = bits * PSI_A_BIT
    return found


def quantile(buckets: Iterable[tuple[float, float]], share: float) -> float:
    """A quantile read off a histogram, evenly spread within a bucket; what lies in the last one, is its lower end.

    Args:
        buckets: Upper ends, rising, the last of them infinite, and how many lie at or below each.
        share: In (0, 1).

    Returns:
        NaN where nothing lies in the histogram.
    """
    ends = [(0.0, 0.0), *buckets]
    wanted = share * ends[-1][1]
    if not wanted:
        return float("nan")
    for (low, below), (high, up_to) in pairwise(ends):
        if up_to >= wanted:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / max(up_to - below, 1e-12)
    return ends[-1][0]


def _routes(before: Look, after: Look, passed_s: float) -> list[RouteRate]:
    counted = _grown(before, after, "request_seconds_count")
    within = _grown(before, after, "request_seconds_bucket")
    parts: dict[tuple[str, str], list[tuple[dict[str, str], float]]] = defaultdict(list)
    times: dict[tuple[str, str], list[tuple[Labels, float]]] = defaultdict(list)
    for labels, n in counted.items():
        told = dict(labels)
        parts[told["method"], told["route"]].append((told, n))
    for labels, n in within.items():
        told = dict(labels)
        times[told["method"], told["route"]].append((labels, n))
    found: list[RouteRate] = []
    for (method, route), statuses in parts.items():
        n_all = sum(n for _, n in statuses)
        if n_all:
            buckets = _buckets(times[method, route])
            failed = sum(n for told, n in statuses if told["status"] == "5xx") / n_all
            p50, p99 = (1_000 * quantile(buckets, share) for share in (0.5, 0.99))
            found.append(RouteRate(f"{method} {route}", n_all / passed_s, p50, p99, failed))
    return sorted(found, key=lambda one: -one.per_s)


def _buckets(counted: Iterable[tuple[Labels, float]]) -> list[tuple[float, float]]:
    found: dict[float, float] = defaultdict(float)
    for labels, n in counted:
        found[float(dict(labels)["le"])] += n
    return sorted(found.items())


def _grown(before: Look, after: Look, name: str) -> dict[Labels, float]:
    """By how much each grew; a server that began anew counts from nothing."""
    earlier, later = before.values.get(name, {}), after.values.get(name, {})
    has_restarted = any(value < earlier.get(labels, 0.0) for labels, value in later.items())
    return {labels: value - (0.0 if has_restarted else earlier.get(labels, 0.0)) for labels, value in later.items()}


def _by(counted: Mapping[Labels, float], label: str) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for labels, n in counted.items():
        found[dict(labels).get(label, "")] += n
    return dict(found)
