"""What `shop.toml` may say. Every field's description is the comment that the drafted file carries."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_serializer, model_validator

from shelfwise.config.component import ComponentSpec
from shelfwise.config.ingest import IngestSpec
from shelfwise.config.objectives import REVENUE, ObjectiveSpec, check_chains, usual_objectives
from shelfwise.config.offers import OfferSpec
from shelfwise.config.profiles import ProfileSpec
from shelfwise.config.secrets import without_password
from shelfwise.config.storefront import StorefrontSpec
from shelfwise.config.tune import TuneSpec
from shelfwise.errors import did_you_mean
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.queries import MAX_K, Diversity, Exploration, Floors, Weights

TableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]
"""What a shop may call its own tables: names become folders and the columns of models."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StoreSpec(_Table):
    """Where everything is kept."""

    records: str = Field(
        default="sqlite:///shelfwise.db",
        repr=False,
        description=(
            "Database URL of items, users and events: sqlite:///, then a path that starts at this file's folder, or "
            "postgresql+psycopg://user:${DB_PASSWORD}@host/database?schema=shop, where ${…} is a variable of the "
            "environment."
        ),
    )
    models: str = Field(default="models", description="Folder of model versions.")
    vectors: str = Field(default="vectors", description="Folder of encoders and the vectors they made.")

    cache: str | None = Field(
        default=None,
        repr=False,
        description=(
            "Address of a Redis, as redis://:${REDIS_PASSWORD}@host:6379/0, that keeps shoppers' histories for all "
            "machines that serve the shop; without one, or while it is away, they are read from the records."
        ),
    )
    data_key_file: str | None = Field(
        default=None,
        description=(
            "File of the keys that seal what users say of themselves, made by `shelfwise encryption new-key`; a path "
            "that starts at this file's folder. Better outside it: who copies the shop must not copy its keys. The "
            "environment's SHELFWISE_DATA_KEY stands above it."
        ),
    )
    cached_s: float = Field(default=3_600.0, gt=0, le=86_400, description="Seconds after which Redis drops a history.")

    @field_serializer("records", "cache")
    def _without_password(self, url: str | None) -> str | None:
        # What is written out (manifests of versions, trackers, drafts) is read by more people than this file.
        return None if url is None else without_password(url)


NO_ENCODER = "none"
"""What `[encode.text] use` or `[encode.image] use` says in a shop that encodes none."""


class EncodeSpec(_Table):
    """How items become vectors."""

    text: ComponentSpec = Field(
        default_factory=lambda: ComponentSpec(use="sentence-transformer"),
        description="The encoder of item texts; use = 'none' switches it off.",
    )
    image: ComponentSpec = Field(
        default_factory=lambda: ComponentSpec(use="descriptors"),
        description="The encoder of item pictures; use = 'none' switches it off. A shop without pictures pays nothing.",
    )
    image_folder: str = Field(
        default="images",
        description=(
            "Folder that the items' paths of pictures start at; what is not there is looked for in this file's "
            "folder. Nothing is fetched from the web."
        ),
    )
    image_dim: int = Field(default=128, ge=2, le=4_096, description="Dimensions kept of pictures' vectors.")
    image_shrinkage: float = Field(default=0.1, ge=0, le=1, description="As whiten_shrinkage, for pictures' vectors.")
    image_align: bool = Field(
        default=True,
        description=(
            "Whether the dimensions kept of pictures are those that go along with the items' texts, where enough "
            "items have both; otherwise those that differ most."
        ),
    )
    whiten_dim: int = Field(default=128, ge=2, le=4_096, description="Dimensions kept when the vectors are whitened.")
    whiten_shrinkage: float = Field(
        default=0.1, ge=0, le=1, description="0 trusts the vectors' own covariance, 1 only rotates and cuts."
    )
    users: ProfileSpec = ProfileSpec()
    tune: TuneSpec = TuneSpec()


class BehaviourSpec(_Table):
    """What counts as interest, and what is to be predicted."""

    target: EventKind | Literal["auto"] = Field(
        default="auto",
        description="The event to predict; 'auto' takes the strongest that the shop has enough of.",
    )
    history: int = Field(default=50, ge=1, le=1_000, description="Latest events of a user that are looked at.")
    repeats: Literal["auto", "allow", "exclude"] = Field(
        default="auto",
        description=(
            "Whether an item that the user had before may be recommended again; 'auto' learns it from the data: "
            "allowed where at least one in twenty held-out events is a repeat."
        ),
    )
    had: Literal["target", "any"] = Field(
        default="target",
        description=(
            "What makes an item one that the user had: the event that is predicted, or any that shows interest, so "
            "that with repeats = 'exclude' nothing comes back that was looked at."
        ),
    )
    region: str = Field(
        default="",
        max_length=200,
        description=(
            "Attribute of users that names their region, such as 'country': trends are then counted by region too, and "
            "a user's own, or the one that a request names, comes first. Empty: they are not."
        ),
    )
    cold_share: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description=(
            "Share of the items that are treated as new, as if nobody had touched them, while the ranker learns: so it "
            "learns how far to trust text alone. More favours new items, at the cost of known ones."
        ),
    )


class ScenarioSpec(_Table):
    """One place of the shop that asks for a slate."""

    k: int = Field(default=20, ge=1, le=MAX_K, description="Items in the slate where the request names no number.")
    retrieve: list[str] = Field(
        default_factory=list[str],
        description="Names of the [retrieve.…] tables that propose candidates; empty: all that the ranker is told of.",
    )
    order: Literal["ranker", "retrievers"] = Field(
        default="ranker",
        description=(
            "Who orders the candidates: the ranker, or the retrievers, all that the first one named before what the "
            "second adds, asked until there are enough."
        ),
    )
    repeats: Literal["inherit", "allow", "exclude"] = Field(
        default="inherit", description="Overrides [behaviour] repeats in this place."
    )
    weights: Weights = Field(
        default_factory=dict[str, float],
        description=(
            "What one click, purchase, … is worth in this place, with [rank] use = 'multi-objective'; empty: what "
            "training found to order best. 'revenue' may be named too."
        ),
    )
    floors: Floors = Field(
        default_factory=dict[str, float],
        description="Shares of the best attainable that a slate here has to bring, as { purchase = 0.95 }.",
    )
    diversity: Diversity | None = Field(
        default=None,
        description=(
            "How varied a slate here is where the request says nothing: a number from 0 to 1, or 'auto'; as the "
            "scenario's [rerank.…] table says where omitted. Needs a table that trades relevance for diversity, such "
            "as one with use = 'mmr'."
        ),
    )
    exploration: Exploration | None = Field(
        default=None,
        description=(
            "Share of a slate's positions that are tried out here, in place of `share` of the scenario's [rerank.…] "
            "table that explores; as that says where omitted."
        ),
    )
    needs: list[Literal["items", "category", "brand"]] = Field(
        default_factory=list[Literal["items", "category", "brand"]],
        description="What a request must name here; one that does not is refused.",
    )
    answer: Literal["items", "brands", "offers"] = Field(
        default="items",
        description=(
            "What the answer lists: items, or brands with their best items unless the request names a brand, or the "
            "offers of offers.toml that are worth most with this user."
        ),
    )
    alternatives: list[str] = Field(
        default_factory=list[str],
        description=(
            "Names of the [retrieve.…] tables that judge what could be taken instead of the request's items, of the "
            "same kind; empty: a request for alternatives is refused here."
        ),
    )
    complements: list[str] = Field(
        default_factory=list[str],
        description=(
            "Names of the [retrieve.…] tables that name what is taken with the request's items, of another kind, asked "
            "in turn; empty: a request for complements or bundles is refused here."
        ),
    )
    rerank: list[str] = Field(
        default_factory=list[str],
        description="Names of the [rerank.…] tables that make the slate of what was ordered, one after the other.",
    )
    latency_budget_ms: float = Field(
        default=1_000.0,
        ge=0,
        le=60_000,
        description=(
            "Time that a server may take for an answer here. Where it is spent before the ranker begins, the "
            "retrievers' common order is shown, and the answer says so; 0: as long as it takes."
        ),
    )
    rest_d: float = Field(
        default=0.0,
        ge=0,
        le=3_650,
        description=(
            "Days that an item rests after it was shown to the user in this place, by the log's impressions; 0: it "
            "may come again at once. Needs real timestamps."
        ),
    )


class TrainSpec(_Table):
    """What `shelfwise train` does beside fitting."""

    map: bool = Field(
        default=True,
        description=(
            "Whether the catalogue's map is drawn for the console once the new version is in service; shops of fewer "
            "than 200 items have none unless `shelfwise models map` is asked for one."
        ),
    )


class EvaluateSpec(_Table):
    """How `shelfwise evaluate` splits and measures."""

    k: int = Field(default=10, ge=1, le=MAX_K, description="Length of the lists that are measured.")
    test_d: float = Field(default=28.0, gt=0, description="Length of the held-out end of time, in days.")
    n_resamples: int = Field(default=1_000, ge=100, le=100_000, description="Bootstrap resamples over users.")
    seed: int = Field(default=0, description="Seed of everything drawn at random.")


USUAL_TRACKER = "tensorboard"


class ServeSpec(_Table):
    """The HTTP server."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8080, ge=1, le=65_535, description="Port to listen on.")
    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that answer, one for each core that the shop may use; they share the records store.",
    )
    log_slates: bool = Field(
        default=True,
        description=(
            "Whether answers are kept, with the chance of every item to stand where it stood: what exploring, previews "
            "of rules and `evaluate --off-policy` live on."
        ),
    )
    answers_kept_s: float = Field(
        default=10.0,
        ge=0,
        le=3_600,
        description=(
            "Seconds in which who asks the same, and did nothing meanwhile, is given the same answer: above all "
            "strangers. An event of the user, a changed item or another rule ends it at once; 0: never."
        ),
    )
    answers_kept_mib: int = Field(default=64, ge=1, le=65_536, description="Memory for these answers, per process.")
    slates_kept_d: float = Field(default=90.0, gt=0, le=3_650, description="Days after which kept answers are deleted.")
    requests_per_s: float = Field(
        default=5_000.0,
        ge=0,
        le=1e6,
        description=(
            "Requests a second that one key may send to one process, what was not used for 5 s made up for; more are "
            "answered 429. 0: as many as come."
        ),
    )
    visitor_requests_per_s: float = Field(
        default=50.0,
        ge=0,
        le=1e6,
        description="The same for one visitor with a browser key.",
    )
    tls_certificate: str | None = Field(
        default=None,
        description=(
            "PEM file with the server's certificate and those between it and its root, relative to this file: then it "
            "speaks HTTPS only. Where its key is locked, SHELFWISE_TLS_PASSWORD in the environment opens it."
        ),
    )
    tls_key: str | None = Field(default=None, description="PEM file with the certificate's private key.")
    tls_clients: str | None = Field(
        default=None,
        description=(
            "PEM file with authorities: only who has a certificate of theirs is let in; keys are asked for as ever."
        ),
    )
    log_lines: Literal["plain", "json"] = Field(
        default="plain", description="What a line of the log on standard error is: text, or a JSON object."
    )
    log_requests: bool = Field(
        default=False,
        description="Whether every request is logged: its route, status and time, and nothing of who sent it.",
    )
    traces: Literal["off", "otlp"] = Field(
        default="off",
        description=(
            "Whether OpenTelemetry is sent a span for each request and each stage of an answer; where to, the "
            "environment says: OTEL_EXPORTER_OTLP_ENDPOINT."
        ),
    )

    @model_validator(mode="after")
    def _certificate_has_a_key(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key come together")
        if self.tls_clients is not None and self.tls_certificate is None:
            raise ValueError("tls_clients needs tls_certificate and tls_key")
        return self


def _default_retrievers() -> dict[str, ComponentSpec]:
    names = ("transitions", "cooccurrence", "ease", "similar_users", "content", "popular", "recent", "again")
    return {
        **{name: ComponentSpec(use=name) for name in (*names, "complements", "trending")},
        # The same retriever for another question: what is likeliest to lie in the basket too, whatever its kind.
        "basket": ComponentSpec.model_validate(
            {
                "use": "complements",
                "doubt": 100.0,
                "crowding": 0.25,
                "shoppers": 0.1,
                "chance": "purchases",
                "least_lift": 0.0,
                "same_kind": True,
            }
        ),
    }


def _default_rerankers() -> dict[str, ComponentSpec]:
    # There for whoever asks for diversity; what a shop should ask for, `shelfwise tradeoff --diversity` tells.
    return {"diverse": ComponentSpec.model_validate({"use": "mmr", "diversity": 0.0})}


def _default_scenarios() -> dict[str, ScenarioSpec]:
    cart = ScenarioSpec(
        k=8,
        retrieve=["basket", "transitions", "cooccurrence", "popular"],
        order="retrievers",
        complements=["complements"],
    )
    return {
        "home": ScenarioSpec(rerank=["diverse"]),
        "category": ScenarioSpec(k=24, needs=["category"], rerank=["diverse"]),
        "item": ScenarioSpec(
            k=12,
            retrieve=["transitions", "cooccurrence", "content"],
            alternatives=["content", "cooccurrence"],
            complements=["complements"],
        ),
        "cart": cart,
        "checkout": cart.model_copy(update={"k": 4, "needs": ["items"]}),
        "brand": ScenarioSpec(k=12, answer="brands"),
        "trending": ScenarioSpec(k=12, retrieve=["trending", "popular"], order="retrievers", repeats="allow"),
        "email": ScenarioSpec(k=6, rest_d=28.0, rerank=["diverse"]),
        "promotion": ScenarioSpec(k=3, answer="offers", repeats="allow"),
    }


_TABLES = {"retrieve": "retrieve", "alternatives": "retrieve", "complements": "retrieve", "rerank": "rerank"}
"""The keys of a scenario that name tables, and the kind of table that each names."""


def _with_only(spec: ScenarioSpec, known: Mapping[str, Container[str]]) -> ScenarioSpec:
    kept = {
        key: [name for name in getattr(spec, key) if kind not in known or name in known[kind]]
        for key, kind in _TABLES.items()
    }
    # Whoever loses all its retrievers asks all, and then the ranker knows best.
    return spec.model_copy(update={**kept, "order": spec.order if kept["retrieve"] else "ranker"})


class ShopConfig(_Table):
    """The whole of `shop.toml`. Named tables define, scenarios compose."""

    version: Literal[1] = Field(description="Version of this file's format.")
    store: StoreSpec = StoreSpec()
    ingest: IngestSpec = IngestSpec()
    behaviour: BehaviourSpec = BehaviourSpec()
    encode: EncodeSpec = EncodeSpec()
    retrieve: dict[TableName, ComponentSpec] = Field(default_factory=_default_retrievers, min_length=1)
    objectives: dict[TableName, ObjectiveSpec] = Field(default_factory=usual_objectives, min_length=1)
    rank: ComponentSpec = ComponentSpec(use="fusion")
    rerank: dict[TableName, ComponentSpec] = Field(default_factory=_default_rerankers)
    scenarios: dict[TableName, ScenarioSpec] = Field(default_factory=_default_scenarios, min_length=1)
    offers: OfferSpec = OfferSpec()
    train: TrainSpec = TrainSpec()
    evaluate: EvaluateSpec = EvaluateSpec()
    track: ComponentSpec = ComponentSpec(use=USUAL_TRACKER)
    serve: ServeSpec = ServeSpec()
    storefront: StorefrontSpec = StorefrontSpec()

    @model_validator(mode="before")
    @classmethod
    def _default_places_ask_who_is_there(cls, document: Any) -> Any:
        # Own tables replace the default ones; scenarios that nobody wrote must not name the replaced.
        if not isinstance(document, dict) or "scenarios" in document:
            return document
        own = {kind: document[kind] for kind in ("retrieve", "rerank") if isinstance(document.get(kind), dict)}
        if not own:
            return document
        return {**document, "scenarios": {name: _with_only(spec, own) for name, spec in _default_scenarios().items()}}

    @model_validator(mode="after")
    def _names_lead_somewhere(self) -> Self:
        check_chains(self.objectives)
        known = [*self.objectives, REVENUE]
        for scenario, spec in self.scenarios.items():
            for key, names in (("weights", spec.weights), ("floors", spec.floors)):
                for name in names:
                    if name not in known:
                        hint = did_you_mean(name, known)
                        raise ValueError(
                            f"scenarios.{scenario}.{key} names {name!r}, and there is no [objectives.{name}]"
                            + (f"; {hint}" if hint else "")
                        )
        for scenario, spec in self.scenarios.items():
            for key, kind in _TABLES.items():
                tables: dict[str, ComponentSpec] = getattr(self, kind)
                for name in getattr(spec, key):
                    if name not in tables:
                        hint = did_you_mean(name, tables)
                        raise ValueError(
                            f"scenarios.{scenario}.{key} names {name!r}, and there is no [{kind}.{name}]"
                            + (f"; {hint}" if hint else "")
                        )
        return self
