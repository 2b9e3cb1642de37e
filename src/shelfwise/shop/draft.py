"""Draft a shop: guess how its files are read, and write `shop.toml`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from shelfwise import plugins
from shelfwise.config.component import ComponentSpec, Configured
from shelfwise.config.draft import render
from shelfwise.config.ingest import IngestSpec
from shelfwise.config.load import FILE_NAME
from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.encode import BUILTIN as ENCODERS
from shelfwise.encode.pictures import BUILTIN as PICTURE_ENCODERS
from shelfwise.errors import InputError
from shelfwise.ingest.guess import Guess, guess
from shelfwise.rank import BUILTIN as RANKERS
from shelfwise.rerank import BUILTIN as RERANKERS
from shelfwise.retrieve import BUILTIN as RETRIEVERS
from shelfwise.track import BUILTIN as TRACKERS


def look(folder: Path, items: Path | None, events: Path | None, users: Path | None) -> Guess:
    """Guess how a shop's files are to be read, writing nothing.

    Raises:
        DataError: a file cannot be read, or a column that ingest cannot do without is not found.
        InputError: the folder holds a `shop.toml` already, or no file was named.
    """
    if (folder / FILE_NAME).exists():
        raise InputError(
            "there is a shop.toml already",
            where=str(folder / FILE_NAME),
            hint="edit it, or draft in another folder",
            code="shop_exists",
        )
    if items is None and events is None:
        raise InputError("no file was named", expected="--items FILE, --events FILE or both", code="no_files")
    return guess(items, events, users)


NETWORK = "sequence"
"""The retriever that trains a network: it takes most of the training's time, and finds what counts do not."""


def write(folder: Path, found: Guess, *, quick: bool = False) -> Path:
    """Write the drafted `shop.toml`; the paths of files become relative to the folder where they lie in it.

    Args:
        quick: Without the network: trained in a fraction of the time, and a few per cent less accurate.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, Any] = {}
    for name in ("items", "events", "users"):
        spec = getattr(found.spec, name)
        tables[name] = None if spec is None else spec.model_copy(update={"path": _relative(spec.path, folder)})
    config = drafted(IngestSpec(**tables), quick=quick)
    path = folder / FILE_NAME
    path.write_text(manual(config), encoding="utf-8")
    return path


def drafted(ingest: IngestSpec, *, quick: bool = False) -> ShopConfig:
    """What a new shop starts from; see `write`."""
    config = ShopConfig(version=1, ingest=ingest)
    if quick:
        return config
    retrieve = {**config.retrieve, NETWORK: ComponentSpec(use=NETWORK)}
    return config.model_copy(update={"retrieve": retrieve})


def manual(config: ShopConfig) -> str:
    """A configuration as TOML with every component's own options explained."""
    components: dict[str, type[Configured]] = {}
    for name, spec in config.retrieve.items():
        components[f"retrieve.{name}"] = _component("retriever", spec.use, RETRIEVERS)
    components["rank"] = _component("ranker", config.rank.use, RANKERS)
    for name, spec in config.rerank.items():
        components[f"rerank.{name}"] = _component("reranker", spec.use, RERANKERS)
    if config.encode.text.use != NO_ENCODER:
        components["encode.text"] = _component("encoder", config.encode.text.use, ENCODERS)
    if config.encode.image.use != NO_ENCODER:
        use = config.encode.image.use
        components["encode.image"] = _component("picture_encoder", use, PICTURE_ENCODERS)
    components["track"] = _component("tracker", config.track.use, TRACKERS)
    return render(config, components)


def _component(kind: str, use: str, builtin: dict[str, str]) -> type[Configured]:
    component: Any = plugins.resolve(kind, use, builtin, where="use")
    return component


def _relative(path: str, folder: Path) -> str:
    absolute = Path(path).resolve()
    if absolute.is_relative_to(folder.resolve()):
        return os.path.relpath(absolute, folder.resolve())
    return str(absolute)
