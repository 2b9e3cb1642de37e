"""Products as schema.org describes them, one JSON-LD object per line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson

from shelfwise.ingest.blocks import Unusable
from shelfwise.ingest.item_rows import FREE_ATTRIBUTES
from shelfwise.ingest.reasons import Reason
from shelfwise.schemas.items import MAX_ATTRIBUTES

_ATTRIBUTES = ("color", "material", "size", "pattern", "model", "gtin", "gtin13", "mpn", "keywords")
_PRODUCTS = ("product", "individualproduct", "productmodel", "someproducts", "book", "movie", "vehicle")


def schema_org(record: dict[str, Any]) -> list[dict[str, Any]] | Unusable:
    """One product; a line with `@graph` is the products in it."""
    graph = record.get("@graph")
    parts: list[Any] = cast("list[Any]", graph) if isinstance(graph, list) else [record]
    things = [cast("Mapping[str, Any]", part) for part in parts if isinstance(part, Mapping)]
    rows = [_product(thing) for thing in things if _is_product(thing)]
    return rows or Unusable(Reason.NO_PRODUCT, f"@type is {str(record.get('@type'))[:80]!r}; expected Product")


def _is_product(record: Mapping[str, Any]) -> bool:
    types = record.get("@type")
    names = cast("list[Any]", types) if isinstance(types, list) else [types]
    return any(str(name).rsplit("/", 1)[-1].rsplit(":", 1)[-1].lower() in _PRODUCTS for name in names)


def _product(record: Mapping[str, Any]) -> dict[str, Any]:
    offer = _first(record.get("offers"))
    inner = _first(offer.get("offers"))
    return {
        "item_id": record.get("sku") or record.get("productID") or record.get("@id"),
        "title": _name(record.get("name")),
        "description": _name(record.get("description")),
        "category": _category(record.get("category")),
        "brand": _name(record.get("brand")) or _name(record.get("manufacturer")),
        "price": offer.get("price", offer.get("lowPrice", inner.get("price"))),
        "currency": offer.get("priceCurrency") or inner.get("priceCurrency"),
        "image": _url(record.get("image")),
        "available": offer.get("availability") or inner.get("availability"),
        "created_at": record.get("releaseDate"),
        "group_id": record.get("inProductGroupWithID") or _url(record.get("isVariantOf"), "productGroupID"),
        FREE_ATTRIBUTES: orjson.dumps(_attributes(record)).decode(),
    }


def _attributes(record: Mapping[str, Any]) -> dict[str, str]:
    found = {name: text for name in _ATTRIBUTES if (text := _name(record.get(name)))}
    extra = record.get("additionalProperty")
    pairs: list[Any] = cast("list[Any]", extra) if isinstance(extra, list) else [extra]
    for part in pairs:
        if isinstance(part, Mapping):
            pair = cast("Mapping[str, Any]", part)
            name, value = _name(pair.get("name")), _name(pair.get("value"))
            if name and value:
                found[name] = value
    return dict(list(found.items())[:MAX_ATTRIBUTES])


def _first(found: Any) -> Mapping[str, Any]:
    several = cast("list[Any]", found) if isinstance(found, list) else [found]
    one = several[0] if several else None
    return cast("Mapping[str, Any]", one) if isinstance(one, Mapping) else {}


def _name(found: Any) -> str | None:
    """A text, the name of a thing, or the first of several."""
    if isinstance(found, list):
        return _name(cast("list[Any]", found)[0]) if found else None
    if isinstance(found, Mapping):
        thing = cast("Mapping[str, Any]", found)
        return _name(thing.get("name", thing.get("@value", thing.get("value"))))
    return None if found is None or found == "" else str(found)


def _category(found: Any) -> str | None:
    """A path; a list of names is one from the general to the special."""
    if isinstance(found, list):
        return " > ".join(name for part in cast("list[Any]", found) if (name := _name(part))) or None
    return _name(found)


def _url(found: Any, key: str = "url") -> str | None:
    if isinstance(found, list):
        return _url(cast("list[Any]", found)[0], key) if found else None
    if isinstance(found, Mapping):
        thing = cast("Mapping[str, Any]", found)
        return _name(thing.get(key, thing.get("contentUrl", thing.get("@id"))))
    return _name(found)
