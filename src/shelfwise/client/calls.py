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
from shelfwise.schemas.insight import FindingKind, InsightAnswer, WarningsAnswer
from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyWanted
from shelfwise.schemas.people import PeopleAnswer, PersonAnswer, ShownLists, TimelineAnswer
from shelfwise.schemas.playground import PlaygroundAnswer, PlaygroundQuery
from shelfwise.schemas.queries import Query, Slate
from shelfwise.schemas.scenario_settings import ScenarioAnswer, ScenariosAnswer, ScenarioSettings, SettingsHistory

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


def item_insight(item_id: str, k: int = 8) -> Call[InsightAnswer]:
    """An item from all sides: `k` neighbours by each, how it does where it is shown, what is wrong with its data."""
    return Call("GET", f"/items/{_part(item_id)}/insight", _model(InsightAnswer), _given(k=k))


def catalogue_warnings(
    kind: FindingKind | None = None, limit: int = 50, after: str | None = None
) -> Call[WarningsAnswer]:
    """What is wrong with the catalogue's data: counts by kind, and a page of the items of one kind."""
    params = _given(kind=kind, limit=limit, after=after)
    return Call("GET", "/catalogue/warnings", _model(WarningsAnswer), params)


def users(
    query: str | None = None, *, order: str = "recent", limit: int = 20, after: str | None = None
) -> Call[PeopleAnswer]:
    """People whose id starts so, or else who did something lately (`recent`), or did most lately (`active`)."""
    return Call("GET", "/users", _model(PeopleAnswer), _given(query=query, order=order, limit=limit, after=after))


def user(user_id: str) -> Call[PersonAnswer]:
    """What is known of a person: facts, what they turn to, and whom they are like."""
    return Call("GET", f"/users/{_part(user_id)}", _model(PersonAnswer))


def user_events(
    user_id: str, limit: int = 50, after: str | None = None, *, impressions: bool = True
) -> Call[TimelineAnswer]:
    """A page of what a person did, the latest first; without `impressions`, not what was merely shown."""
    params = _given(limit=limit, after=after, impressions=str(impressions).lower())
    return Call("GET", f"/users/{_part(user_id)}/events", _model(TimelineAnswer), params)


def user_slates(user_id: str, limit: int = 10, after: str | None = None) -> Call[ShownLists]:
    """A page of what a person was shown, the latest first, and what came of it."""
    return Call("GET", f"/users/{_part(user_id)}/slates", _model(ShownLists), _given(limit=limit, after=after))


def export_user(user_id: str) -> Call[answers.PersonalExport]:
    """Everything that a person gave, and everything that was made of it."""
    return Call("GET", f"/users/{_part(user_id)}/export", _model(answers.PersonalExport))


def erase_user(user_id: str) -> Call[answers.Receipt]:
    """Erase a person. Not repeated by itself: a second receipt would say that nothing was there."""
    return Call("DELETE", f"/users/{_part(user_id)}", _model(answers.Receipt), is_idempotent=False)


def slate(slate_id: str) -> Call[answers.ShownSlate]:
    """What was shown, why, and with which model."""
    return Call("GET", f"/slates/{_part(slate_id)}", _model(answers.ShownSlate))


def scenarios() -> Call[ScenariosAnswer]:
    """All places of the shop as they are set now."""
    return Call("GET", "/scenarios", _model(ScenariosAnswer))


def scenario(name: str) -> Call[ScenarioAnswer]:
    """One place of the shop as it is set now."""
    return Call("GET", f"/scenarios/{_part(name)}", _model(ScenarioAnswer))


def put_scenario(
    name: str,
    settings: ScenarioSettings,
    *,
    author: str | None = None,
    note: str = "",
    replaces: int | None = None,
) -> Call[ScenarioAnswer]:
    """Change what a place is set to; the next answer follows it.

    Args:
        name: As in `[scenarios.…]`.
        settings: In place of all that were chosen before.
        author: For the history; the key's name where omitted.
        note: For the history.
        replaces: The version that was looked at; refused where another is in force.
    """
    sent = {"settings": settings.as_document(), "author": author, "note": note, "replaces": replaces}
    return Call("PUT", f"/scenarios/{_part(name)}", _model(ScenarioAnswer), body=_json(sent), is_idempotent=False)


def scenario_history(name: str) -> Call[SettingsHistory]:
    """Who set a place to what."""
    return Call("GET", f"/scenarios/{_part(name)}/history", _model(SettingsHistory))


def undo_scenario(
    name: str, *, version: int | None = None, author: str | None = None, note: str = ""
) -> Call[ScenarioAnswer]:
    """Let earlier settings of a place hold again; 0 is shop.toml, those before the present ones where none is named."""
    sent = {"version": version, "author": author, "note": note}
    return Call("POST", f"/scenarios/{_part(name)}/undo", _model(ScenarioAnswer), body=_json(sent), is_idempotent=False)


def playground(asked: PlaygroundQuery) -> Call[PlaygroundAnswer]:
    """The scenario's own list beside another one; nothing is kept or counted."""
    return Call("POST", "/playground", _model(PlaygroundAnswer), body=_json(_told(asked)))


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


def check_rules(document: Mapping[str, Any] | str) -> Call[answers.RulesCheckAnswer]:
    """Every problem, conflict and warning of rules, and what each takes hold of; nothing is applied.

    Args:
        document: As in rules.toml, parsed; or its text.
    """
    return Call("POST", "/rules/check", _model(answers.RulesCheckAnswer), body=_json(_written(document)))


def complete_rule(prefix: str, of: str = "items", limit: int = 20) -> Call[answers.SuggestionsAnswer]:
    """What may follow the beginning of a condition.

    Args:
        prefix: The condition up to where somebody writes.
        of: What it is about: `items`, `requests` (in `when`), or `ids`, of pinned items.
        limit: Suggestions at most.
    """
    given = _given(prefix=prefix, of=of, limit=limit)
    return Call("GET", "/rules/completions", _model(answers.SuggestionsAnswer), given)


def preview_rules(
    document: Mapping[str, Any] | str, *, slates: int = 200, scenario: str | None = None, against: str = "in-force"
) -> Call[answers.PreviewAnswer]:
    """What rules would change of the latest slates; nothing is applied.

    Args:
        document: As in rules.toml, parsed; or its text.
        slates: Made again, at most.
        scenario: Only of this place.
        against: What they are compared with: `in-force`, or `none` for no rules at all.
    """
    sent = _written(document) | _given(slates=slates, scenario=scenario, against=against)
    return Call("POST", "/rules/preview", _model(answers.PreviewAnswer), body=_json(sent))


def rules_version(version: int) -> Call[answers.RulesAnswer]:
    """Rules as they were in force once."""
    return Call("GET", f"/rules/history/{version}", _model(answers.RulesAnswer))


def check_events(events: Sequence[Mapping[str, Any]]) -> Call[answers.EventCheckAnswer]:
    """What would become of events as they are, field by field; nothing is stored."""
    return Call("POST", "/events/check", _model(answers.EventCheckAnswer), body=_json([dict(one) for one in events]))


def imports(limit: int = 50, before: int | None = None) -> Call[answers.ImportsAnswer]:
    """What was read when, newest first."""
    return Call("GET", "/imports", _model(answers.ImportsAnswer), _given(limit=limit, before=before))


def get_import(import_id: int) -> Call[answers.ImportAnswer]:
    """One import, and how far it is."""
    return Call("GET", f"/imports/{import_id}", _model(answers.ImportAnswer))


def upload(content: bytes, *, table: str, name: str, media_type: str = "text/csv") -> Call[answers.ImportAnswer]:
    """Send a file that is read in the background by the mapping of its table.

    Args:
        content: The file: CSV, JSON Lines or Parquet, plain or compressed.
        table: What it holds: items, events or users.
        name: Of the file.
        media_type: `text/csv`, `application/x-ndjson`, or `application/octet-stream` where its name and contents tell.
    """
    return Call(
        "POST", "/imports", _model(answers.ImportAnswer), _given(table=table, name=name), content, media_type,
        is_idempotent=False,
    )  # fmt: skip


def quarantine() -> Call[answers.QuarantineAnswer]:
    """How much was refused, by file and reason."""
    return Call("GET", "/quarantine", _model(answers.QuarantineAnswer))


def quarantine_lines(
    *, source: int | None = None, reason: str | None = None, limit: int = 20, after: str | None = None
) -> Call[answers.QuarantinePage]:
    """Lines that were refused; `after` is the `next` of the page before."""
    given = _given(source=source, reason=reason, limit=limit, after=after)
    return Call("GET", "/quarantine/lines", _model(answers.QuarantinePage), given)


def retry_quarantine(
    source: int, *, reason: str | None = None, corrected: Mapping[int, str] | None = None
) -> Call[answers.ImportAnswer]:
    """Try lines of a file again, in the background, by the mapping that shop.toml has now.

    Args:
        source: Number of the file.
        reason: Only lines refused for this.
        corrected: Only these lines, by number, with this text.
    """
    sent: dict[str, Any] = _given(source=source, reason=reason)
    if corrected is not None:
        sent["corrected"] = [{"line": line, "raw": raw} for line, raw in corrected.items()]
    return Call("POST", "/quarantine/retry", _model(answers.ImportAnswer), body=_json(sent), is_idempotent=False)


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


def visitor_token(user_id: str | None = None, *, may_erase: bool = False) -> Call[answers.VisitorAnswer]:
    """A token for the page of somebody who is signed in; of a new visitor where nobody is named.

    Args:
        user_id: Who.
        may_erase: Whether that page may erase this person, as `shelfwise.forget()` does.
    """
    body = _given(user_id=user_id, may_erase=may_erase or None)
    return Call("POST", "/visitors", _model(answers.VisitorAnswer), body=_json(body))


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


def _written(rules: Mapping[str, Any] | str) -> dict[str, Any]:
    return {"toml": rules} if isinstance(rules, str) else {"document": dict(rules)}


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
