"""What is told of people: in lists, of one, what they did, and what they were shown."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from shelfwise.schemas.events import EventKind


class PersonInList(BaseModel):
    """Somebody to choose."""

    user_id: str
    is_visitor: bool = Field(description="Known by a browser's session only.")
    attributes: dict[str, str]
    is_unreadable: bool = Field(description="What the attributes said was altered since it was sealed.")
    n_events: int = Field(description="10,000 stands for as many at least.")
    first_at: datetime | None
    last_at: datetime | None


class PeopleAnswer(BaseModel):
    """People, in the order asked for."""

    users: list[PersonInList]
    next: str | None = Field(description="To be sent as `after`; null at the end, and where nobody is searched for.")


class InterestAnswer(BaseModel):
    """One thing that somebody turns to, and the evidence."""

    name: str
    share: float = Field(description="Of all recent events that tell of it; events count half after 90 days.")
    n_events: int
    n_items: int
    last_at: datetime
    kinds: dict[EventKind, int]


class SharedItem(BaseModel):
    """An item that two people turned to."""

    item_id: str
    title: str | None


class AlikeAnswer(BaseModel):
    """Somebody like the person."""

    user_id: str
    likeness: float = Field(description="Cosine of both histories as the model weighs them; 1: the same.")
    n_shared: int
    shared: list[SharedItem] = Field(description="Some of the shared items.")


class PersonAnswer(PersonInList):
    """What is known of a person."""

    kinds: dict[EventKind, int] = Field(description="Of the latest 20,000 events.")
    profile_text: str | None = Field(description="What the model reads of the attributes; null where nothing.")
    region: str | None
    n_read: int = Field(description="Latest events of interest that interests are told from.")
    interests: dict[str, list[InterestAnswer]] = Field(
        description="By categories, brands, themes (groups of like texts), prices (thirds of the catalogue's)."
    )
    price_cuts: tuple[float, float] | None = Field(description="Prices that part the thirds.")
    currency: str | None = Field(description="That of most items that they turned to.")
    alike: list[AlikeAnswer] | None = Field(description="The likest first; null where no model compares people.")


class MomentAnswer(BaseModel):
    """One event."""

    at: datetime
    event: EventKind
    item_id: str | None
    title: str | None = Field(description="As it is now.")
    value: float | None
    quantity: float | None
    price: float | None
    currency: str | None
    scenario: str | None
    position: int | None
    slate_id: str | None
    query: str | None
    device: str | None


class TimelineAnswer(BaseModel):
    """Events, the latest first."""

    events: list[MomentAnswer]
    next: str | None = Field(description="To be sent as `after` for earlier ones; null at the end.")


class ShownThing(BaseModel):
    """One item of an answer, and what came of showing it."""

    item_id: str
    position: int = Field(description="1-based.")
    title: str | None = Field(description="As it is now.")
    outcomes: dict[EventKind, int] = Field(description="Events that name this answer and this item.")


class ShownList(BaseModel):
    """One answer, and what came of it."""

    slate_id: str
    at: datetime
    scenario: str
    model_version: str
    items: list[ShownThing]
    outcomes: dict[EventKind, int] = Field(description="Events that name this answer.")


class ShownLists(BaseModel):
    """Answers, the latest first."""

    slates: list[ShownList]
    next: str | None = Field(description="To be sent as `after` for earlier ones; null at the end.")
