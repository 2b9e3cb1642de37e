"""Make the components that `shop.toml` names."""

from __future__ import annotations

from typing import Any

from shelfwise.config.component import build, complete
from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.encode import BUILTIN as ENCODERS
from shelfwise.encode.encoder import TextEncoder
from shelfwise.rank import BUILTIN as RANKERS
from shelfwise.rank.ranker import Ranker
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


def build_text_encoder(config: ShopConfig) -> TextEncoder | None:
    """The encoder of `[encode.text]`; None where the shop encodes no text."""
    if config.encode.text.use == NO_ENCODER:
        return None
    return build("encoder", config.encode.text, ENCODERS, where="encode.text", base=TextEncoder)


def build_tracker(config: ShopConfig) -> Tracker:
    """The tracker of `[track]`."""
    return build("tracker", config.track, TRACKERS, where="track", base=Tracker)


def check(config: ShopConfig) -> None:
    """Make every component once, so that a wrong name or option is found before anything is computed."""
    build_retrievers(config)
    build_ranker(config)
    build_text_encoder(config)
    build_tracker(config)


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
    if config.encode.text.use != NO_ENCODER:
        document["encode"]["text"] = complete("encoder", config.encode.text, ENCODERS, where="encode.text")
    return document
