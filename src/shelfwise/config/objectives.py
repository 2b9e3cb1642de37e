"""What `[objectives.…]` may say: the things that a shop wants to happen, and how it sees that they did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shelfwise.schemas.events import EventKind

REVENUE = "revenue"
"""Derived, never declared: the expected price paid, from the probability of a purchase and the item's price."""


class ObjectiveSpec(BaseModel):
    """One thing that is wanted, and how the log tells that it happened."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    events: list[EventKind] = Field(
        min_length=1, description="Kinds of event by which it happens; any of them within the window counts."
    )
    measure: Literal["happens", "seconds"] = Field(
        default="happens",
        description="'happens': the probability that it does; 'seconds': the sum of the events' values, as of dwell.",
    )
    given: str | None = Field(
        default=None,
        description=(
            "Another objective without which this one cannot happen: it is then learned as that one's probability "
            "times its own, over everything shown, and not only where the other happened."
        ),
    )
    at_least: float | None = Field(
        default=None,
        description="Rating from which a rating counts; one below it says that the objective failed.",
    )
    kept: bool = Field(
        default=False,
        description="Whether it counts only where it was not undone: a purchase by a return, a cart by a removal.",
    )
    window_d: float = Field(default=7.0, gt=0, le=366, description="Days after a request within which it counts.")


def usual_objectives() -> dict[str, ObjectiveSpec]:
    """What shops want: those of which a log holds too little are left out by training, which says so."""
    return {
        "click": ObjectiveSpec(events=[EventKind.VIEW, EventKind.CLICK]),
        "cart": ObjectiveSpec(events=[EventKind.CART], given="click"),
        "purchase": ObjectiveSpec(events=[EventKind.PURCHASE], given="click"),
        "dwell": ObjectiveSpec(events=[EventKind.DWELL], measure="seconds", given="click"),
        "satisfaction": ObjectiveSpec(
            events=[EventKind.PURCHASE, EventKind.RATING], at_least=4.0, kept=True, given="purchase"
        ),
    }


def check_chains(specs: Mapping[str, ObjectiveSpec]) -> None:
    """Refuse objectives that depend on what is not there, or on themselves.

    Raises:
        ValueError: names the objective and where its chain leads.
    """
    if REVENUE in specs:
        raise ValueError(f"objectives.{REVENUE} follows from purchases and prices and cannot be declared")
    for name, spec in specs.items():
        seen, at = {name}, spec.given
        while at is not None:
            where = f"objectives.{name}.given leads to {at!r}"
            if at not in specs:
                raise ValueError(f"{where}, and there is no [objectives.{at}]")
            if specs[at].measure != "happens":
                raise ValueError(f"{where}, which is measured and does not happen or not")
            if at in seen:
                raise ValueError(f"{where} again: a chain must end")
            seen.add(at)
            at = specs[at].given


def ordered(specs: Mapping[str, ObjectiveSpec]) -> dict[str, ObjectiveSpec]:
    """Every objective after the one that it depends on; otherwise as declared."""
    found: dict[str, ObjectiveSpec] = {}
    waiting = dict(specs)
    while waiting:
        ready = [name for name, spec in waiting.items() if spec.given is None or spec.given in found]
        for name in ready:
            found[name] = waiting.pop(name)
        if not ready:
            raise ValueError(f"objectives {', '.join(waiting)} depend on objectives that are not there")
    return found


def present(specs: Mapping[str, ObjectiveSpec], kept: set[str]) -> dict[str, ObjectiveSpec]:
    """Some of the objectives; who depended on one left out depends on what that one depended on."""
    found: dict[str, ObjectiveSpec] = {}
    for name, spec in ordered(specs).items():
        if name not in kept:
            continue
        parent = spec.given
        while parent is not None and parent not in kept:
            parent = specs[parent].given
        found[name] = spec.model_copy(update={"given": parent})
    return found


def goal_of(specs: Mapping[str, ObjectiveSpec]) -> str:
    """The strongest of what is wanted: the last link of a chain that a shop earns by."""
    happening = [name for name, spec in specs.items() if spec.measure == "happens"]
    strongest = [name for name in happening if EventKind.PURCHASE in specs[name].events and not specs[name].kept]
    return (strongest or happening or list(specs))[-1 if not strongest else 0]


def ancestors(specs: Mapping[str, ObjectiveSpec], name: str) -> list[str]:
    """What an objective follows, the nearest first."""
    found: list[str] = []
    at = specs[name].given
    while at is not None:
        found.append(at)
        at = specs[at].given
    return found
