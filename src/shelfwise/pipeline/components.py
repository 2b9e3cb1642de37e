"""Make the components that `shop.toml` names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shelfwise.config.component import build, complete
from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.encode import BUILTIN as ENCODERS
from shelfwise.encode.encoder import TextEncoder
from shelfwise.encode.pictures import BUILTIN as PICTURE_ENCODERS
from shelfwise.encode.pictures.encoder import PictureEncoder
from shelfwise.errors import ConfigError
from shelfwise.rank import BUILTIN as RANKERS
from shelfwise.rank.ranker import Ranker
from shelfwise.rerank import BUILTIN as RERANKERS
from shelfwise.rerank.reranker import Reranker
from shelfwise.retrieve import BUILTIN as RETRIEVERS
from shelfwise.retrieve.retriever import Retriever
from shelfwise.track import BUILTIN as TRACKERS
from shelfwise.track.tracker import Tracker


def build_retrievers(config: ShopConfig) -> dict[str, Retriever]:
    """One retriever per `[retrieve.…]` table, by its name, in the file's order.

    Raises:
        ConfigError: an unknown component or option; the message names the table.
    """
    return {
        name: build("retriever", spec, RETRIEVERS, where=f"retrieve.{name}", base=Retriever)
        for name, spec in config.retrieve.items()
    }


def build_ranker(config: ShopConfig) -> Ranker:
    """The ranker of `[rank]`."""
    return build("ranker", config.rank, RANKERS, where="rank", base=Ranker)


def build_rerankers(config: ShopConfig) -> dict[str, Reranker]:
    """One reranker per `[rerank.…]` table, by its name, in the file's order.

    Raises:
        ConfigError: an unknown component or option, or a scenario in which a step follows one that draws at random;
            the message names the table.
    """
    made = {
        name: build("reranker", spec, RERANKERS, where=f"rerank.{name}", base=Reranker)
        for name, spec in config.rerank.items()
    }
    for scenario, spec in config.scenarios.items():
        drawing = [place for place, name in enumerate(spec.rerank) if made[name].draws]
        if drawing and drawing[0] != len(spec.rerank) - 1:
            raise ConfigError(
                f"{spec.rerank[drawing[0]]!r} draws items, and {spec.rerank[drawing[0] + 1]!r} comes after it",
                expected="what explores as the last of the names: later steps would move what it drew",
                where=f"scenarios.{scenario}.rerank",
                hint="pins of rules hold wherever the rules stand",
                code="explores_too_early",
            )
    return made


def build_text_encoder(config: ShopConfig) -> TextEncoder | None:
    """The encoder of `[encode.text]`; None where the shop encodes no text."""
    if config.encode.text.use == NO_ENCODER:
        return None
    return build("encoder", config.encode.text, ENCODERS, where="encode.text", base=TextEncoder)


def build_picture_encoder(config: ShopConfig) -> PictureEncoder | None:
    """The encoder of `[encode.image]`; None where the shop encodes no pictures."""
    if config.encode.image.use == NO_ENCODER:
        return None
    return build("picture_encoder", config.encode.image, PICTURE_ENCODERS, where="encode.image", base=PictureEncoder)


def build_tracker(config: ShopConfig) -> Tracker:
    """The tracker of `[track]`."""
    return build("tracker", config.track, TRACKERS, where="track", base=Tracker)


def check(config: ShopConfig) -> None:
    """Make every component once, so that a wrong name or option is found before anything is computed."""
    _require_ranked(config, build_retrievers(config))
    build_ranker(config)
    build_rerankers(config)
    build_text_encoder(config)
    build_picture_encoder(config)
    build_tracker(config)


def _require_ranked(config: ShopConfig, retrievers: Mapping[str, Retriever]) -> None:
    for scenario, spec in config.scenarios.items():
        for name in spec.retrieve:
            if spec.order == "ranker" and not retrievers[name].is_ranked:
                raise ConfigError(
                    f"{name!r} is not ranked: its candidates would be left out",
                    where=f"scenarios.{scenario}.retrieve",
                    hint='take it out, or set order = "retrievers" in this scenario',
                )


def resolved(config: ShopConfig) -> dict[str, Any]:
    """The whole configuration as plain JSON, with every option of every component that is fitted.

    Raises:
        ConfigError: an unknown component or option; the message names the table.
    """
    document = config.model_dump(mode="json", exclude_none=True)
    document["retrieve"] = {
        name: complete("retriever", spec, RETRIEVERS, where=f"retrieve.{name}")
        for name, spec in config.retrieve.items()
    }
    document["rank"] = complete("ranker", config.rank, RANKERS, where="rank")
    document["rerank"] = {
        name: complete("reranker", spec, RERANKERS, where=f"rerank.{name}") for name, spec in config.rerank.items()
    }
    if config.encode.text.use != NO_ENCODER:
        document["encode"]["text"] = complete("encoder", config.encode.text, ENCODERS, where="encode.text")
    if config.encode.image.use != NO_ENCODER:
        document["encode"]["image"] = complete(
            "picture_encoder", config.encode.image, PICTURE_ENCODERS, where="encode.image"
        )
    return document
