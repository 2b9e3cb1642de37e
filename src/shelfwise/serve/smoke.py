"""Questions that a model version has to answer before it serves anybody."""

from __future__ import annotations

from typing import Any

from shelfwise.errors import StateError
from shelfwise.pipeline.named_groups import UNNAMED
from shelfwise.pipeline.recommender import Recommender
from shelfwise.schemas.queries import Query
from shelfwise.store import event_log
from shelfwise.store.records import Records

N_USERS = 3
"""Latest users who are asked about, beside a stranger."""


def try_out(recommender: Recommender, records: Records) -> None:
    """Ask every place of the shop, as strangers and as the latest users; what was slow the first time is warm then.

    Raises:
        StateError: it has nothing to show, though the shop has something.
        Exception: whatever went wrong while answering.
    """
    catalogue = recommender.catalogue
    shown = catalogue.allowed.nonzero()[0]
    if not len(shown):
        return
    row = int(shown[0])
    about: dict[str, Any] = {"items": [catalogue.item_ids[row]]}
    if catalogue.paths[row]:
        about["category"] = " > ".join(catalogue.paths[row])
    brand = int(catalogue.brands.codes[row])
    if brand != UNNAMED:
        about["brand"] = str(catalogue.brands.names[brand])
    with records.read() as connection:
        users = [None, *event_log.latest_users(connection, N_USERS)]
    shows_something = False
    for scenario, spec in recommender.model.config.scenarios.items():
        if not set(spec.needs) <= set(about):
            continue
        named = {need: about[need] for need in spec.needs}
        for user in users:
            slate = recommender.answer(Query(scenario=scenario, user_id=user, **named)).slate
            shows_something |= bool(slate.items or slate.bundles or slate.brands)
    if not shows_something:  # one place may be empty by its rules, all of them are not
        raise StateError("it has nothing to show in any place of the shop", code="shows_nothing")
