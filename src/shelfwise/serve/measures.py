"""What the server counts of itself, for Prometheus. Labels come from closed lists: never an id, a text or an address.

Each process counts for itself; what is asked of one is summed over all, see `measure_files`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from shelfwise.pipeline.recommender import Answer
from shelfwise.serve.tallies import BulkHistogram, Numbers, Times
from shelfwise.serve.traffic import Traffic
from shelfwise.store.traffic import Measure

REQUEST_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
STAGE_BUCKETS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5)

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"})
OTHER = "other"


class Measures:
    """The numbers of one process, all of them counted on its event loop.

    Attributes:
        registry: Holds them.
        traffic: What of them is kept by minute, for the overview.
    """

    def __init__(self) -> None:
        self.traffic = Traffic()
        self.registry = CollectorRegistry()
        self._requests = self._times(
            "request_seconds",
            "Time until a request's answer was handed over, by route, method and class of status.",
            REQUEST_BUCKETS_S,
            ("route", "method", "status"),
        )
        self._stages = self._times(
            "stage_seconds",
            "Time that a stage of an answer took: store, retrieve, rank, slate.",
            STAGE_BUCKETS_S,
            ("stage",),
        )
        self._loop_late = self._times(
            "event_loop_late_seconds", "How late a process's event loop came to its next turn.", REQUEST_BUCKETS_S
        )
        self._answers = self._numbers(
            "answers", "Slates by place, and whether `degraded` said something.", ("scenario", "degraded")
        )
        self._shortfalls = self._numbers(
            "shortfalls", "Slates that could not be made as configured, by kind.", ("kind",)
        )
        self._events = self._numbers("events", "Events that were sent, by what became of them.", ("status",))
        self._items = self._numbers("items", "Items that were sent, by what became of them.", ("status",))
        self._limited = self._numbers(
            "limited_requests", "Requests refused since too many came: key or visitor.", ("whose",)
        )
        self._profiles = self._numbers(
            "profile_vectors", "Vectors of profiles that requests asked for: kept or missed.", ("found",)
        )
        self._kept = self._numbers(
            "slates", "Slates that were kept from an earlier request, and that were made.", ("found",)
        )
        self._histories = self._numbers(
            "histories", "Histories that requests asked Redis for: kept or missed.", ("found",)
        )
        self._handed_over = (
            self._histories,
            self._kept,
            self._requests,
            self._stages,
            self._loop_late,
            self._answers,
            self._shortfalls,
            self._events,
            self._items,
            self._limited,
            self._profiles,
        )
        self.lost_slates = self._counter("lost_slates", "Answers that were never written down.")
        self.refused_versions = self._counter("refused_versions", "Versions that could not be taken into service.")
        self.pending_encodings = self._sum("pending_encodings", "Items that wait to be encoded, in all processes.")
        self.waiting_writes = self._sum("waiting_writes", "Jobs that wait for the store.")
        self.waiting_slates = self._sum("waiting_slates", "Answers that wait to be written down.")
        self.remembered_users = self._sum(
            "remembered_users", "Users whose last known history is kept for when the store is away."
        )
        self.remembered_events = self._sum("remembered_events", "Events of these.")
        self.kept_answer_bytes = self._sum("kept_answer_bytes", "About what kept answers take, in all processes.")
        self._model = self._sum("model_in_service", "Processes that have a model version in service.", ("version",))
        self._load_s = Gauge(
            "shelfwise_model_load_seconds",
            "Time that it took to load and try out the version in service; the slowest process's.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )
        self._version: str | None = None

    def request(self, path: str, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        known = method if method in METHODS else OTHER
        self._requests.add((route, known, f"{status // 100}xx"), seconds)
        self.traffic.request(path, route, known, status, seconds)

    def answer(self, answer: Answer) -> None:
        """One slate was made."""
        for stage, seconds in answer.stages_s.items():
            self._stages.add((stage,), seconds)
        self._answers.add((answer.slate.scenario, "yes" if answer.slate.degraded else "no"))
        self._kept.add(("kept" if answer.was_kept else "made",))
        for kind in answer.shortfalls:
            self._shortfalls.add((kind.value,))
        self.traffic.answer(answer.slate.scenario, sum(answer.stages_s.values()), answer.shortfalls)

    def events(self, n_by_status: Mapping[str, int], n_stored_by_kind: Mapping[str, int]) -> None:
        """Events were sent."""
        for status, n in n_by_status.items():
            self._events.add((status,), n)
        self.traffic.count(Measure.EVENT, n_stored_by_kind)
        self.traffic.count(Measure.REFUSED_EVENT, {"": n_by_status.get("refused", 0)})

    def items(self, n_by_status: Mapping[str, int]) -> None:
        """Items were sent."""
        for status, n in n_by_status.items():
            self._items.add((status,), n)
        self.traffic.count(Measure.ITEM, n_by_status)

    def limited(self, whose: str) -> None:
        """A request was refused since too many came."""
        self._limited.add((whose,))

    def profile(self, found: str) -> None:
        """A profile's vector was asked for."""
        self._profiles.add((found,))

    def history(self, found: str) -> None:
        """A history was asked of Redis."""
        self._histories.add((found,))

    def late(self, seconds: float) -> None:
        """The event loop's turn came so late."""
        self._loop_late.add((), seconds)

    def in_service(self, version: str, load_s: float) -> None:
        """A version is in service from now on."""
        if self._version is not None:
            self._model.labels(self._version).set(0)
        self._version = version
        self._model.labels(version).set(1)
        self._load_s.set(load_s)

    def hand_over(self) -> None:
        """Let what was counted be told; a process that is killed loses what it counted since."""
        for one in self._handed_over:
            one.hand_over()

    def _times(self, name: str, told: str, bounds: tuple[float, ...], labels: Iterable[str] = ()) -> Times:
        made = BulkHistogram(f"shelfwise_{name}", told, labels, buckets=bounds, registry=self.registry)
        return Times(made, bounds)

    def _numbers(self, name: str, told: str, labels: Iterable[str]) -> Numbers:
        return Numbers(self._counter(name, told, labels))

    def _counter(self, name: str, told: str, labels: Iterable[str] = ()) -> Counter:
        return Counter(f"shelfwise_{name}", told, labels, registry=self.registry)

    def _sum(self, name: str, told: str, labels: Iterable[str] = ()) -> Gauge:
        """What is there now, summed over the processes that live."""
        return Gauge(f"shelfwise_{name}", told, labels, registry=self.registry, multiprocess_mode="livesum")
