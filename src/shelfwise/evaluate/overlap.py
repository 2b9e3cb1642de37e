"""How alike the lists are that model versions would show today."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from sqlalchemy import select

from shelfwise.errors import StateError
from shelfwise.evaluate.report import Overlap
from shelfwise.pipeline.fitted import Progress
from shelfwise.pipeline.model import load
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.ids import VISITOR_PREFIX
from shelfwise.schemas.queries import Query
from shelfwise.store.records import Records
from shelfwise.store.tables import users
from shelfwise.store.versions import Version

K = 10
N_USERS = 200
SEED = 0
HOME = "home"


def mean_overlap(versions: Sequence[Version], records: Records, progress: Progress) -> list[Overlap]:
    """Ask the same users' lists of every version; for each pair, what share of the items the lists have in common.

    Args:
        versions: Two or more.
        records: Who is asked about, `N_USERS` users at most, drawn at random, and what they did until now.
        progress: Told of every step.

    Returns:
        One entry per pair, in the order of the versions.

    Raises:
        StateError: the shop has no users, a version is of another format, or the versions have no scenario in common.

    Cost:
        Loads one version after the other; some milliseconds per user and version.
    """
    with records.read() as connection:
        user_ids = [
            user_id
            for user_id in connection.execute(select(users.c.user_id).order_by(users.c.row)).scalars()
            if not user_id.startswith(VISITOR_PREFIX)
        ]
    if not user_ids:
        raise StateError(
            "there are no users to ask lists for",
            where="--overlap",
            hint="leave --overlap out, or ingest events that name users",
            code="nobody_to_ask",
        )
    chosen = np.sort(np.random.default_rng(SEED).permutation(len(user_ids))[:N_USERS])
    asked = [user_ids[place] for place in chosen.tolist()]
    lists: list[list[frozenset[str]]] = []
    scenario: str | None = None
    for version in versions:
        progress(f"loading {version.name}", None, None)
        recommender = Recommender(load(version), records)
        scenario = scenario or _common(versions, list(recommender.model.config.scenarios))
        own: list[frozenset[str]] = []
        for place, user_id in enumerate(asked, start=1):
            slate = recommender.recommend(Query(user_id=user_id, scenario=scenario, k=K))
            own.append(frozenset(item.item_id for item in slate.items))
            progress(f"asking {version.name}", place, len(asked))
        lists.append(own)
    return [
        Overlap(versions[a].name, versions[b].name, len(asked), K, _jaccard(lists[a], lists[b]))
        for a, b in combinations(range(len(versions)), 2)
    ]


def _common(versions: Sequence[Version], named: list[str]) -> str:
    """The home page where all versions have one, else the first scenario that all have."""
    known = [set(version.manifest["config"].get("scenarios", named)) for version in versions]
    shared = [name for name in sorted(named, key=lambda name: name != HOME) if all(name in one for one in known)]
    if not shared:
        raise StateError(
            "these versions have no scenario in common",
            where="--overlap",
            hint="leave --overlap out, or compare versions of the same scenarios",
            code="no_common_scenario",
        )
    return shared[0]


def _jaccard(a: Sequence[frozenset[str]], b: Sequence[frozenset[str]]) -> float:
    """Mean share of common items among all items of two lists; two empty lists are the same."""
    return float(np.mean([len(x & y) / len(x | y) if x | y else 1.0 for x, y in zip(a, b, strict=True)]))
