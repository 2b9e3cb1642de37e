"""Every call that a client can make, as a value: what is sent, how its answer is read, whether it may be repeated.

Said once here, sent by `Client` and by `AsyncClient`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import BaseModel, TypeAdapter

from shelfwise.client import answers, model_answers
from shelfwise.schemas.events import Event
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyWanted
from shelfwise.schemas.queries import Query, Slate

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

JSON, JSON_LINES = "application/json", "application/x-ndjson"

_JSON_OF = TypeAdapter[Any](Any)


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call.

    Attributes:
        method: Of HTTP.
        path: Below `/v1`, percent-encoded.
        read: Makes the answer of a response that is a success.
        params: Of the query string.
        body: As it is sent; None without one.
        media_type: Of the body.
        headers: Further ones.
        is_idempotent: Whether it may be sent again where it is not known what became of it.
        done_already: A status which, on a second try, says that the first one did it.
    """

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    params: Mapping[str, str | int | Sequence[str]] = field(default_factory=dict[str, "str | int | Sequence[str]"])
    body: bytes | None = None
    media_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    is_idempotent: bool = True
    done_already: int | None = None


def live() -> Call[answers.Live]:
    """Whether the process answers; needs no key."""
    return Call("GET", "/health/live", _model(answers.Live))


def ready() -> Call[answers.Ready]:
    """Whether it can recommend."""
    return Call("GET", "/health/ready", _model(answers.Ready))


def add_event(event: Event) -> Call[answers.EventsAnswer]:
    """Store one event: acknowledged means durable, and part of that user's next answer.

    Without an `event_id` it gets one here, so that it is stored once however often it has to be sent.
    """
    return add_events([event])


def add_events(events: Sequence[Event]) -> Call[answers.EventsAnswer]:
    """Store up to 1,000 events. One that is refused costs no other; where all are, that is a `RefusedError`."""
    sent = [_told(named(event)) for event in events]
    return Call("POST", "/events", _model(answers.EventsAnswer), body=_json(sent))


def recommend(query: Query) -> Call[Slate]:
    """Answer a query with a slate."""
    return Call("POST", "/recommend", _model(Slate), body=_json(_told(query)))


def similar(item_id: str, k: int = 10) -> Call[answers.ItemList]:
    """Items like this one."""
    return Call("GET", f"/items/{_part(item_id)}/similar", _model(answers.ItemList), _given(k=k))


def trending(k: int = 10, *, category: str | None = None, region: str | None = None) -> Call[answers.ItemList]:
    """What is turned to faster than it was, then what many turn to now."""
    return Call("GET", "/trending", _model(answers.ItemList), _given(k=k, category=category, region=region))


def search(
    query: str,
    k: int = 20,
    *,
    offset: int = 0,
    category: str | None = None,
    brand: str | None = None,
    filter: str | None = None,
) -> Call[answers.SearchAnswer]:
    """Items by words, and by a condition as in rules."""
    sent = _given(query=query, k=k, offset=offset, category=category, brand=brand, filter=filter)
    return Call("POST", "/search", _model(answers.SearchAnswer), body=_json(sent))


def item_page(limit: int = 100, after: str | None = None) -> Call[answers.ItemPage]:
    """A page of the catalogue; `after` is the `next` of the page before."""
    return Call("GET", "/items", _model(answers.ItemPage), _given(limit=limit, after=after))


def get_item(item_id: str) -> Call[answers.TaggedItem]:
    """One item as it was sent, with its tag."""

    def read(response: httpx.Response) -> answers.TaggedItem:
        return answers.TaggedItem(item=_model(Item)(response), etag=response.headers["ETag"])

    return Call("GET", f"/items/{_part(item_id)}", read)


def put_item(item: Item, *, if_match: str | None = None, only_new: bool = False) -> Call[answers.ItemResult]:
    """Store an item, replacing the one of its id.

    Args:
        item: All of it.
        if_match: Only where it still has this tag.
        only_new: Only where there is none of that id.
    """
    call = Call("PUT", f"/items/{_part(item.item_id)}", _item_result, body=_json(_told(item)))
    return _on_condition(call, if_match, only_new=only_new)


def change_item(item_id: str, changes: Mapping[str, Any], *, if_match: str | None = None) -> Call[answers.ItemResult]:
    """Change some fields of an item; None takes one away, `attributes` are merged one by one."""
    call = Call("PATCH", f"/items/{_part(item_id)}", _item_result, body=_json(dict(changes)))
    return _on_condition(call, if_match)


def delete_item(item_id: str, *, if_match: str | None = None) -> Call[None]:
    """Take an item out of the catalogue."""
    return _on_condition(Call("DELETE", f"/items/{_part(item_id)}", _nothing, done_already=404), if_match)


def put_items(items: Sequence[Item]) -> Call[answers.ItemsAnswer]:
    """Store up to 1,000 items; one that is refused costs no other."""
    return Call("POST", "/items", _model(answers.ItemsAnswer), body=_json([_told(item) for item in items]))


def put_lines(items: Sequence[Item | Mapping[str, Any]]) -> Call[answers.ImportReport]:
    """Store items that are sent as JSON Lines, as they are: the server says which it refuses."""
    lines = (_json(_told(item) if isinstance(item, Item) else dict(item)) for item in items)
    return Call("POST", "/items", _report, body=b"\n".join(lines), media_type=JSON_LINES)


def export_user(user_id: str) -> Call[answers.PersonalExport]:
    """Everything that a person gave, and everything that was made of it."""
    return Call("GET", f"/users/{_part(user_id)}/export", _model(answers.PersonalExport))


def erase_user(user_id: str) -> Call[answers.Receipt]:
    """Erase a person. Not repeated by itself: a second receipt would say that nothing was there."""
    return Call("DELETE", f"/users/{_part(user_id)}", _model(answers.Receipt), is_idempotent=False)


def slate(slate_id: str) -> Call[answers.ShownSlate]:
    """What was shown, why, and with which model."""
    return Call("GET", f"/slates/{_part(slate_id)}", _model(answers.ShownSlate))


def models() -> Call[answers.ModelsAnswer]:
    """All model versions."""
    return Call("GET", "/models", _model(answers.ModelsAnswer))


def promote_model(version: str) -> Call[answers.ModelAnswer]:
    """Put a version in service."""
    return Call("POST", f"/models/{_part(version)}/promote", _model(answers.ModelAnswer), body=b"{}")


def roll_back_model() -> Call[answers.ModelAnswer]:
    """Put the version in service that was there before."""
    return Call("POST", "/models/rollback", _model(answers.ModelAnswer), body=b"{}", is_idempotent=False)


def model(version: str) -> Call[model_answers.ModelDetail]:
    """One version: its data, configuration, lineage, and what evaluations of it found."""
    return Call("GET", f"/models/{_part(version)}", _model(model_answers.ModelDetail))


def compare_models(*versions: str) -> Call[model_answers.ComparisonAnswer]:
    """Versions side by side; the others are compared with the first."""
    return Call("GET", "/models/compare", _model(model_answers.ComparisonAnswer), {"version": versions})


def trainings() -> Call[model_answers.TrainingsAnswer]:
    """The last trainings, newest first."""
    return Call("GET", "/trainings", _model(model_answers.TrainingsAnswer))


def training(name: str) -> Call[model_answers.TrainingDetail]:
    """One training, stage by stage, with its curves."""
    return Call("GET", f"/trainings/{_part(name)}", _model(model_answers.TrainingDetail))


def start_training(what: Literal["full", "continue", "map"] = "full") -> Call[model_answers.TrainingAnswer]:
    """Start a training beside the server. Not repeated by itself: a second one would be refused, or be one too many."""
    body = _json({"what": what})
    return Call("POST", "/trainings", _model(model_answers.TrainingAnswer), body=body, is_idempotent=False)


def stop_training(name: str) -> Call[model_answers.TrainingAnswer]:
    """Stop a training, and wait until it has ended."""
    return Call("DELETE", f"/trainings/{_part(name)}", _model(model_answers.TrainingAnswer), is_idempotent=False)


def rules() -> Call[answers.RulesAnswer]:
    """The rules in force."""
    return Call("GET", "/rules", _model(answers.RulesAnswer))


def put_rules(
    document: Mapping[str, Any],
    *,
    author: str,
    note: str = "",
    replaces: int | None = None,
    accept_conflicts: bool = False,
    dry_run: bool = False,
) -> Call[answers.RulesAnswer]:
    """Replace the rules; the next answer follows them.

    Args:
        document: As in rules.toml.
        author: Who, for the history.
        note: Why, for the history.
        replaces: The version that was looked at; an `OtherStateError` where another is in force.
        accept_conflicts: Apply rules that are in each other's way.
        dry_run: Only check them.
    """
    sent = {
        "document": dict(document),
        "author": author,
        "note": note,
        "replaces": replaces,
        "accept_conflicts": accept_conflicts,
        "dry_run": dry_run,
    }
    return Call("PUT", "/rules", _model(answers.RulesAnswer), body=_json(sent), is_idempotent=dry_run)


def rules_history() -> Call[answers.HistoryAnswer]:
    """Who put which rules in force."""
    return Call("GET", "/rules/history", _model(answers.HistoryAnswer))


def roll_back_rules(*, author: str, note: str = "", version: int | None = None) -> Call[answers.RulesAnswer]:
    """Put earlier rules in force again; those before the present ones where no version is named."""
    sent = _given(author=author, note=note, version=version)
    return Call("POST", "/rules/rollback", _model(answers.RulesAnswer), body=_json(sent), is_idempotent=False)


def keys() -> Call[answers.KeysAnswer]:
    """All keys, without their secrets."""
    return Call("GET", "/keys", _model(answers.KeysAnswer))


def create_key(wanted: KeyWanted) -> Call[answers.NewKeyAnswer]:
    """Make a key. From the first one on every request to the shop needs one."""
    return Call("POST", "/keys", _model(answers.NewKeyAnswer), body=_json(_told(wanted)), is_idempotent=False)


def revoke_key(key_id: str) -> Call[None]:
    """End a key."""
    return Call("DELETE", f"/keys/{_part(key_id)}", _nothing)


def visitor_token(user_id: str | None = None) -> Call[answers.VisitorAnswer]:
    """A token for the page of somebody who is signed in; of a new visitor where nobody is named."""
    return Call("POST", "/visitors", _model(answers.VisitorAnswer), body=_json(_given(user_id=user_id)))


def audit(limit: int = 100, before: int | None = None) -> Call[answers.AuditAnswer]:
    """What administrators did, newest first."""
    return Call("GET", "/audit", _model(answers.AuditAnswer), _given(limit=limit, before=before))


def named(event: Event) -> Event:
    """An event with an `event_id`: its own, or one that nothing else has."""
    return event if event.event_id is not None else event.model_copy(update={"event_id": uuid4().hex})


def _on_condition(call: Call[T], if_match: str | None, *, only_new: bool = False) -> Call[T]:
    # Not repeated: a second try would find what the first one did, and take it for somebody else's doing.
    if if_match is not None:
        return replace(call, headers={"If-Match": if_match}, is_idempotent=False)
    return replace(call, headers={"If-None-Match": "*"}, is_idempotent=False) if only_new else call


def _part(name: str) -> str:
    # Dots too: a path's `.` and `..` mean something else to everybody on the way.
    return quote(name, safe="").replace(".", "%2E")


def _given(**fields: str | int | None) -> dict[str, str | int]:
    return {name: value for name, value in fields.items() if value is not None}


def _told(model: BaseModel) -> Any:
    return model.model_dump(mode="json", exclude_unset=True)


def _json(document: Any) -> bytes:
    return _JSON_OF.dump_json(document)


def _model(kind: type[M]) -> Callable[[httpx.Response], M]:
    def read(response: httpx.Response) -> M:
        return kind.model_validate_json(response.content, extra="ignore")

    return read


def _item_result(response: httpx.Response) -> answers.ItemResult:
    found = _model(answers.ItemResult)(response)
    return found.model_copy(update={"etag": response.headers.get("ETag")})


def _report(response: httpx.Response) -> answers.ImportReport:
    *lines, sums = response.content.splitlines()
    report = answers.ImportReport.model_validate_json(sums, extra="ignore")
    refusals = [answers.RefusedLine.model_validate_json(line, extra="ignore") for line in lines if b'"refused"' in line]
    return report.model_copy(update={"refusals": [one for one in refusals if one.errors]})


def _nothing(_: httpx.Response) -> None:
    return None
