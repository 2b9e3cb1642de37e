"""The questions, as a plain file that any environment can read: NumPy arrays and a few words."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Past:
    """Events that show interest, sorted by user, then time, then arrival; shape `(E,)` each.

    Attributes:
        kinds: Codes of `shelfwise.schemas.events.EventKind`.
        prices: NaN where unknown.
        sessions: A number per session, -1 without one.
    """

    user_rows: Ints
    item_rows: Ints
    kinds: Ints
    times_ms: Ints
    prices: npt.NDArray[np.float32]
    sessions: Ints

    def __len__(self) -> int:
        return len(self.item_rows)

    def where(self, keep: Bools) -> Past:
        """Some of them, in the same order."""
        return Past(**{field.name: getattr(self, field.name)[keep] for field in fields(self)})


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked: histories and right answers, one after the other.

    Attributes:
        user_rows: Who; shape `(B,)`.
        now_ms: When; shape `(B,)`.
        starts: Where each history starts in `item_rows`, oldest event first; shape `(B + 1,)`.
        item_rows: Events of all histories; shape `(T,)`, as are `kinds` and `times_ms`.
        relevant_starts: Where each question's answers start in `relevant_rows`; shape `(B + 1,)`.
        relevant_rows: Distinct right answers, at least one a question; shape `(R,)`.
    """

    user_rows: Ints
    now_ms: Ints
    starts: Ints
    item_rows: Ints
    kinds: Ints
    times_ms: Ints
    relevant_starts: Ints
    relevant_rows: Ints

    def __len__(self) -> int:
        return len(self.user_rows)

    def history(self, place: int) -> slice:
        """Where the events of one history stand."""
        return slice(int(self.starts[place]), int(self.starts[place + 1]))

    def relevant(self, place: int) -> Ints:
        """The right answers of one question."""
        return self.relevant_rows[self.relevant_starts[place] : self.relevant_starts[place + 1]]

    def lines(self) -> Ints:
        """The question that each event of `item_rows` belongs to; shape `(T,)`."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def take(self, places: Ints) -> Questions:
        """The named questions, in the order given."""
        events, starts = _gather(self.starts, places)
        answers, relevant_starts = _gather(self.relevant_starts, places)
        return Questions(
            self.user_rows[places],
            self.now_ms[places],
            starts,
            self.item_rows[events],
            self.kinds[events],
            self.times_ms[events],
            relevant_starts,
            self.relevant_rows[answers],
        )

    def sample(self, n: int, seed: int = 0) -> Questions:
        """At most `n` of them, drawn at random, in their order."""
        if len(self) <= n:
            return self
        return self.take(np.sort(np.random.default_rng(seed).permutation(len(self))[:n]))


@dataclass(frozen=True, slots=True)
class Known:
    """What may be learned from, at one moment.

    Attributes:
        now_ms: The moment that models are fitted for.
        has_clock: Whether times are moments; otherwise they only order one user's events.
        target: Code of the kind of event that is predicted.
        repeats: Whether items that the user had may be recommended.
        shop: The folder of the shop that the log is from, for models that read texts and categories; None elsewhere.
        unfinished: A file in which a long fit may keep how far it came; None where it may not.
    """

    past: Past
    n_users: int
    n_items: int
    now_ms: int
    has_clock: bool
    target: int
    repeats: bool
    shop: Path | None = None
    unfinished: Path | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What an exam is, in words and numbers.

    Attributes:
        data: beauty, games, ….
        protocol: leave-one-out or time-split.
        asked: In words: what was known, what is asked.
        n_repeats_left_out: Test questions dropped since the user had every right answer before.
        now_ms: The moment before the test; `validation_now_ms` that before the validation.
    """

    data: str
    protocol: str
    asked: str
    target: int
    repeats: bool
    n_users: int
    n_items: int
    has_clock: bool
    now_ms: int
    validation_now_ms: int
    n_repeats_left_out: int


@dataclass(frozen=True, slots=True)
class Exam:
    """The same questions for every model.

    Attributes:
        past: Everything that may be learned from before the test.
        known_for_validation: Which of it may be learned from before the validation; shape `(E,)`.
        allowed: Which items may be shown; shape `(n_items,)`.
        validation: For early stopping and tuning.
        test: Asked once.
    """

    about: About
    past: Past
    known_for_validation: Bools
    allowed: Bools
    validation: Questions
    test: Questions

    @property
    def is_fitted_again(self) -> bool:
        """Whether more may be learned from before the test than before the validation."""
        return not bool(self.known_for_validation.all())

    def known(self, *, for_validation: bool, shop: Path | None = None, unfinished: Path | None = None) -> Known:
        """What may be learned from before the validation or before the test."""
        about = self.about
        return Known(
            self.past.where(self.known_for_validation) if for_validation else self.past,
            about.n_users,
            about.n_items,
            about.validation_now_ms if for_validation else about.now_ms,
            about.has_clock,
            about.target,
            about.repeats,
            shop,
            unfinished,
        )

    def save(self, path: Path) -> None:
        """Write one compressed npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {f"past.{name}": array for name, array in _arrays(self.past)}
        for part in ("validation", "test"):
            arrays |= {f"{part}.{name}": array for name, array in _arrays(getattr(self, part))}
        arrays |= {"known_for_validation": self.known_for_validation, "allowed": self.allowed}
        np.savez_compressed(path, about=np.array(json.dumps(asdict(self.about))), **arrays)

    @classmethod
    def load(cls, path: Path) -> Exam:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            parts: dict[str, dict[str, Any]] = {"past": {}, "validation": {}, "test": {}, "": {}}
            for name in file.files:
                part, _, field = name.rpartition(".")
                parts[part][field] = file[name]
        own = parts[""]
        about = About(**json.loads(str(own["about"])))
        return cls(
            about,
            Past(**parts["past"]),
            own["known_for_validation"],
            own["allowed"],
            Questions(**parts["validation"]),
            Questions(**parts["test"]),
        )

    def fingerprint(self) -> str:
        """Tells whether two rows answered the same questions knowing the same."""
        digest = hashlib.sha256(json.dumps(asdict(self.about), sort_keys=True).encode())
        for part in (self.past, self.validation, self.test):
            for name, array in _arrays(part):
                digest.update(name.encode())
                digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(self.known_for_validation.tobytes() + self.allowed.tobytes())
        return digest.hexdigest()[:16]


def _arrays(part: Past | Questions) -> list[tuple[str, Any]]:
    return [(field.name, getattr(part, field.name)) for field in fields(part)]


def _gather(starts: Ints, places: Ints) -> tuple[Ints, Ints]:
    """Positions of the chosen pieces, and where each starts among them."""
    lengths = np.diff(starts)[places]
    ends = np.cumsum(lengths)
    positions = np.arange(int(lengths.sum())) - np.repeat(ends - lengths, lengths) + np.repeat(starts[places], lengths)
    return positions, np.concatenate([[0], ends])
