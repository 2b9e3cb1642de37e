"""Which requests come, and when."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np

from synthetic_shop import user_id

PLACES = {"home": 0.6, "item": 0.3, "cart": 0.1}
"""Of recommendations."""


class Drawn(NamedTuple):
    """One request and when it is due, in seconds from the start."""

    due_s: float
    kind: str
    path: str
    body: bytes


def draw(plan: dict[str, Any]) -> list[Drawn]:
    """All requests of a plan, in the order in which they are due.

    Args:
        plan: `seconds`; `recommend` and `events`, each a rate per second; `batch`, events in a request; `n_users`,
            `n_items`; `seed`.
    """
    random = np.random.default_rng(plan["seed"])
    found: list[Drawn] = []
    for kind in ("recommend", "events"):
        n = round(plan[kind] * plan["seconds"])  # as many as promised, at random moments
        for number, due_s in enumerate(np.sort(random.random(n) * plan["seconds"]).tolist()):
            found.append(
                _recommend(due_s, random, plan) if kind == "recommend" else _events(due_s, number, random, plan)
            )
    return sorted(found)


def _recommend(due_s: float, random: np.random.Generator, plan: dict[str, Any]) -> Drawn:
    place = str(random.choice(list(PLACES), p=list(PLACES.values())))
    query: dict[str, Any] = {"user_id": user_id(int(random.integers(plan["n_users"]))), "scenario": place, "k": 20}
    if place != "home":
        n = 1 if place == "item" else 3
        query["items"] = [f"item-{row}" for row in random.integers(plan["n_items"], size=n).tolist()]
    return Drawn(due_s, place, "/v1/recommend", json.dumps(query).encode())


def _events(due_s: float, number: int, random: np.random.Generator, plan: dict[str, Any]) -> Drawn:
    events = [
        {
            "event_id": f"load-{plan['seed']}-{number}-{place}",
            "user_id": user_id(int(user)),
            "item_id": f"item-{item}",
            "event": "view",
        }
        for place, (user, item) in enumerate(
            zip(
                random.integers(plan["n_users"], size=plan["batch"]).tolist(),
                random.integers(plan["n_items"], size=plan["batch"]).tolist(),
                strict=True,
            )
        )
    ]
    body = events[0] if plan["batch"] == 1 else {"events": events}
    return Drawn(due_s, "events", "/v1/events", json.dumps(body).encode())
