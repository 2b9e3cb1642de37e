"""Who answers to offers, learned when a model version is made."""

from __future__ import annotations

import logging

import numpy as np

from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError
from shelfwise.offers.buyers import Demand
from shelfwise.offers.learning import Learned, learn_response
from shelfwise.offers.ledger import Ledger
from shelfwise.offers.offer_set import FILE_NAME, read_offers
from shelfwise.offers.ready import ready, user_fields
from shelfwise.offers.replies import PastOffer
from shelfwise.offers.response import ResponseModel
from shelfwise.pipeline.fitted import Progress
from shelfwise.rules.columns import ItemColumns
from shelfwise.store import catalogue as item_store
from shelfwise.store.records import Records
from shelfwise.store.scenario_events import scenario_events_after
from shelfwise.train.data import Loaded

log = logging.getLogger("shelfwise.train")


def response_of(config: ShopConfig, records: Records, loaded: Loaded, progress: Progress) -> Learned:
    """The chance of buying by the shop's own purchases, and of answering by what was answered to offers that are over.

    Offers that cannot be read are not learned from, and the log says so: training does not fail for them.
    """
    data = loaded.data
    if not config.offers.learn:
        return Learned(ResponseModel(Demand.of(data.interactions, data.now_ms)), {"why_not": "[offers] learn = false"})
    places = [name for name, spec in config.scenarios.items() if spec.answer == "offers"]
    with records.read() as connection:
        ledger = Ledger(scenario_events_after(connection, places, 0))
    past = past_offers(records, ledger, loaded) if len(ledger.users) else []
    progress("learning who answers to offers", None, None)
    told = ledger.replies()
    return learn_response(data, loaded.users, past, told, lambda text: progress(f"offers: {text}", None, None))


def past_offers(records: Records, ledger: Ledger, loaded: Loaded) -> list[PastOffer]:
    """The offers of the shop's file that are over and were answered to."""
    if not (records.folder / FILE_NAME).is_file():
        return []
    with records.read() as connection:
        columns = ItemColumns(item_store.read_all(connection))
    try:
        offers = ready(read_offers(records.folder / FILE_NAME), columns.fields(), user_fields((), is_open=True))
    except ConfigError as error:
        log.warning("nothing is learned from past offers: %s", error)
        return []
    now_ms, everybody = loaded.data.now_ms, np.flatnonzero(loaded.users).astype(np.int64)
    n_items = len(loaded.data.catalogue)
    members = (columns.matching(offer.items, now_ms)[:n_items] for offer in offers)
    found = (ledger.past(offer, one, now_ms, everybody) for offer, one in zip(offers, members, strict=True))
    return [one for one in found if one is not None]
