"""A shop: its folder, its configuration, its records, its models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import ValidationError

from shelfwise.config.load import load as load_config
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import InputError, QueryError, StateError, did_you_mean
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.queries import MAX_K, Query, Slate
from shelfwise.shop.parts import ShopParts
from shelfwise.store.evaluations import Evaluations
from shelfwise.store.records import Records
from shelfwise.store.versions import Version, Versions

if TYPE_CHECKING:
    from shelfwise.datasets.splits import Protocol
    from shelfwise.encode.catalogue import EncodeOutcome
    from shelfwise.evaluate.compare import VersionComparison
    from shelfwise.evaluate.diversity import DiversityTradeOffs
    from shelfwise.evaluate.off_policy import OffPolicyReport
    from shelfwise.evaluate.report import EvaluationReport
    from shelfwise.evaluate.trade_offs import TradeOffs
    from shelfwise.ingest.report import IngestReport
    from shelfwise.pipeline.erasure import Receipt
    from shelfwise.pipeline.fitted import Progress
    from shelfwise.pipeline.recommender import Recommender
    from shelfwise.shop.backup import BackedUp
    from shelfwise.shop.encryption import ShopEncryption
    from shelfwise.shop.keys import ShopKeys
    from shelfwise.shop.offers import ShopOffers
    from shelfwise.shop.rules import ShopRules
    from shelfwise.shop.scenarios import ShopScenarios
    from shelfwise.store.maps import StoredMap
    from shelfwise.train.ranker_search.points import Front
    from shelfwise.train.tuning.report import TuningReport

IngestProgress = Callable[[str, int, int | None, int, int], None]
"""Called with the file's name, lines done, lines in all (None where unknown), bytes done, bytes in all."""


def _silent(*_: Any) -> None:
    """Progress that nobody watches."""


class Shop:
    """One shop, one method per verb. What a verb needs is imported when it is called.

    Examples:
        >>> shop = Shop.open("demo-shop")  # doctest: +SKIP
        >>> for item in shop.recommend("12748", k=3).items:  # doctest: +SKIP
        ...     print(item.title, "-", item.reason)
    """

    def __init__(self, folder: Path, config: ShopConfig, records: Records) -> None:
        self.folder = folder
        self.config = config
        self.records = records
        self.versions = Versions(folder / config.store.models)
        self.evaluations = Evaluations(folder / config.store.models)
        self._recommender: Recommender | None = None

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open the shop in a folder that holds a `shop.toml`.

        Raises:
            ConfigError: there is no `shop.toml`, or it says something that cannot be done.
            ServiceError: the records store cannot be opened.
        """
        path = Path(folder)
        config = load_config(path)
        return cls(path, config, Records.of(config.store, path))

    def close(self) -> None:
        """Close the records store."""
        self.records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Find wrong names and options, and unreadable files, before anything is computed.

        Raises:
            ConfigError: a component or option that does not exist.
            DataError: a file that cannot be read with its mapping.
        """
        from datetime import UTC, datetime

        from shelfwise.ingest.asked import TableName
        from shelfwise.ingest.run import make_plan
        from shelfwise.pipeline.components import check

        check(self.config)
        tables: tuple[TableName, ...] = ("items", "users", "events")
        for table in tables:
            spec = getattr(self.config.ingest, table)
            if spec is not None:
                make_plan(spec, self.folder, table, datetime.now(UTC))

    def ingest(self, progress: IngestProgress = _silent) -> list[IngestReport]:
        """Read the files that `[ingest]` names: items, then users, then events.

        Raises:
            DataError: a file cannot be read on; what was stored before stays.
        """
        from shelfwise.ingest.asked import TableName
        from shelfwise.ingest.run import ingest_table

        reports: list[IngestReport] = []
        tables: tuple[TableName, ...] = ("items", "users", "events")
        for table in tables:
            spec = getattr(self.config.ingest, table)
            if spec is not None:
                name = f"{table}: {spec.path}"
                reports.append(
                    ingest_table(
                        self.records,
                        spec,
                        self.folder,
                        table,
                        progress=lambda *done, name=name: progress(name, *done),
                    )
                )
        if not reports:
            raise StateError(
                "shop.toml names no files",
                where="ingest",
                hint="add [ingest.items] and [ingest.events], or draft a new file with `shelfwise init`",
                code="nothing_to_ingest",
            )
        self._recommender = None
        return reports

    def encode(self, progress: Progress = _silent) -> EncodeOutcome:
        """Encode the items whose text or picture changed since the last time."""
        from shelfwise.train.data import encode_catalogue

        return encode_catalogue(self.config, self.records, self._parts.vectors_folder, progress)

    def tune(self, n_trials: int = 0, minutes: float = 60.0, progress: Progress = _silent) -> TuningReport:
        """Tune the text encoder on the shop's behaviour, as `train` would with `[encode.tune] use = true`.

        The model in service is not changed.

        Args:
            n_trials: Settings of the tuning to try first; 0 takes those of `[encode.tune]`.
            minutes: Time for these trials; the one under way is finished.
            progress: Told of every step.

        Raises:
            StateError: too little happened to learn from.
            ConfigError: the shop encodes no text, or its encoder cannot be tuned.
        """
        from shelfwise.shop import learning

        return learning.tune(self._parts, n_trials, minutes, progress)

    def search_ranker(
        self, n_trials: int = 0, minutes: float = 60.0, scenario: str = "home", progress: Progress = _silent
    ) -> Front:
        """Try settings of the multi-objective ranker on later visits, each objective judged by itself.

        The model in service is not changed, and neither is `shop.toml`.

        Args:
            n_trials: Settings in all, those of earlier calls on the same data included; 0 reads what the last found.
            minutes: Time for these trials; the one under way is finished.
            scenario: The place whose weights are searched.
            progress: Told of every step.

        Raises:
            StateError: too little happened to learn from, or nothing was tried yet.
            ConfigError: the shop's ranker knows one goal only.
        """
        from shelfwise.shop import learning

        return learning.search_ranker(self._parts, n_trials, minutes, scenario, progress)

    def train(self, progress: Progress = _silent, *, continue_from: str | None = None) -> Version:
        """Fit everything on all events and put the new model version in service.

        Args:
            progress: Told of every step.
            continue_from: Name of a version, or `"current"` for the one in service: its ranker and text space are kept,
                and only what is new since is learned, with some of the old, in a small part of the time. None fits
                everything anew.

        Returns:
            The new version; with `continue_from` that version itself where there is nothing new to learn.

        Raises:
            StateError: there is nothing to learn from, nothing to go on from, the store does not fit the version, or
                another training of this shop is running.
            ConfigError: the configuration names other parts than the version has.
            UnknownError: there is no version of that name.
        """
        from shelfwise.shop import learning

        self._recommender = None
        return learning.train(self._parts, progress, continue_from)

    def draw_map(self, version: str | None = None, progress: Progress = _silent) -> StoredMap:
        """Place the items of a model version in two dimensions, for people to look at; a running server shows it.

        Args:
            version: The one in service where omitted.
            progress: Told of every step.

        Raises:
            StateError: nothing was trained yet, the version knows too few items, or a training is running.
            UnknownError: there is no such version.
            MissingExtraError: umap-learn is not installed.
        """
        from shelfwise.shop import learning

        found = self.versions.current() if version is None else self.versions.get(version)
        return learning.draw_map(self._parts, found, progress)

    def evaluate(
        self,
        protocol: Protocol | None = None,
        k: int | None = None,
        progress: Progress = _silent,
        version: str | None = None,
    ) -> EvaluationReport:
        """Compare with tuned baselines on held-out events; the model in service is neither used nor changed.

        The report is kept with the version whose configuration was measured, for `compare`.

        Args:
            protocol: leave-one-out or time-split; by default a time split where the shop's log has a clock.
            k: Length of the lists; that of `[evaluate]` where omitted.
            progress: Told of every step.
            version: The version whose configuration is fitted and asked; by default that of `shop.toml`, kept with
                the version in service where that was made by it.

        Raises:
            UnknownError: there is no such version.
        """
        from shelfwise.shop import judging

        k = _checked_k(self.config.evaluate.k if k is None else k)
        return judging.evaluate(self._parts, protocol, k, progress, version)

    def off_policy(self, reward: str = "click", scenario: str | None = None) -> OffPolicyReport:
        """What the shop's order would have brought without exploring, told from the answers that were logged.

        Args:
            reward: Kind of event that is counted, where it carries the slate's id.
            scenario: Only of this place; None: of all.

        Raises:
            InputError: there is no such kind of event.
            StateError: the log cannot tell: no slates, nothing drawn in them, or no event that answers any.
        """
        from shelfwise.evaluate.off_policy import off_policy

        kinds = [kind.value for kind in EventKind]
        if reward not in kinds:
            raise InputError(
                f"there is no kind of event {reward!r}; known: {', '.join(kinds)}",
                where="reward",
                hint=did_you_mean(reward, kinds),
            )
        return off_policy(self.records, reward=EventKind(reward), scenario=scenario)

    def compare(self, *versions: str, overlap: bool = False, progress: Progress = _silent) -> VersionComparison:
        """Model versions side by side: data, configuration, training, and what evaluations of them found.

        Args:
            versions: Names, two or more; the others are compared with the first.
            overlap: Whether some users are also asked for their lists from each, to say how many items they share.
            progress: Told of every step.

        Raises:
            UnknownError: there is no such version.
            InputError: fewer than two different versions are named.
        """
        from shelfwise.evaluate.compare import compare
        from shelfwise.evaluate.overlap import mean_overlap

        found = [self.versions.get(name) for name in versions]
        shared = mean_overlap(found, self.records, progress) if overlap and len(set(versions)) > 1 else None
        return compare(found, self.evaluations, self.config.evaluate, shared)

    def recommend(self, user: str | None = None, scenario: str = "home", k: int | None = None, **query: Any) -> Slate:
        """The slate for one user.

        Args:
            user: None for a stranger; an unknown one gets what a stranger sees.
            scenario: The place of the shop that asks.
            k: Items; the scenario's number where omitted.
            query: Further fields of `Query`: `items`, `relation`, `bundle`, `exclude`, `category`, `brand`, `filter`,
                `region`, `session_id`, `weights`, `floors`, `diversity`.

        Raises:
            QueryError: `k` or another field is out of range, or there is no such scenario, or none that gives what is
                asked.
            StateError: nothing was trained yet.
        """
        if k is not None:
            _checked_k(k)
        try:
            asked = Query(user_id=user, scenario=scenario, k=k, **query)
        except ValidationError as cause:
            problem = cause.errors()[0]
            raise QueryError(
                f"{problem['input']!r}: {problem['msg'][:1].lower()}{problem['msg'][1:]}",
                where=".".join(str(part) for part in problem["loc"]),
            ) from cause
        return self.recommender.recommend(asked)

    def tradeoff(
        self, scenario: str = "home", objectives: Sequence[str] = (), n_users: int = 200, progress: Progress = _silent
    ) -> TradeOffs:
        """What slates are expected to bring over a grid of weights of two objectives.

        Args:
            scenario: The place that asks.
            objectives: Two names; none: the goal and what it follows from.
            n_users: Users whose requests are replayed, those with the latest events.
            progress: Told of every step.

        Raises:
            QueryError: the model predicts one goal only, or not the named ones.
            StateError: nothing was trained yet.
        """
        from shelfwise.evaluate.trade_offs import trade_offs
        from shelfwise.store import event_log

        with self.records.read() as connection:
            users = event_log.latest_users(connection, n_users)
        return trade_offs(self.recommender, users, scenario, objectives, progress)

    def diversity_tradeoff(
        self, scenario: str = "home", n_users: int = 2_000, progress: Progress = _silent
    ) -> DiversityTradeOffs:
        """What diversity costs: every reranker over its range, of the same candidates of held-out questions.

        The shop's configuration is fitted on the past, as in `evaluate`; the model in service is neither used nor
        changed.

        Args:
            scenario: The place whose number of items is shown.
            n_users: Users asked about at most, drawn at random.
            progress: Told of every step.

        Raises:
            QueryError: there is no such scenario.
            StateError: there is nobody to ask about.
        """
        from shelfwise.shop import judging

        if scenario not in self.config.scenarios:
            raise QueryError(
                f"there is no scenario {scenario!r}; known: {', '.join(self.config.scenarios)}",
                where="scenario",
                hint=did_you_mean(scenario, self.config.scenarios),
                code="unknown_scenario",
            )
        return judging.diversity_tradeoff(self._parts, scenario, n_users, progress)

    def recommend_all(
        self, output: Path, scenario: str = "home", k: int | None = None, progress: Progress = _silent
    ) -> int:
        """Write every user's list to a Parquet file: user_id, item_id, position (1-based), score.

        Lists are written in batches as they come: all users' lists are never held at once. The log of events is.

        Returns:
            Users written. Visitors are left out: their sessions are over.
        """
        from shelfwise.shop.batch import write_lists

        if k is not None:
            _checked_k(k)
        return write_lists(self.recommender, self.records, output, scenario, k, progress)

    @property
    def rules(self) -> ShopRules:
        """What pins, boosts, buries, blocks and requires."""
        from shelfwise.shop.rules import ShopRules

        scenarios = list(self.config.scenarios)
        return ShopRules(self.folder, self.records, scenarios, lambda: self.recommender, lambda: self._recommender)

    @property
    def scenarios(self) -> ShopScenarios:
        """What was chosen for the places of the shop above `shop.toml`."""
        from shelfwise.shop.scenarios import ShopScenarios

        return ShopScenarios(self.config, self.records, lambda: self.recommender, lambda: self._recommender)

    @property
    def keys(self) -> ShopKeys:
        """Who may call the shop's API."""
        from shelfwise.shop.keys import ShopKeys

        return ShopKeys(self.records)

    @property
    def encryption(self) -> ShopEncryption:
        """The keys that seal what users say of themselves."""
        from shelfwise.shop.encryption import ShopEncryption

        return ShopEncryption(self.folder, self.config, self.records)

    def export_user(self, user_id: str) -> dict[str, Any]:
        """Everything that a person gave, and everything that was made of it.

        Raises:
            UnknownError: the shop knows nobody of that id.
        """
        from shelfwise.pipeline.personal_export import personal_export
        from shelfwise.shop.author import actor
        from shelfwise.store import audit_log, erasures

        has_model = self.versions.in_service() is not None
        found = personal_export(self.records, self.recommender if has_model else None, user_id)
        with self.records.write() as connection:
            audit_log.note(connection, actor(), "user.export", erasures.pseudonym(connection, user_id).hex()[:16])
        return found

    def erase_user(self, user_id: str) -> Receipt:
        """Erase a person from records and files; running servers know nobody of that id any more.

        Raises:
            UnknownError: the shop knows nobody of that id.
            ServiceError: other processes read or wrote for too long.
        """
        from shelfwise.pipeline.erasure import Eraser
        from shelfwise.shop.author import actor

        return Eraser(self.records, self.config, self.folder).erase(user_id, actor())

    def promote(self, version: str) -> Version:
        """Put a model version in service; a running server takes it up by itself.

        Raises:
            UnknownError: there is no version of that name.
        """
        from shelfwise.shop.author import actor
        from shelfwise.store import audit_log

        promoted = self.versions.promote(version)
        with self.records.write() as connection:
            audit_log.note(connection, actor(), "model.promote", promoted.name)
        self._recommender = None
        return promoted

    def roll_back(self) -> Version:
        """Put the version in service that was there before.

        Raises:
            StateError: there is none.
        """
        from shelfwise.shop.author import actor
        from shelfwise.store import audit_log

        before = self.versions.roll_back()
        with self.records.write() as connection:
            audit_log.note(connection, actor(), "model.roll-back", before.name)
        self._recommender = None
        return before

    @property
    def offers(self) -> ShopOffers:
        """What the shop gives a discount on: who answers to it, and who should get it within a budget."""
        from shelfwise.shop.offers import ShopOffers

        return ShopOffers(self.folder, self.records, lambda: self.recommender)

    @property
    def recommender(self) -> Recommender:
        """The model in service, loaded when first asked for."""
        if self._recommender is None:
            from shelfwise.pipeline.model import load
            from shelfwise.pipeline.recommender import Recommender

            self._recommender = Recommender(load(self.versions.current()), self.records)
        return self._recommender

    def history(self, user: str, n: int = 10) -> Iterator[tuple[str, np.datetime64]]:
        """What a user turned to, latest first: title and time."""
        from shelfwise.store import event_log

        with self.records.read() as connection:
            found = event_log.recent_events(connection, user, n)
        found = self.recommender.live.known(found)
        for row, time_ms in zip(found.rows[::-1].tolist(), found.times_ms[::-1].tolist(), strict=True):
            yield self.recommender.catalogue.name(row), np.datetime64(time_ms, "ms")

    def copy_records(self, url: str) -> dict[str, int]:
        """Copy items, users, events and all else that is recorded into an empty database.

        Args:
            url: As `[store] records` says it.

        Returns:
            Rows copied by table.

        Raises:
            ConfigError: the URL is none.
            StateError: the database there holds something.
            ServiceError: it cannot be reached.
        """
        from shelfwise.store.copies import copy_records

        target = Records.open(url, self.folder)
        try:
            return copy_records(self.records, target)
        finally:
            target.close()

    def back_up(self, path: Path, progress: Progress = _silent) -> BackedUp:
        """Write everything that the shop cannot do without into one file, while it serves.

        Raises:
            StateError: there is a file of that name.
            ServiceError: the store cannot be read, or the file not be written.
        """
        from shelfwise.shop.backup import back_up

        return back_up(self.folder, self.config, self.records, path, progress)

    def downgrade_records(self, revision: str) -> None:
        """Take the records' schema back for an earlier release; what only later ones hold is dropped.

        Raises:
            UnknownError: there is no such revision.
        """
        from shelfwise.store.migrations.run import downgrade

        downgrade(self.records.engine, revision)

    def serve(self, host: str | None = None, port: int | None = None, workers: int | None = None) -> None:
        """Answer over HTTP until stopped, the console included; what is omitted is that of `[serve]`."""
        from shelfwise.console import APP
        from shelfwise.serve.run import serve

        self.versions.current()  # a shop without a model is told so here, not by every answer
        self.encryption.require_keys()
        self.close()
        serve(self.folder, host, port, workers, app=APP)

    @property
    def _parts(self) -> ShopParts:
        return ShopParts(self.folder, self.config, self.records, self.versions, self.evaluations)


def _checked_k(k: int) -> int:
    if not 1 <= k <= MAX_K:
        raise QueryError(f"k is {k}", expected=f"a number from 1 to {MAX_K}", where="k", code="bad_k")
    return k
