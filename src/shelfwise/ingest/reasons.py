"""Why a line was not stored."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Stable names; the store, the reports and the exports carry them."""

    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    BAD_QUOTES = "bad_quotes"
    BAD_JSON = "bad_json"
    NO_PRODUCT = "no_product"
    IGNORED_EVENT = "ignored_event"
    MISSING_ITEM = "missing_item"
    MISSING_USER = "missing_user"
    MISSING_TIME = "missing_time"
    UNKNOWN_ITEM = "unknown_item"
    UNKNOWN_EVENT = "unknown_event"
    BAD_TIME = "bad_time"
    IMPOSSIBLE_TIME = "impossible_time"
    BAD_NUMBER = "bad_number"
    BAD_QUANTITY = "bad_quantity"
    NEGATIVE_PRICE = "negative_price"
    BAD_CURRENCY = "bad_currency"
    BAD_AVAILABILITY = "bad_availability"
    TOO_LONG = "too_long"
    NOT_ALLOWED = "not_allowed"
    DUPLICATE = "duplicate"


EXPLANATION: dict[Reason, str] = {
    Reason.TOO_FEW_FIELDS: "the row has fewer fields than the header",
    Reason.TOO_MANY_FIELDS: "the row has more fields than the header; is a delimiter in an unquoted text?",
    Reason.BAD_QUOTES: "a quote is opened and not closed, or text follows a closing quote",
    Reason.BAD_JSON: "the line is not one JSON object",
    Reason.NO_PRODUCT: "the line does not describe a product",
    Reason.IGNORED_EVENT: "the line's event says nothing about an item or a search",
    Reason.MISSING_ITEM: "the row names no item",
    Reason.MISSING_USER: "the row names neither a user nor a session",
    Reason.MISSING_TIME: "the row has no time",
    Reason.UNKNOWN_ITEM: "the item is not in the catalogue",
    Reason.UNKNOWN_EVENT: "the event's name is not known; map it in event_names",
    Reason.BAD_TIME: "the time cannot be read",
    Reason.IMPOSSIBLE_TIME: "the time lies before `earliest` or more than a day in the future",
    Reason.BAD_NUMBER: "a number cannot be read",
    Reason.BAD_QUANTITY: "the quantity is zero or negative and the row is no return",
    Reason.NEGATIVE_PRICE: "the price is negative",
    Reason.BAD_CURRENCY: "the currency is no code of three letters",
    Reason.BAD_AVAILABILITY: "the availability is neither a yes nor a no",
    Reason.TOO_LONG: "an id or a text is longer than can be stored",
    Reason.NOT_ALLOWED: "a value does not match what `require` asks for",
    Reason.DUPLICATE: "the same event stands on an earlier line of the file",
}
