"""An event: one thing somebody did."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

MAX_ID_CHARS = 256
MAX_QUERY_CHARS = 1_000


def checked_id(value: str) -> str:
    """An id that names somebody or something.

    Raises:
        ValueError: it is blank, or holds the character NUL, which not every database can keep.
    """
    if not value.strip():
        raise ValueError("must not be blank")
    if "\0" in value:
        raise ValueError("must not contain the character NUL")
    return value


class EventKind(StrEnum):
    """What somebody did. The order is that of the codes in the store: append, never reorder."""

    IMPRESSION = "impression"
    VIEW = "view"
    CLICK = "click"
    FAVOURITE = "favourite"
    CART = "cart"
    CART_REMOVE = "cart_remove"
    PURCHASE = "purchase"
    RETURN = "return"
    RATING = "rating"
    REVIEW = "review"
    SEARCH = "search"
    DWELL = "dwell"


CODE_BY_KIND: dict[EventKind, int] = {kind: code for code, kind in enumerate(EventKind)}
KIND_BY_CODE: tuple[EventKind, ...] = tuple(EventKind)

POSITIVE_KINDS: tuple[EventKind, ...] = (
    EventKind.PURCHASE,
    EventKind.CART,
    EventKind.FAVOURITE,
    EventKind.RATING,
    EventKind.REVIEW,
    EventKind.CLICK,
    EventKind.VIEW,
    EventKind.DWELL,
)
"""Kinds that show interest in an item, strongest first."""

WITHOUT_ITEM: frozenset[EventKind] = frozenset({EventKind.SEARCH})
"""Kinds that need no item."""


class Event(BaseModel):
    """One thing somebody did, as shops send it.

    `event_id` is made by the client and makes the event idempotent: sent twice, it is stored once. Without one, the
    event's whole content identifies it. A visitor who is not signed in is named by `session_id` alone.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "event_id": "order-1042-line-1",
                    "user_id": "customer-42",
                    "item_id": "mug-red",
                    "event": "purchase",
                    "timestamp": "2026-11-26T14:03:00+01:00",
                    "quantity": 2,
                    "price": 7.5,
                    "currency": "EUR",
                },
                {"session_id": "b7f0", "item_id": "mug-red", "event": "click", "slate_id": "vZc2mTQ7", "position": 3},
                {"session_id": "b7f0", "event": "search", "query": "red mug"},
            ]
        },
    )

    event_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    user_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    item_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    event: EventKind
    timestamp: AwareDatetime | None = Field(
        default=None, description="When it happened, with offset; the server's clock where omitted."
    )
    value: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="The event's number: a rating, seconds of dwell, else money.",
    )
    quantity: float | None = Field(default=None, allow_inf_nan=False, gt=0, description="Pieces.")
    price: float | None = Field(default=None, allow_inf_nan=False, ge=0, description="Money for one piece.")
    currency: str | None = Field(default=None, max_length=3, description="ISO 4217.")
    session_id: str | None = Field(default=None, min_length=1, max_length=MAX_ID_CHARS)
    scenario: str | None = Field(default=None, max_length=MAX_ID_CHARS)
    position: int | None = Field(default=None, ge=1, le=2**31 - 1, description="1-based position in the list shown.")
    slate_id: str | None = Field(
        default=None, max_length=MAX_ID_CHARS, description="The slate it answers, for attribution."
    )
    query: str | None = Field(default=None, max_length=MAX_QUERY_CHARS, description="Search text.")
    device: str | None = Field(
        default=None, max_length=MAX_ID_CHARS, description="desktop, mobile, tablet, tv, or what the shop calls it."
    )

    @field_validator("user_id", "item_id", "event_id", "session_id")
    @classmethod
    def _names_somebody(cls, value: str | None) -> str | None:
        return value if value is None else checked_id(value)

    @model_validator(mode="after")
    def _somebody_and_something(self) -> Event:
        if self.user_id is None and self.session_id is None:
            raise ValueError("needs user_id, or session_id for a visitor")
        if self.item_id is None and self.event not in WITHOUT_ITEM:
            raise ValueError(f"a {self.event.value} event needs item_id")
        return self
