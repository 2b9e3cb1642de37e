"""Whether a training can go on from a model version: its parts, its log and its rows must be the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shelfwise.config.shop import NO_ENCODER, ShopConfig
from shelfwise.errors import ConfigError, StateError
from shelfwise.pipeline.components import build_ranker, build_retrievers, build_text_encoder
from shelfwise.pipeline.model import Model
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.store.versions import Version
from shelfwise.train.data import Loaded
from shelfwise.train.fingerprints import of_rows

TRAIN_ANEW = "run `shelfwise train` without --continue: it fits everything anew"
NOTHING = "nothing"


def require_same_parts(config: ShopConfig, before: Model, version: Version) -> None:
    """Compare the shop's configuration with that of a model, as far as training depends on it.

    Raises:
        ConfigError: names every key that differs, with what it was and what it is.
    """
    found = list(_differences(config, before, version))
    if found:
        raise ConfigError(
            f"cannot go on from model version {version.name}: "
            + "; ".join(f"{path} was {was}, is {now}" for path, was, now in found),
            expected="the encoder, retrievers, ranker and behaviour that it was trained with",
            where=f"shop.toml: {found[0][0]}",
            hint=TRAIN_ANEW,
            code="cannot_continue",
        )


def require_same_log(loaded: Loaded, before: Model, version: Version) -> None:
    """Hold the store against what a model was trained on: rows stay, and a log only grows.

    Raises:
        StateError: items or users have other rows, events were taken away, or the log got or lost its clock.
    """
    about, data = version.manifest["data"], loaded.data
    reason = None
    for name, ids in (("item", data.catalogue.item_ids), ("user", loaded.user_ids)):
        n, rows = about[f"n_{name}s"], about.get(f"{name}_rows")
        if len(ids) < n or (rows is not None and of_rows(ids[:n]) != rows):
            reason = f"its {name}s are not those of this store, or stand in other rows"
    if len(data.interactions) < about["n_events"]:
        reason = f"it learned from {about['n_events']:,} events, and {len(data.interactions):,} are left"
    if data.interactions.has_clock != before.funnel.has_clock:
        reason = "the log's timestamps were " + (
            "moments, and now" if before.funnel.has_clock else "not moments, and now"
        )
        reason += " only order events" if before.funnel.has_clock else " are"
    if reason is not None:
        raise StateError(
            f"cannot go on from model version {version.name}: {reason}", hint=TRAIN_ANEW, code="cannot_continue"
        )


def require_no_obstacle(config: ShopConfig, loaded: Loaded, before: Model, version: Version) -> None:
    """Ask every retriever that goes on whether it can, before anything is fitted.

    Raises:
        StateError: one would have to begin anew.
    """
    for name, retriever in build_retrievers(config).items():
        reason = retriever.obstacle(loaded.data, before.funnel.retrievers[name]) if retriever.goes_on else None
        if reason is not None:
            raise StateError(
                f"cannot go on from model version {version.name}: {reason}",
                where=f"retrieve.{name}",
                hint=TRAIN_ANEW,
                code="cannot_continue",
            )


def _differences(config: ShopConfig, before: Model, version: Version) -> Iterator[tuple[str, str, str]]:
    """Path, what was, what is."""
    old, behaviour = before.config, config.behaviour
    if behaviour.history != old.behaviour.history:
        yield "behaviour.history", str(old.behaviour.history), str(behaviour.history)
    yield from _if_other("behaviour.cold_share", old.behaviour.cold_share, behaviour.cold_share)
    if behaviour.target != "auto" and CODE_BY_KIND[EventKind(behaviour.target)] != before.target:
        yield "behaviour.target", version.manifest["target"], behaviour.target
    if behaviour.repeats != "auto" and (behaviour.repeats == "allow") != before.repeats:
        yield "behaviour.repeats", "allow" if before.repeats else "exclude", behaviour.repeats
    yield from _if_other("behaviour.had", old.behaviour.had, behaviour.had)
    yield from _of_text(config, before)
    yield from _of_retrievers(config, old, version.manifest.get("retrievers", {}))
    if type(build_ranker(config)) is not type(build_ranker(old)) or config.rank.options != old.rank.options:
        yield "rank", str(old.rank.model_dump()), str(config.rank.model_dump())


def _of_text(config: ShopConfig, before: Model) -> Iterator[tuple[str, str, str]]:
    now, was = build_text_encoder(config), build_text_encoder(before.config)
    text = {"was": before.config.encode.text, "is": config.encode.text}
    if (now is None) != (was is None):
        yield "encode.text.use", text["was"].use, text["is"].use
    elif now is not None and was is not None and now.key() != was.key():
        yield "encode.text", str(text["was"].model_dump()), str(text["is"].model_dump())
    if config.encode.text.use == NO_ENCODER:
        return
    for key in ("whiten_dim", "whiten_shrinkage"):
        yield from _if_other(f"encode.{key}", getattr(before.config.encode, key), getattr(config.encode, key))
    yield from _if_other("encode.users", before.config.encode.users.model_dump(), config.encode.users.model_dump())
    yield from _if_other("encode.tune.use", before.config.encode.tune.use, config.encode.tune.use)


def _of_retrievers(
    config: ShopConfig, old: ShopConfig, options_then: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Options are compared as they were then, defaults included: another release may have other defaults."""
    was, now = build_retrievers(old), build_retrievers(config)
    for name in dict.fromkeys([*was, *now]):
        if name not in now or name not in was:
            yield (
                f"retrieve.{name}",
                old.retrieve[name].use if name in was else NOTHING,
                (config.retrieve[name].use if name in now else NOTHING),
            )
        elif type(was[name]) is not type(now[name]):
            yield f"retrieve.{name}.use", old.retrieve[name].use, config.retrieve[name].use
        else:
            options = now[name].config.model_dump(mode="json")
            before = options_then.get(name) or was[name].config.model_dump(mode="json")
            for key in sorted(options.keys() - now[name].may_change):
                yield from _if_other(f"retrieve.{name}.{key}", before.get(key, NOTHING), options[key])
    if set(was) == set(now) and list(was) != list(now):
        yield "retrieve", "in the order " + ", ".join(was), ", ".join(now)


def _if_other(path: str, was: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    if was != now:
        yield path, str(was), str(now)
