"""Event exports whose one line can be several events: Google Analytics 4, Google Retail, Segment.

Each function makes rows with our column names of one record. An event that names several items becomes one
row for each; a client's id gets the item's place as suffix, so that it stays unique. A visitor without
account is named by the browser's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from shelfwise.ingest.blocks import Unusable
from shelfwise.ingest.reasons import Reason
from shelfwise.schemas.events import EventKind
from shelfwise.schemas.ids import VISITOR_PREFIX

GA4_KINDS: dict[str, EventKind] = {
    "view_item_list": EventKind.IMPRESSION,
    "select_item": EventKind.CLICK,
    "view_item": EventKind.VIEW,
    "add_to_wishlist": EventKind.FAVOURITE,
    "add_to_cart": EventKind.CART,
    "remove_from_cart": EventKind.CART_REMOVE,
    "purchase": EventKind.PURCHASE,
    "refund": EventKind.RETURN,
    "search": EventKind.SEARCH,
    "view_search_results": EventKind.SEARCH,
}

RETAIL_KINDS: dict[str, EventKind] = {
    "detail-page-view": EventKind.VIEW,
    "add-to-cart": EventKind.CART,
    "remove-from-cart": EventKind.CART_REMOVE,
    "purchase-complete": EventKind.PURCHASE,
    "search": EventKind.SEARCH,
}

SEGMENT_KINDS: dict[str, EventKind] = {
    "product list viewed": EventKind.IMPRESSION,
    "product clicked": EventKind.CLICK,
    "product viewed": EventKind.VIEW,
    "product added to wishlist": EventKind.FAVOURITE,
    "product added": EventKind.CART,
    "product removed": EventKind.CART_REMOVE,
    "order completed": EventKind.PURCHASE,
    "order refunded": EventKind.RETURN,
    "order cancelled": EventKind.RETURN,
    "product reviewed": EventKind.REVIEW,
    "products searched": EventKind.SEARCH,
}

Rows = list[dict[str, Any]]


def ga4(record: dict[str, Any]) -> Rows | Unusable:
    """One line of the BigQuery export of Google Analytics 4."""
    name = _text(record.get("event_name")).lower()
    kind = GA4_KINDS.get(name)
    if kind is None:
        return _ignored(name)
    params = _ga4_params(record.get("event_params"))
    browser, account = record.get("user_pseudo_id"), record.get("user_id")
    ecommerce = _mapping(record.get("ecommerce"))
    visit = params.get("ga_session_id")
    common = {
        "user_id": account or (f"{VISITOR_PREFIX}{browser}" if browser else None),
        "session_id": f"{browser}.{visit}" if browser and visit is not None else browser,
        "event": name,
        "timestamp": record.get("event_timestamp"),
        "currency": params.get("currency"),
        "scenario": params.get("page_type"),
        "device": _mapping(record.get("device")).get("category"),
    }
    transaction = ecommerce.get("transaction_id") or params.get("transaction_id")
    # A thank-you page that is loaded twice sends its purchase twice: the order, not the moment, is the event.
    event_id = f"{name}.{transaction}" if transaction else f"{browser}.{record.get('event_timestamp')}.{name}"
    if kind is EventKind.SEARCH:
        return [{**common, "event_id": event_id, "query": params.get("search_term")}]
    items = _mappings(record.get("items")) or _mappings(ecommerce.get("items"))
    return [
        {
            **common,
            "event_id": f"{event_id}.{place}",
            "item_id": item.get("item_id") or item.get("item_name"),
            "price": item.get("price"),
            "quantity": item.get("quantity"),
            "position": _position(item.get("item_list_index", item.get("index"))),
        }
        for place, item in enumerate(items)
    ] or _without_items(name)


def google_retail(record: dict[str, Any]) -> Rows | Unusable:
    """One user event of Google Retail (Vertex AI Search for commerce)."""
    name = _text(record.get("eventType"))
    kind = RETAIL_KINDS.get(name)
    if kind is None:
        return _ignored(name)
    browser = record.get("visitorId")
    transaction = _mapping(record.get("purchaseTransaction"))
    common = {
        "user_id": _mapping(record.get("userInfo")).get("userId")
        or (f"{VISITOR_PREFIX}{browser}" if browser else None),
        "session_id": record.get("sessionId") or browser,
        "event": name,
        "timestamp": record.get("eventTime"),
        "currency": transaction.get("currencyCode"),
    }
    if kind is EventKind.SEARCH:
        return [{**common, "query": record.get("searchQuery")}]
    order = transaction.get("id")
    rows: Rows = []
    for place, detail in enumerate(_mappings(record.get("productDetails"))):
        product = _mapping(detail.get("product"))
        price = _mapping(product.get("priceInfo"))
        rows.append(
            {
                **common,
                "event_id": f"{name}.{order}.{place}" if order else None,
                "item_id": product.get("id") or _text(product.get("name")).rsplit("/", 1)[-1],
                "quantity": detail.get("quantity"),
                "price": price.get("price"),
                "currency": price.get("currencyCode") or common["currency"],
            }
        )
    return rows or _without_items(name)


def segment(record: dict[str, Any]) -> Rows | Unusable:
    """One call of Segment's e-commerce specification."""
    name = _text(record.get("event")).lower()
    kind = SEGMENT_KINDS.get(name)
    if kind is None:
        return _ignored(name or _text(record.get("type")))
    properties = _mapping(record.get("properties"))
    browser, message = record.get("anonymousId"), record.get("messageId")
    common = {
        "user_id": record.get("userId") or (f"{VISITOR_PREFIX}{browser}" if browser else None),
        "session_id": browser,
        "event": name,
        "timestamp": record.get("timestamp") or record.get("originalTimestamp"),
        "currency": properties.get("currency"),
        "device": _mapping(_mapping(record.get("context")).get("device")).get("type"),
    }
    if kind is EventKind.SEARCH:
        return [{**common, "event_id": message, "query": properties.get("query")}]
    products = _mappings(properties.get("products"))
    several = bool(products)
    rows: Rows = []
    for place, product in enumerate(products or [properties]):
        item = product.get("product_id") or product.get("productId") or product.get("id") or product.get("sku")
        rows.append(
            {
                **common,
                "event_id": f"{message}.{place}" if message and several else message,
                "item_id": item,
                "price": product.get("price"),
                "quantity": product.get("quantity"),
                "position": _position(product.get("position")),
                "value": product.get("rating") if kind is EventKind.REVIEW else None,
            }
        )
    return rows


def _ga4_params(found: Any) -> dict[str, Any]:
    """`[{key, value: {string_value | int_value | …}}]` as a mapping."""
    params: dict[str, Any] = {}
    for param in _mappings(found):
        value = param.get("value")
        if isinstance(value, Mapping):
            typed = cast("Mapping[str, Any]", value)
            value = next((part for part in typed.values() if part is not None), None)
        params[_text(param.get("key"))] = value
    return params


def _position(found: Any) -> Any:
    """Exports count from 0 or from 1 and do not say which: 0 is left out, not guessed."""
    return None if str(found) in ("0", "0.0", "(not set)") else found


def _ignored(name: str) -> Unusable:
    return Unusable(Reason.IGNORED_EVENT, f"the event {name[:80]!r} says nothing about an item or a search")


def _without_items(name: str) -> Unusable:
    return Unusable(Reason.MISSING_ITEM, f"the event {name[:80]!r} names no item")


def _mapping(found: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _mappings(found: Any) -> list[Mapping[str, Any]]:
    if not isinstance(found, list):
        return []
    return [cast("Mapping[str, Any]", part) for part in cast("list[Any]", found) if isinstance(part, Mapping)]


def _text(found: Any) -> str:
    return found if isinstance(found, str) else "" if found is None else str(found)
