"""What the server answers, where no schema of the shop says it already.

Fields that a newer server adds are left out, never an error: a shop's servers are not all updated on the same day.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from shelfwise.schemas.items import Item
from shelfwise.schemas.keys import KeyKind, KeyScope
from shelfwise.schemas.queries import SlateItem


class FieldProblem(BaseModel):
    """One thing that is wrong with one field."""

    field: str
    code: str
    message: str


class EventResult(BaseModel):
    """What became of one event."""

    status: Literal["stored", "already_stored", "refused"]
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])


class EventsAnswer(BaseModel):
    """What became of the events, in the order in which they were sent."""

    stored: int
    already_stored: int
    refused: int
    events: list[EventResult]


class ItemList(BaseModel):
    """Items in order, best first."""

    model_version: str
    items: list[SlateItem]


class SearchHit(BaseModel):
    """One item that was found."""

    item_id: str
    position: int
    score: float
    title: str | None


class SearchAnswer(BaseModel):
    """Items that were found, best first; `next` is the next page's `offset`, None at the end."""

    items: list[SearchHit]
    next: int | None


ItemStatus = Literal["new", "changed", "unchanged", "refused"]


class ItemResult(BaseModel):
    """What became of one item; `etag` is that of the item as it is now, where it was sent alone."""

    item_id: str | None
    status: ItemStatus
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])
    etag: str | None = None


class ItemsAnswer(BaseModel):
    """What became of the items, in the order in which they were sent."""

    new: int
    changed: int
    unchanged: int
    refused: int
    items: list[ItemResult]


class TaggedItem(BaseModel):
    """An item as it is stored, and the tag by which a later change can say so."""

    item: Item
    etag: str


class ItemPage(BaseModel):
    """Items in the order in which the shop first saw them; `next` is sent as `after`, None at the end."""

    items: list[Item]
    next: str | None


class RefusedLine(BaseModel):
    """An item of many that was not stored."""

    line: int = Field(description="Its place among those that were sent, from 1.")
    item_id: str | None = None
    errors: list[FieldProblem] = Field(default_factory=list[FieldProblem])


class ImportReport(BaseModel):
    """What became of items that were sent as JSON Lines."""

    lines: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    refusals: list[RefusedLine] = Field(default_factory=list[RefusedLine])

    def __add__(self, later: ImportReport) -> ImportReport:
        """Both, one behind the other."""
        moved = [one.model_copy(update={"line": one.line + self.lines}) for one in later.refusals]
        return ImportReport(
            lines=self.lines + later.lines,
            new=self.new + later.new,
            changed=self.changed + later.changed,
            unchanged=self.unchanged + later.unchanged,
            refused=self.refused + later.refused,
            refusals=[*self.refusals, *moved],
        )


class PersonalExport(BaseModel):
    """What a shop knows of a person."""

    user_id: str
    exported_at: datetime
    given: dict[str, Any]
    shown: list[dict[str, Any]]
    derived: dict[str, Any] | None


class Receipt(BaseModel):
    """What was erased; names nobody."""

    receipt: str
    at: datetime
    attributes: int
    events: int
    slates: int
    quarantined_lines: int
    profile_vectors: int
    store_rebuilt: bool
    models_trained_before: list[str]


class ShownItem(BaseModel):
    """One item of an answer that was given."""

    item_id: str
    position: int
    title: str | None
    sources: list[str]
    reason: str | None
    steps: list[str]
    predictions: dict[str, float]
    propensity: float
    instead_of: str | None


class ShownSlate(BaseModel):
    """An answer that was given."""

    slate_id: str
    at: datetime
    user_id: str | None
    scenario: str
    model_version: str
    rules_version: int
    query: dict[str, Any]
    items: list[ShownItem]


class ModelAnswer(BaseModel):
    """A model version."""

    version: str
    in_service: bool
    is_loaded: bool
    created_at: str | None = None
    n_items: int | None = None
    n_events: int | None = None
    ranker: str | None = None
    held_out_ndcg: float | None = None
    continues: str | None = None
    format: int | None = None


class ModelsAnswer(BaseModel):
    """All versions, oldest first."""

    models: list[ModelAnswer]


class FindingAnswer(BaseModel):
    """One thing that is odd about rules."""

    code: str
    rules: list[str]
    message: str


class RulesAnswer(BaseModel):
    """Rules in force; version 0 where none were applied yet."""

    version: int
    at: datetime | None = None
    author: str | None = None
    action: str | None = None
    note: str | None = None
    document: dict[str, Any]
    toml: str
    conflicts: list[FindingAnswer] = Field(default_factory=list[FindingAnswer])
    warnings: list[FindingAnswer] = Field(default_factory=list[FindingAnswer])


class VersionAnswer(BaseModel):
    """One version of the rules."""

    version: int
    at: datetime
    author: str
    action: str
    note: str
    n_rules: int


class HistoryAnswer(BaseModel):
    """All versions of the rules, newest first."""

    versions: list[VersionAnswer]


class RuleProblemAnswer(BaseModel):
    """One reason why rules cannot be applied."""

    rule: str | None
    where: str
    line: int | None
    code: str
    message: str
    hint: str | None


class RuleFactsAnswer(BaseModel):
    """What is known of one rule that can be read; `standing` is holds, waits, over or off."""

    name: str
    standing: str
    n_items: int
    titles: list[str | None]
    line: int | None


class RulesCheckAnswer(BaseModel):
    """What is to be said of rules; they can be applied where there are no problems and no conflicts."""

    document: dict[str, Any] | None
    toml: str | None
    problems: list[RuleProblemAnswer]
    conflicts: list[FindingAnswer]
    warnings: list[FindingAnswer]
    rules: list[RuleFactsAnswer]


class SuggestionAnswer(BaseModel):
    """One thing that may stand next in a condition."""

    text: str
    kind: str
    detail: str
    count: int | None


class SuggestionsAnswer(BaseModel):
    """What may stand next, in place of the prefix from `start` on; the likeliest first."""

    start: int
    expected: str
    suggestions: list[SuggestionAnswer]


class PreviewItem(BaseModel):
    """One item of a slate."""

    item_id: str
    title: str | None


class PreviewExample(BaseModel):
    """A slate that changes."""

    user_id: str | None
    scenario: str
    before: list[PreviewItem]
    after: list[PreviewItem]
    rules: list[str]


class RuleEffect(BaseModel):
    """One rule's share of what changes."""

    rule: str
    n_changed: int


class PreviewAnswer(BaseModel):
    """What rules would change of the slates that were made again."""

    n_replayed: int
    n_logged: int
    n_changed: int
    by_rule: list[RuleEffect]
    examples: list[PreviewExample]


class CheckedField(BaseModel):
    """One field of an event that was sent."""

    field: str
    is_known: bool
    errors: list[FieldProblem]
    hint: str | None = None


class CheckedEvent(BaseModel):
    """What would become of one event: `outcome` is stored, already_stored or refused."""

    outcome: str
    fields: list[CheckedField]
    stored: dict[str, Any] | None


class EventCheckAnswer(BaseModel):
    """What would become of the events, in the order in which they were sent."""

    events: list[CheckedEvent]


class ImportAnswer(BaseModel):
    """One run of reading a file; `state` is running, done, failed or interrupted, `progress` goes from 0 to 1."""

    import_id: int
    source: int
    table: str
    name: str
    kind: str
    actor: str
    started_at: datetime
    finished_at: datetime | None
    state: str
    progress: float
    lines: int
    stored: int
    already_stored: int
    quarantined: int
    failure: str | None


class ImportsAnswer(BaseModel):
    """Imports, newest first."""

    imports: list[ImportAnswer]


class RefusedCount(BaseModel):
    """Lines of one file that were refused for one reason."""

    source: int
    table: str
    name: str
    reason: str
    explanation: str
    count: int


class QuarantineAnswer(BaseModel):
    """What is in quarantine, the latest files first."""

    total: int
    counts: list[RefusedCount]


class RefusedLineAnswer(BaseModel):
    """One line that could not be stored."""

    source: int
    line: int
    reason: str
    message: str
    raw: str
    is_whole: bool


class QuarantinePage(BaseModel):
    """Lines in quarantine; `columns` are the files' by source, `next` is the `after` of the page behind."""

    columns: dict[str, list[str]]
    lines: list[RefusedLineAnswer]
    next: str | None


class KeyAnswer(BaseModel):
    """A key without its secret."""

    key_id: str
    name: str
    kind: KeyKind
    scopes: list[KeyScope]
    origins: list[str]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    holds: bool


class NewKeyAnswer(KeyAnswer):
    """A key that was made just now; it is told this once, and left out of `repr`."""

    key: str = Field(repr=False)


class KeysAnswer(BaseModel):
    """Every key that was ever made, oldest first."""

    keys: list[KeyAnswer]


class VisitorAnswer(BaseModel):
    """A token, left out of `repr`, and whom it proves."""

    token: str = Field(repr=False)
    expires_at: datetime
    user_id: str | None = None
    session_id: str | None = None


class AuditEntryAnswer(BaseModel):
    """One thing that an administrator did."""

    entry: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


class AuditAnswer(BaseModel):
    """Entries, newest first; `next` is sent as `before`, None at the end."""

    entries: list[AuditEntryAnswer]
    next: int | None


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"]


class Ready(BaseModel):
    """The process recommends."""

    status: Literal["ready"]
    model_version: str
    items: int
    events: int
