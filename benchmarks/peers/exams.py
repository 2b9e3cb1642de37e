"""Make the exams, with the splits that `shelfwise evaluate` makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from peers import office
from peers.cold_items import cold_items
from peers.exam import About, Exam, Known, Past, Questions
from peers.shops import DataSet, Protocol, source
from shelfwise.config.component import ComponentSpec
from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.datasets.examples import NO_CONTEXT, Example, Examples
from shelfwise.datasets.interactions import DAY_MS, Interactions, target_kind
from shelfwise.datasets.splits import Split, cut_before_end, leave_one_out, require_clock, time_split
from shelfwise.schemas.candidates import History, Situation
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.schemas.ids import Bools
from shelfwise.shop import Shop
from shelfwise.train.data import Loaded, load

WINDOW_D = 28.0
"""Days of the test window of a time split, and of the validation window before it."""


def exam_of(data: DataSet, protocol: Protocol, folder: Path, *, n_users: int | None = None) -> Exam:
    """The exam of a ready shop.

    Args:
        folder: The shop's.
        n_users: Only so many users, drawn at random, and their events: for a quick look.
    """
    with Shop.open(folder) as shop:
        loaded = load(without_encoder(shop.config), shop.records, folder, None)
    interactions, users = loaded.data.interactions, loaded.users
    if protocol == "published":
        return _published(data, loaded)
    if n_users is not None:
        chosen = np.zeros(interactions.n_users, bool)
        chosen[np.random.default_rng(0).permutation(np.flatnonzero(users))[:n_users]] = True
        interactions, users = interactions.where(chosen[interactions.user_rows]), users & chosen
    target = target_kind(interactions, "auto")
    return build(data.name, protocol, interactions, target, users, loaded.data.catalogue.allowed, repeats=data.repeats)


def build(
    name: str,
    protocol: Protocol,
    interactions: Interactions,
    target: EventKind,
    users: Bools,
    allowed: Bools,
    *,
    repeats: bool,
) -> Exam:
    """Split a log.

    - leave-one-out: asked is each user's last target event, with a history that includes the one before, which is the
      validation's answer. Neither is ever learned from.
    - cold-items: the same about items that nobody has touched, see `peers.cold_items`.
    - time split: asked is what each user does in the last `WINDOW_D` days; the validation asks the same of as many
      days before, knowing only what came before those. For the test everything before its window may be learned from.

    Args:
        users: Who may be asked about, by user row.
        allowed: Which items may be shown, by item row.
        repeats: Whether answers that the user had before count; questions without another answer are left out if not.
    """
    if protocol == "cold-items":
        return cold_items(build(name, "leave-one-out", interactions, target, users, allowed, repeats=repeats))
    if protocol == "leave-one-out":
        validation = leave_one_out(interactions, target, users, holdout="validation")
        test = leave_one_out(interactions, target, users)
        asked = (
            f"each user's last {target.value}; models know nothing of it nor of the one before it, which tunes them "
            "and is part of the history asked with"
        )
    else:
        require_clock(interactions)
        cut_ms = cut_before_end(interactions, WINDOW_D)
        test = time_split(interactions, target, users, cut_ms=cut_ms)
        earlier_ms = cut_ms - int(WINDOW_D * DAY_MS)
        validation = time_split(test.train, target, users, cut_ms=earlier_ms)
        asked = (
            f"all {target.value}s of the last {WINDOW_D:g} days; models are tuned on the {WINDOW_D:g} days before, "
            "then fitted on everything before the cut"
        )
    known_for_validation = (
        np.ones(len(test.train), bool)
        if validation.cut_ms is None
        else np.asarray(test.train.times_ms < validation.cut_ms)
    )
    about = About(
        name,
        protocol,
        asked,
        CODE_BY_KIND[target],
        repeats,
        interactions.n_users,
        interactions.n_items,
        interactions.has_clock,
        _now_ms(test),
        _now_ms(validation),
        0 if repeats else len(test.examples) - len(test.examples.without_repeats()),
    )
    return Exam(
        about,
        _past(test.train),
        known_for_validation,
        allowed,
        questions(_that_count(validation.examples, repeats=repeats)),
        questions(_that_count(test.examples, repeats=repeats)),
    )


def _published(data: DataSet, loaded: Loaded) -> Exam:
    """Office: what was published of training, then the validation's answers, may be learned from before the test."""
    interactions, catalogue = loaded.data.interactions, loaded.data.catalogue
    origin = source(data.name)
    validation, test = office.published(origin, "valid"), office.published(origin, "test")
    user_rows = {user_id: row for row, user_id in enumerate(loaded.user_ids)}
    item_rows = {item_id: row for row, item_id in enumerate(catalogue.item_ids)}
    before, until = (np.zeros(interactions.n_users, np.int64) for _ in range(2))
    for user, (known, _) in office.sequences(validation, test).items():
        before[user_rows[user]] = until[user_rows[user]] = len(known)
    for row in validation:
        until[user_rows[row.user]] += 1
    places = np.arange(len(interactions)) - interactions.bounds()[interactions.user_rows]
    past = places < until[interactions.user_rows]
    known_for_validation = (places < before[interactions.user_rows])[past]
    now_ms = int(until.max())
    kind = CODE_BY_KIND[target_kind(interactions, "auto")]
    about = About(
        data.name,
        "published",
        f"the {len(test):,} published test rows; known are the {known_for_validation.sum():,} events that stand in the "
        f"histories of published rows, and before the test the {len(validation):,} answers of the validation too; the "
        "training rows of the published tables, eight parts in ten of all, were not available",
        kind,
        data.repeats,
        interactions.n_users,
        interactions.n_items,
        interactions.has_clock,
        now_ms,
        now_ms,
        0,
    )
    return Exam(
        about,
        _past(interactions.where(past)),
        known_for_validation,
        catalogue.allowed,
        office.questions(validation, user_rows, item_rows, kind, now_ms),
        office.questions(test, user_rows, item_rows, kind, now_ms),
    )


def questions(examples: Examples) -> Questions:
    """Examples, one after the other."""
    histories = [example.situation.history for example in examples]
    answers = [example.relevant for example in examples]
    empty = np.empty(0, np.int32)
    return Questions(
        np.array([example.user_row for example in examples], np.int32),
        np.array([example.situation.now_ms for example in examples], np.int64),
        _starts([len(history) for history in histories]),
        np.concatenate([empty, *(history.rows for history in histories)]).astype(np.int32),
        np.concatenate([empty, *(history.kinds for history in histories)]).astype(np.int8),
        np.concatenate([empty, *(history.times_ms for history in histories)]).astype(np.int64),
        _starts([len(answer) for answer in answers]),
        np.concatenate([empty, *answers]).astype(np.int32),
    )


def without_encoder(config: ShopConfig) -> ShopConfig:
    """The same shop, encoding no text: enough to split its log."""
    encode = config.encode.model_copy(update={"text": ComponentSpec(use=NO_ENCODER)})
    return config.model_copy(update={"encode": encode})


def interactions_of(known: Known) -> Interactions:
    """A past as our own models take it."""
    past = known.past
    return Interactions(
        past.user_rows,
        past.item_rows,
        past.kinds,
        past.times_ms,
        past.prices,
        past.sessions,
        known.n_users,
        known.n_items,
    )


def examples_of(questions: Questions, target: int) -> list[Example]:
    """Questions as our own models take them."""
    found: list[Example] = []
    for place in range(len(questions)):
        events = questions.history(place)
        history = History(questions.item_rows[events], questions.kinds[events], questions.times_ms[events])
        situation = Situation(history, int(questions.now_ms[place]), NO_CONTEXT, target)
        found.append(Example(int(questions.user_rows[place]), situation, questions.relevant(place)))
    return found


def _past(interactions: Interactions) -> Past:
    return Past(
        interactions.user_rows,
        interactions.item_rows,
        interactions.kinds,
        interactions.times_ms,
        interactions.prices,
        interactions.sessions,
    )


def _now_ms(split: Split) -> int:
    """The moment that models are fitted for, as `shelfwise evaluate` sets it."""
    return split.train.end_ms if split.cut_ms is None else split.cut_ms


def _that_count(examples: Examples, *, repeats: bool) -> Examples:
    return examples if repeats else examples.without_repeats()


def _starts(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(np.array(lengths, np.int64))]).astype(np.int64)
