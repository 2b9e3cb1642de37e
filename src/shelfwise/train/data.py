"""Read from the store what models are fitted on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from sqlalchemy import select

from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.catalogue import Catalogue
from shelfwise.datasets.interactions import Interactions, scenario_names_of
from shelfwise.datasets.regions import Regions
from shelfwise.datasets.searches import Searches
from shelfwise.datasets.shown_lists import ShownLists
from shelfwise.datasets.training_data import TrainingData
from shelfwise.encode.catalogue import EncodeOutcome, Progress, encode_changed, encoded_items
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.landmarks import Landmarks
from shelfwise.encode.passage import passage
from shelfwise.encode.pictures.catalogue import Progress as PictureProgress
from shelfwise.encode.profile_vectors import ProfileTexts, encode_changed_profiles, encode_profiles
from shelfwise.encode.sentence_transformer import SentenceTransformer
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import StateError
from shelfwise.pipeline.clock import present_ms
from shelfwise.pipeline.components import build_text_encoder
from shelfwise.pipeline.fitted import Progress as StepProgress
from shelfwise.schemas.ids import VISITOR_PREFIX, Bools, Floats
from shelfwise.schemas.items import Item
from shelfwise.schemas.scenario_names import NO_SCENARIOS, ScenarioNames
from shelfwise.store import catalogue as item_store
from shelfwise.store import event_log, people
from shelfwise.store.marks import Marks, marks
from shelfwise.store.records import Records
from shelfwise.store.tables import users
from shelfwise.store.vectors import VectorCache
from shelfwise.train.encoder_export import export
from shelfwise.train.pictures import EncodedPictures, MappedPictures, encode_pictures, map_pictures
from shelfwise.train.profiles import read_profiles, set_profiles_apart
from shelfwise.train.tuning.tuner import Tuner


@dataclass(frozen=True, slots=True)
class ReadyEncoder:
    """An encoder that can run, and where its files and vectors are.

    Attributes:
        encoder: Loaded.
        folder: That holds its runtime files.
        cache: Of its vectors.
        key: Names it; a tuned encoder has another than the one that it was made of.
    """

    encoder: TextEncoder
    folder: Path
    cache: VectorCache
    key: str


@dataclass(frozen=True, slots=True)
class ModelSpace:
    """The space in which a model's item vectors lie.

    Attributes:
        encoder: Of texts; None where the model reads none.
        whitening: Of what it makes.
        picture_map: Of picture vectors; None where the model knows no pictures: those that came since wait for the next
            full training.
        profile_attributes: Those of users that the model reads; where it reads none, those that came since wait too.
        scenario_names: Whose codes stay; scenarios that came since are added.
    """

    encoder: ReadyEncoder | None
    whitening: Whitening | None
    picture_map: Whitening | None
    profile_attributes: tuple[str, ...] = ()
    scenario_names: ScenarioNames = NO_SCENARIOS


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything that the store holds, as models take it.

    Attributes:
        data: As of the moment after the last event; as of now where there is none.
        users: Who may be asked about, by user row: everybody but visitors, whose sessions never come back.
        user_ids: By user row.
        encoder: None where the shop encodes no text.
        whitening: Fitted on this catalogue, or that of the space asked for; None without an encoder.
        items: By row.
        tuner: Makes tuned vectors; None where `[encode.tune]` is not in use, or the space was given.
        pictures: What became of the items' pictures; None where the shop encodes none, or no item names one.
        mapped_pictures: Their vectors; None without any that could be read, or where the space given has none.
        profiles: What users say of themselves; None where nobody says anything, or the shop does not read it.
        marks: How far the store had come when items and events were read.
    """

    data: TrainingData
    users: Bools
    user_ids: list[str]
    encoder: ReadyEncoder | None
    whitening: Whitening | None
    items: list[Item]
    tuner: Tuner | None
    marks: Marks
    pictures: EncodedPictures | None = None
    mapped_pictures: MappedPictures | None = None
    profiles: ProfileTexts | None = None


def ready_encoder(config: ShopConfig, records: Records, vectors_folder: Path) -> ReadyEncoder | None:
    """The shop's text encoder, its graph made where that was not yet done; None where the shop encodes no text."""
    encoder = build_text_encoder(config)
    if encoder is None:
        return None
    folder = vectors_folder / encoder.key()
    if not encoder.is_ready(folder):
        if isinstance(encoder, SentenceTransformer):
            export(encoder, folder)
        else:
            encoder.prepare(folder)
    encoder.load(folder)
    return ReadyEncoder(encoder, folder, VectorCache(records, folder, encoder.key(), encoder.dim), encoder.key())


def encode_catalogue(
    config: ShopConfig, records: Records, vectors_folder: Path, progress: StepProgress
) -> EncodeOutcome:
    """Encode every item whose text or picture has no vector yet, and what users say of themselves."""
    with records.read() as connection:
        items = [entry.item for entry in item_store.read_all(connection)]
    progress("preparing the encoder", None, None)
    ready = ready_encoder(config, records, vectors_folder)
    outcome = EncodeOutcome(len(items), 0)
    if ready is not None:
        told = partial(progress, "encoding items")
        outcome = encode_changed(items, ready.encoder, ready.cache, told)
        profiles = read_profiles(config, records, ready.encoder)
        if profiles is not None:
            told = partial(progress, "encoding users' profiles")
            set_profiles_apart(ready.cache, items)
            n_encoded = encode_changed_profiles(profiles, ready.encoder, ready.cache, told)
            outcome = replace(outcome, n_profiles=len(profiles.texts), n_profiles_encoded=n_encoded)
    pictures = encode_pictures(config, records, vectors_folder, items, progress)
    return outcome if pictures is None else replace(outcome, pictures=pictures.report)


def load(
    config: ShopConfig,
    records: Records,
    vectors_folder: Path,
    progress: Progress | None,
    picture_progress: PictureProgress | None = None,
    *,
    space: ModelSpace | None = None,
    raw: bool = False,
) -> Loaded:
    """Read items and events; encode what is missing; whiten.

    Args:
        config: The shop's.
        records: Items, users and events; its folder is where paths of pictures begin.
        vectors_folder: Where encoders and the vectors they made are kept.
        progress: Told of texts encoded.
        picture_progress: Told of pictures read and encoded.
        space: Where an earlier model's vectors lie, for a training that goes on from it: nothing is fitted or tuned
            then. None makes a space of this catalogue.
        raw: Keep the vectors as the encoder made them, beside the whitened ones.

    Raises:
        StateError: the shop has no items.
    """
    with records.read() as connection:
        read_up_to = marks(connection)
        stored = list(item_store.read_all(connection))
        events = event_log.read_all(connection)
        user_ids = list(connection.execute(select(users.c.user_id).order_by(users.c.row)).scalars())
    if not stored:
        raise StateError(
            "this shop has no items yet", hint="run `shelfwise ingest` with an items file", code="no_items"
        )
    names = scenario_names_of(events, None if space is None else space.scenario_names)
    interactions = Interactions.of(events, n_users=len(user_ids), n_items=len(stored), scenario_names=names)
    items = [entry.item for entry in stored]
    ready = ready_encoder(config, records, vectors_folder) if space is None else space.encoder
    vectors, whitening, raw_vectors, texts_of_users, profiles = None, None, None, None, None
    if ready is not None:
        encoded = encoded_items(items, ready.encoder, ready.cache, progress)
        has_text = np.array([bool(passage(item)) for item in items])
        whitening = space.whitening if space is not None else None
        if whitening is None:
            whitening = _whitening(config, encoded, has_text)
        vectors = np.where(has_text[:, None], whitening(encoded), np.float32(0))
        if raw or _reads_raw_text(config):
            raw_vectors = np.where(has_text[:, None], encoded, np.float32(0))
        read_then = None if space is None else space.profile_attributes
        texts_of_users = read_profiles(config, records, ready.encoder, read_then)
        if texts_of_users is not None:
            landmarks = Landmarks.of(encoded, vectors, has_text)
            set_profiles_apart(ready.cache, items)
            profiles = encode_profiles(texts_of_users, ready.encoder, ready.cache, landmarks)
    known = np.array([not user_id.startswith(VISITOR_PREFIX) for user_id in user_ids], bool)
    if not known.any():  # a shop where nobody signs in: visitors are all there is
        known[:] = True
    pictures = encode_pictures(config, records, vectors_folder, items, picture_progress)
    mapped = None
    if pictures is not None and pictures.encoder is not None and (space is None or space.picture_map is not None):
        mapped = map_pictures(config, pictures, vectors, None if space is None else space.picture_map)
    data = TrainingData(
        interactions,
        Catalogue.of(stored),
        vectors,
        interactions.end_ms or present_ms(),
        pictures=None if mapped is None else mapped.vectors,
        raw_vectors=raw_vectors,
        profiles=profiles,
        regions=_regions(config, records, len(user_ids)),
        shown=ShownLists.of(events, names),
    )
    is_tuned = config.encode.tune.use and space is None
    tuner = make_tuner(config, records, items, vectors_folder, texts_of_users) if is_tuned else None
    return Loaded(data, known, user_ids, ready, whitening, items, tuner, read_up_to, pictures, mapped, texts_of_users)


def _regions(config: ShopConfig, records: Records, n_users: int) -> Regions | None:
    if not config.behaviour.region:
        return None
    with records.read() as connection:
        return Regions.of(people.read_attributes(connection), config.behaviour.region, n_users)


def _whitening(config: ShopConfig, encoded: Floats, has_text: Bools) -> Whitening:
    return Whitening.fit(
        encoded[has_text] if has_text.any() else encoded,
        dim=min(config.encode.whiten_dim, encoded.shape[1]),
        shrinkage=config.encode.whiten_shrinkage,
    )


def _reads_raw_text(config: ShopConfig) -> bool:
    """Whether a retriever asks for vectors that are not whitened: only to see what whitening is worth."""
    return any(spec.options.get("item") == "raw-text" for spec in config.retrieve.values())


def make_tuner(
    config: ShopConfig,
    records: Records,
    items: list[Item],
    vectors_folder: Path,
    profiles: ProfileTexts | None = None,
) -> Tuner:
    """What tunes the shop's encoder.

    Args:
        config: The shop's.
        records: Its events, with the searches.
        items: By row.
        vectors_folder: Where encoders and the vectors they made are kept.
        profiles: What users say of themselves, to be encoded by the tuned encoder too.

    Raises:
        ConfigError: the shop's encoder cannot be tuned.
    """
    with records.read() as connection:
        found = event_log.read_queries(connection)
    searches = Searches(
        np.array([row.user_row for row in found], np.int32),
        np.array([-1 if row.item_row is None else row.item_row for row in found], np.int32),
        np.array([row.timestamp_ms for row in found], np.int64),
        [row.query for row in found],
    )
    return Tuner(config, records, items, searches, vectors_folder, profiles)
