"""A model version on disk: a fitted funnel, the encoder's runtime, and the manifest that describes them.

manifest.json      configuration, data fingerprint, target, repeats, metrics, sizes, lineage
retrieve/<name>/   one folder per retriever
rank/              the ranker
items/             what the ranker is told of every item
offers/            who answers to offers
users/             vectors of what users say of themselves, by text: nothing tells whose they are
encoder/           graph, tokenizer and whitening, so that new items can be encoded while serving
pictures/          the same for pictures, where items have them
as_trained.json    what its answers looked like when it was trained
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shelfwise.config.load import parse
from shelfwise.config.shop import ShopConfig
from shelfwise.datasets.interactions import had_code
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.pictures.encoder import PictureEncoder
from shelfwise.encode.profile_vectors import ProfileVectors
from shelfwise.encode.whitening import Whitening
from shelfwise.errors import StateError
from shelfwise.features.item_state import ItemState
from shelfwise.features.text_vectors import TextVectors, as_kept
from shelfwise.features.themes import FILE as THEMES_FILE
from shelfwise.features.themes import Themes
from shelfwise.offers.response import ResponseModel
from shelfwise.pipeline.as_trained import AsTrained
from shelfwise.pipeline.components import (
    build_picture_encoder,
    build_ranker,
    build_retrievers,
    build_text_encoder,
)
from shelfwise.pipeline.funnel import Funnel
from shelfwise.schemas.events import CODE_BY_KIND, KIND_BY_CODE, EventKind
from shelfwise.schemas.scenario_names import NO_SCENARIOS, ScenarioNames
from shelfwise.store.arrays import mapped, share_equal
from shelfwise.store.marks import Marks
from shelfwise.store.versions import Version, Versions

VECTORS_FILE = "vectors.npy"
PICTURE_VECTORS_FILE = "pictures.npy"
BEHAVIOUR_FILE = "behaviour.npy"
PICTURES = "pictures"
PROFILES = "users"
OFFERS = "offers"
LEARNED_UP_TO = "learned_up_to"
"""Where a manifest says how far the store had come."""

FORMAT = 8
"""Raised whenever what a stage writes changes: a version of another format is refused, not misread."""

READ = (4, 5, 6, FORMAT)
"""Formats that are still read: before 5, all trees were one graph; before 6, neighbour lists were not packed, nor
vectors of many items in half precision; before 8, no ranker had trees of its own for what is newest. 7 was of no
release: such trees judged everything."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model version, loaded.

    Attributes:
        name: Of the version.
        config: With which it was trained.
        funnel: The stages.
        repeats: Whether items of a user's history may be recommended again, as learned or set.
        target: Code of the kind of event that it predicts.
        only_purchases: Whether purchases are all that it learned from: then its reasons may say "bought".
        n_items: Items that it was fitted on; rows from here on came later.
        log_end_ms: The moment after the last event that it knows.
        encoder: Makes vectors of new items; None where the shop encodes no text.
        whitening: Brings the encoder's vectors into the funnel's space; None without an encoder.
        picture_encoder: Makes vectors of new items' pictures; None where no item had a picture.
        picture_map: Brings them into the funnel's space; None without a picture encoder.
        scenario_names: The scenarios that it knows; what a history's codes mean to it.
        response: Who answers to offers; None in an older model.
        learned_up_to: How far the store had come when it was read for the training; None in an older model.
        as_trained: What its answers looked like then; None in an older model, and in one that learned from no events.
    """

    name: str
    config: ShopConfig
    funnel: Funnel
    repeats: bool
    target: int
    only_purchases: bool
    n_items: int
    log_end_ms: int
    encoder: TextEncoder | None
    whitening: Whitening | None
    picture_encoder: PictureEncoder | None = None
    picture_map: Whitening | None = None
    scenario_names: ScenarioNames = NO_SCENARIOS
    response: ResponseModel | None = None
    learned_up_to: Marks | None = None
    as_trained: AsTrained | None = None

    @property
    def had(self) -> int:
        """Code of the kind of event that makes an item one that a user had."""
        return had_code(self.config.behaviour.had, KIND_BY_CODE[self.target])


@dataclass(frozen=True, slots=True)
class EncoderFiles:
    """Where an encoder's runtime files are, to be copied into the version.

    Attributes:
        folder: That holds them.
        names: Of the files.
        whitening: Brings the encoder's vectors into the funnel's space.
        key: Names the encoder, as its folder among the shop's vectors is named.
    """

    folder: Path
    names: tuple[str, ...]
    whitening: Whitening
    key: str


def save(
    versions: Versions,
    funnel: Funnel,
    encoder: EncoderFiles | None,
    manifest: dict[str, Any],
    name: str | None = None,
    picture_encoder: EncoderFiles | None = None,
    response: ResponseModel | None = None,
    last_look: Callable[[Path], None] | None = None,
) -> str:
    """Publish a funnel as a new version and put it in service.

    Args:
        versions: The shop's.
        funnel: Fitted.
        encoder: Of texts; None where the shop encodes none.
        manifest: Must hold `config`, `target`, `only_purchases`, `repeats`, `has_clock`, `n_items` and `log_end_ms`;
            whatever else it says is kept.
        name: Of the version, where it had to be known before.
        picture_encoder: Of pictures; None where no item has one.
        response: Who answers to offers.
        last_look: Called with the folder when everything but the manifest is written, to which it may still add.

    Returns:
        The version's name.
    """
    manifest["format"] = FORMAT
    manifest["encoder"] = None if encoder is None else encoder.key
    with versions.publish(manifest, name) as folder:
        for name, retriever in funnel.retrievers.items():
            (folder / "retrieve" / name).mkdir(parents=True)
            retriever.save(folder / "retrieve" / name)
        for part in ("rank", "items"):
            (folder / part).mkdir()
        funnel.ranker.save(folder / "rank")
        funnel.state.save(folder / "items")
        if funnel.vectors is not None:
            np.save(folder / "items" / VECTORS_FILE, as_kept(funnel.vectors.base))
            share_equal(folder / "items" / VECTORS_FILE, (folder / "retrieve").glob("*/*.npy"))
        for file, kept in ((PICTURE_VECTORS_FILE, funnel.pictures), (BEHAVIOUR_FILE, funnel.behaviour)):
            if kept is not None:
                np.save(folder / "items" / file, as_kept(kept.base))
        if funnel.themes is not None:
            funnel.themes.save(folder / "items")
        if funnel.profiles is not None:
            (folder / PROFILES).mkdir()
            funnel.profiles.save(folder / PROFILES)
        if response is not None:
            (folder / OFFERS).mkdir()
            response.save(folder / OFFERS)
        for name, files in (("encoder", encoder), (PICTURES, picture_encoder)):
            if files is not None:
                (folder / name).mkdir()
                for file in files.names:
                    shutil.copyfile(files.folder / file, folder / name / file)
                files.whitening.save(folder / name)
        if last_look is not None:
            last_look(folder)
    return str(manifest["version"])


def load(version: Version) -> Model:
    """Open a version; large arrays are memory-mapped and shared by all processes that do the same.

    Raises:
        StateError: another release of Shelfwise wrote it, or files of it are missing.
    """
    if version.manifest.get("format") not in READ:
        raise StateError(
            f"model version {version.name} has format {version.manifest.get('format')}",
            expected=f"format {' or '.join(map(str, READ))}",
            where=str(version.folder),
            hint="another release of Shelfwise wrote it: run `shelfwise train`",
            code="other_format",
        )
    try:
        return _load(version)
    except FileNotFoundError as cause:
        raise StateError(
            f"model version {version.name} is damaged: {cause.filename} is missing",
            where=str(version.folder),
            hint="run `shelfwise models rollback`, or train again",
            code="damaged_version",
        ) from cause


def _load(version: Version) -> Model:
    manifest = version.manifest
    config = parse(manifest["config"])
    retrievers = build_retrievers(config)
    for name, retriever in retrievers.items():
        retriever.load(version.folder / "retrieve" / name)
    ranker = build_ranker(config)
    ranker.load(version.folder / "rank")
    items = version.folder / "items"
    vectors, pictures, behaviour = (
        TextVectors(mapped(items / file)) if (items / file).is_file() else None
        for file in (VECTORS_FILE, PICTURE_VECTORS_FILE, BEHAVIOUR_FILE)
    )
    themes = Themes.load(items, vectors.base) if vectors is not None and (items / THEMES_FILE).is_file() else None
    profiles = ProfileVectors.load(version.folder / PROFILES) if (version.folder / PROFILES).is_dir() else None
    funnel = Funnel(
        retrievers,
        ranker,
        ItemState.load(items),
        vectors,
        bool(manifest["has_clock"]),
        profiles,
        pictures,
        behaviour,
        themes,
    )
    encoder, whitening = None, None
    if (version.folder / "encoder").is_dir():
        encoder = build_text_encoder(config)
        if encoder is not None:
            encoder.load(version.folder / "encoder")
            whitening = Whitening.load(version.folder / "encoder")
    picture_encoder, picture_map = None, None
    if (version.folder / PICTURES).is_dir():
        picture_encoder = build_picture_encoder(config)
        if picture_encoder is not None:
            picture_encoder.load(version.folder / PICTURES)
            picture_map = Whitening.load(version.folder / PICTURES)
    return Model(
        version.name,
        config,
        funnel,
        bool(manifest["repeats"]),
        CODE_BY_KIND[EventKind(manifest["target"])],
        bool(manifest["only_purchases"]),
        int(manifest["n_items"]),
        int(manifest["log_end_ms"]),
        encoder,
        whitening,
        picture_encoder,
        picture_map,
        ScenarioNames(tuple(manifest.get("scenarios", ()))),
        ResponseModel.load(version.folder / OFFERS) if (version.folder / OFFERS).is_dir() else None,
        Marks.read(manifest[LEARNED_UP_TO]) if LEARNED_UP_TO in manifest else None,
        AsTrained.load(version.folder),
    )
