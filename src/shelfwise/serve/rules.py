"""The merchandiser's rules over HTTP: read, replace, look back, roll back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

import tomlkit
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

from shelfwise.errors import ConfigError
from shelfwise.pipeline.rule_changes import check_rules, put_in_force, require_no_conflict, roll_back
from shelfwise.rules.conflicts import Finding, Findings
from shelfwise.rules.rule_set import RuleSet, rule_set
from shelfwise.rules.rule_text import MAX_TOML_CHARS, RuleText
from shelfwise.schemas.keys import KeyScope
from shelfwise.serve import documentation
from shelfwise.serve.answers import Json
from shelfwise.serve.callers import Caller, GuardedRoute, caller_of, needs
from shelfwise.serve.service import Current
from shelfwise.store import audit_log, rule_versions
from shelfwise.store.rule_versions import RuleVersion

router = APIRouter(tags=["rules"], route_class=GuardedRoute)

MAX_VERSION = 2**31 - 1
"""Versions are counted from 1; the store has no room for more."""


class WrittenRules(BaseModel):
    """Rules in either of two forms: exactly one of `document` and `toml`."""

    model_config = ConfigDict(extra="forbid")

    document: dict[str, Any] | None = Field(
        default=None, description="As in rules.toml: `time_zone` and `rules` by name."
    )
    toml: str | None = Field(default=None, max_length=MAX_TOML_CHARS, description="The text of a rules.toml.")

    @model_validator(mode="after")
    def _in_one_form(self) -> Self:
        if (self.document is None) == (self.toml is None):
            raise ValueError("send exactly one of `document` and `toml`")
        return self

    @property
    def text(self) -> RuleText | None:
        """The text, where they were written as one."""
        return None if self.toml is None else RuleText(self.toml)

    def plain(self) -> dict[str, Any]:
        """The rules as plain values, not looked at yet.

        Raises:
            ConfigError: the text is no TOML.
        """
        return (self.document or {}) if self.toml is None else RuleText(self.toml).document()


class RulesToPut(WrittenRules):
    """Rules that are to be in force in place of all present ones."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "document": {"rules": {"own-brand": {"boost": 'brand = "Nordhaus"', "places": 5}}},
                    "author": "Kim",
                    "note": "until spring",
                    "replaces": 3,
                }
            ]
        },
    )

    author: str = Field(min_length=1, max_length=256, description="Who, for the history.")
    note: str = Field(default="", max_length=1_000, description="Why, for the history.")
    replaces: int | None = Field(
        default=None,
        ge=0,
        le=MAX_VERSION,
        description="The version that was looked at; refused (409) where another is in force.",
    )
    accept_conflicts: bool = Field(default=False, description="Apply rules that are in each other's way.")
    dry_run: bool = Field(default=False, description="Only check them.")


class GoBack(BaseModel):
    """Which rules are to be in force again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"author": "Kim", "note": "sold out faster than we thought"}]}
    )

    version: int | None = Field(
        default=None, ge=1, le=MAX_VERSION, description="The version before the present one where omitted."
    )
    author: str = Field(min_length=1, max_length=256, description="Who, for the history.")
    note: str = Field(default="", max_length=1_000, description="Why, for the history.")


class FindingAnswer(BaseModel):
    """One thing that is odd about rules."""

    code: str
    rules: list[str]
    message: str


class RulesAnswer(BaseModel):
    """Rules in force."""

    version: int = Field(description="0 where none were applied yet.")
    at: datetime | None = None
    author: str | None = None
    action: str | None = None
    note: str | None = None
    document: dict[str, Any]
    toml: str = Field(description="The same as the text of a rules.toml; what it was written with but rules is gone.")
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
    """All versions, newest first."""

    versions: list[VersionAnswer]


@router.get("/rules", response_model=RulesAnswer, responses=documentation.problems(503))
@needs(KeyScope.ADMIN)
async def get_rules(service: Current) -> Response:
    """The rules in force."""
    with service.records.glance() as connection:
        found = rule_versions.in_force(connection)
    if found is None:
        return Json(RulesAnswer(version=0, document=RuleSet().as_document(), toml=RuleSet().as_toml()))
    return Json(_answer(found))


@router.put("/rules", response_model=RulesAnswer, responses=documentation.problems(400, 409, 413, 415, 422, 503))
@needs(KeyScope.ADMIN)
async def put_rules(sent: RulesToPut, request: Request, service: Current) -> Response:
    """Replace the rules; the next answer follows them.

    Refused where a condition cannot be read or names what the shop does not have, and where rules are in each other's
    way unless that is accepted.
    """
    rules = rule_set(sent.plain())
    found = await asyncio.to_thread(check_rules, rules, service.records, service.scenarios)
    if not sent.accept_conflicts:
        require_no_conflict(found)
    if sent.dry_run:
        with service.records.glance() as connection:
            newest = rule_versions.newest(connection)
        return Json(
            RulesAnswer(
                version=newest,
                document=rules.as_document(),
                toml=rules.as_toml(),
                conflicts=told(found.conflicts),
                warnings=told(found.warnings),
            )
        )
    put = partial(put_in_force, rules=rules, author=sent.author, note=sent.note, replaces=sent.replaces)
    version = await service.writer.run(_noted(put, caller_of(request), "rules.apply"))
    return Json(_answer(version, found))


@router.get("/rules/history", response_model=HistoryAnswer, responses=documentation.problems(503))
@needs(KeyScope.ADMIN)
async def get_history(service: Current) -> Response:
    """Who put which rules in force, newest first."""
    with service.records.glance() as connection:
        versions = rule_versions.history(connection)
    return Json(HistoryAnswer(versions=[VersionAnswer.model_validate(one.as_document()) for one in versions]))


@router.get("/rules/history/{version}", response_model=RulesAnswer, responses=documentation.problems(404, 422, 503))
@needs(KeyScope.ADMIN)
async def get_version(version: Annotated[int, Path(ge=1, le=MAX_VERSION)], service: Current) -> Response:
    """Rules as they were in force once."""
    with service.records.glance() as connection:
        return Json(_answer(rule_versions.get(connection, version)))


@router.post(
    "/rules/rollback", response_model=RulesAnswer, responses=documentation.problems(400, 404, 409, 413, 415, 422, 503)
)
@needs(KeyScope.ADMIN)
async def post_rollback(sent: GoBack, request: Request, service: Current) -> Response:
    """Put earlier rules in force again; the history keeps both."""
    back = partial(roll_back, version=sent.version, author=sent.author, note=sent.note)
    version = await service.writer.run(_noted(back, caller_of(request), "rules.roll-back"))
    return Json(_answer(version))


def _noted(
    change: Callable[[Connection], RuleVersion], caller: Caller, action: audit_log.Action
) -> Callable[[Connection], RuleVersion]:
    def done(connection: Connection) -> RuleVersion:
        version = change(connection)
        audit_log.note(connection, caller.name, action, str(version.version), author=version.author, note=version.note)
        return version

    return done


def _answer(version: RuleVersion, found: Findings | None = None) -> RulesAnswer:
    conflicts, warnings = ((), ()) if found is None else (found.conflicts, found.warnings)
    return RulesAnswer(
        version=version.version,
        at=version.at,
        author=version.author,
        action=version.action,
        note=version.note,
        document=version.document,
        toml=_as_toml(version.document),
        conflicts=told(conflicts),
        warnings=told(warnings),
    )


def _as_toml(document: dict[str, Any]) -> str:
    try:
        return rule_set(document).as_toml()
    except ConfigError:  # a newer release wrote them: shown as they are
        return tomlkit.dumps(document)


def told(several: tuple[Finding, ...]) -> list[FindingAnswer]:
    """What is odd about rules, as it is answered."""
    return [FindingAnswer.model_validate(one.as_document()) for one in several]
