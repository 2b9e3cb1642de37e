"""What an editor of rules asks while somebody writes: is it right, what may stand here, what would it change?"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

import fastapi
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from shelfwise.errors import ConfigError
from shelfwise.pipeline.rule_desk import Standing
from shelfwise.rules.completion import Expected, Kind
from shelfwise.rules.rule_set import RuleSet, rule_set
from shelfwise.rules.rule_text import problem_of, read_each
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import GuardedRoute, needs
from shelfwise.serve.rules import FindingAnswer, WrittenRules, told
from shelfwise.serve.service import Current

router = APIRouter(tags=["rules"], route_class=GuardedRoute)

MAX_PREFIX_CHARS = 4_000
MAX_REPLAYED = 1_000

EXAMPLE: JsonDict = {"toml": "[rules.own-brand]\nboost = 'brand = \"Nordhaus\"'\nplaces = 5\n"}


class RulesToCheck(WrittenRules):
    """Rules that are looked at and not applied."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [EXAMPLE]})


class RuleProblemAnswer(BaseModel):
    """One reason why rules cannot be applied."""

    rule: str | None = Field(description="The rule concerned; null for the whole text.")
    where: str = Field(description="Path of the key, as in `rules.hero.pin`; may be empty.")
    line: int | None = Field(description="Of the text, from 1.")
    code: str = Field(description="Stable; for machines.")
    message: str
    hint: str | None


class RuleFactsAnswer(BaseModel):
    """What is known of one rule that can be read."""

    name: str
    standing: Standing = Field(description="`holds` now, `waits` for its date, is `over`, or is switched `off`.")
    n_items: int = Field(description="Available items that its condition is true of, or that it pins.")
    titles: list[str | None] = Field(description="Of the items that it pins, in their order.")
    line: int | None = Field(description="Of the text, from 1.")


class RulesCheckAnswer(BaseModel):
    """What is to be said of rules; they can be applied where there are no problems and no conflicts."""

    document: dict[str, object] | None = Field(
        description="The rules that can be read; null where the text is no TOML."
    )
    toml: str | None = Field(description="The same, written anew.")
    problems: list[RuleProblemAnswer]
    conflicts: list[FindingAnswer]
    warnings: list[FindingAnswer]
    rules: list[RuleFactsAnswer]


class SuggestionAnswer(BaseModel):
    """One thing that may stand next."""

    text: str = Field(description="What takes the place of what was begun.")
    kind: Kind
    detail: str = Field(description="What a field holds, or the title of an item.")
    count: int | None = Field(description="Available items, or users, that have it.")


class SuggestionsAnswer(BaseModel):
    """What may stand next in a condition, the likeliest first."""

    start: int = Field(description="Where what was begun starts in `prefix`, in characters from 0.")
    expected: Expected = Field(description="What kind of thing belongs there.")
    suggestions: list[SuggestionAnswer]


class RulesToPreview(WrittenRules):
    """Rules whose effect is to be shown."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{**EXAMPLE, "slates": 200}]})

    slates: int = Field(default=200, ge=1, le=MAX_REPLAYED, description="Slates that are made again, at most.")
    scenario: str | None = Field(default=None, max_length=256, description="Only of this place.")
    against: Literal["in-force", "none"] = Field(
        default="in-force", description="What they are compared with: the rules in force, or no rules at all."
    )


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
    rules: list[str] = Field(description="The new rules that had a hand in it.")


class RuleEffect(BaseModel):
    """One rule's share of what changes."""

    rule: str
    n_changed: int = Field(description="Changed slates that it had a hand in.")


class PreviewAnswer(BaseModel):
    """What rules would change."""

    n_replayed: int = Field(description="Slates that were made again.")
    n_logged: int = Field(description="Of these, really asked for; the latest users stand in for the others.")
    n_changed: int = Field(description="Slates with other items, or in another order.")
    by_rule: list[RuleEffect]
    examples: list[PreviewExample]


@router.post("/rules/check", response_model=RulesCheckAnswer, responses=documentation.problems(400, 413, 415, 422, 503))
@needs(KeyScope.ADMIN)
async def check(sent: RulesToCheck, service: Current) -> Response:
    """Look rules through as somebody writes them: every problem, conflict and warning. Nothing is applied."""
    text = sent.text
    try:
        document = sent.plain()
    except ConfigError as error:
        problem = RuleProblemAnswer.model_validate(problem_of(error, text), from_attributes=True)
        return Json(RulesCheckAnswer(document=None, toml=None, problems=[problem], conflicts=[], warnings=[], rules=[]))
    rules, unread = read_each(document, text)
    found = await asyncio.to_thread(service.rule_desk.check, rules, text)
    return Json(
        RulesCheckAnswer(
            document=rules.as_document(),
            toml=rules.as_toml(),
            problems=[
                RuleProblemAnswer.model_validate(one, from_attributes=True) for one in (*unread, *found.problems)
            ],
            conflicts=told(found.findings.conflicts),
            warnings=told(found.findings.warnings),
            rules=[RuleFactsAnswer.model_validate(one, from_attributes=True) for one in found.facts],
        )
    )


@router.get("/rules/completions", response_model=SuggestionsAnswer, responses=documentation.problems(422, 503))
@needs(KeyScope.ADMIN)
async def complete(
    service: Current,
    prefix: Annotated[
        str, fastapi.Query(max_length=MAX_PREFIX_CHARS, description="The condition up to where somebody writes.")
    ] = "",
    of: Annotated[
        Literal["items", "requests", "ids"],
        fastapi.Query(description="A condition over items, or over requests (`when`); or the ids of items, for a pin."),
    ] = "items",
    limit: Annotated[int, fastapi.Query(ge=1, le=200, description="Suggestions at most.")] = 20,
) -> Response:
    """What may stand next: fields, comparisons, and the values that the catalogue has, with counts."""
    desk = service.rule_desk
    asked = {"items": desk.complete_items, "requests": desk.complete_requests, "ids": desk.complete_ids}[of]
    found = await asyncio.to_thread(asked, prefix, limit)
    return Json(
        SuggestionsAnswer(
            start=found.start,
            expected=found.expected,
            suggestions=[SuggestionAnswer.model_validate(one, from_attributes=True) for one in found.several],
        )
    )


@router.post(
    "/rules/preview", response_model=PreviewAnswer, responses=documentation.problems(400, 409, 413, 415, 422, 503)
)
@needs(KeyScope.ADMIN)
async def preview(sent: RulesToPreview, service: Current) -> Response:
    """Make the latest slates again, before and after: what would these rules change? Nothing is applied.

    One preview at a time is made by a process; others wait for it.
    """
    rules = rule_set(sent.plain())
    against = RuleSet() if sent.against == "none" else None
    found, titles = await service.rule_previews.preview(rules, sent.slates, sent.scenario, against)

    def told_items(item_ids: list[str]) -> list[PreviewItem]:
        return [PreviewItem(item_id=one, title=titles.get(one)) for one in item_ids]

    return Json(
        PreviewAnswer(
            n_replayed=found.n_replayed,
            n_logged=found.n_logged,
            n_changed=found.n_changed,
            by_rule=[RuleEffect(rule=name, n_changed=n) for name, n in found.by_rule.items()],
            examples=[
                PreviewExample(
                    user_id=one.user_id,
                    scenario=one.scenario,
                    before=told_items(one.before),
                    after=told_items(one.after),
                    rules=one.rules,
                )
                for one in found.examples
            ],
        )
    )
