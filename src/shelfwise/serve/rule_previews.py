"""Previews of rules beside the answers: a second recommender makes the slates, on a thread, one preview at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from shelfwise.errors import ConfigError
from shelfwise.pipeline import model as models
from shelfwise.pipeline.recommender import Recommender
from shelfwise.pipeline.rule_desk import RuleDesk
from shelfwise.pipeline.rule_preview import Preview, preview
from shelfwise.rules.rule_set import RuleSet
from shelfwise.rules.rule_text import RuleProblem
from shelfwise.store.records import Records
from shelfwise.store.versions import Versions

KEPT_S = 120.0
"""How long a loaded model is kept for the next preview: who tries out rules does so several times."""

BREATH_S = 0.001
"""Pause after each slate, so that requests which are being answered get their turn."""


class RulePreviews:
    """Makes previews; the recommender that answers requests has no part in it."""

    def __init__(self, versions: Versions, records: Records, desk: RuleDesk) -> None:
        self._versions, self._records, self._desk = versions, records, desk
        self._one_at_a_time = asyncio.Lock()
        self._recommender: Recommender | None = None
        self._let_go: asyncio.TimerHandle | None = None

    async def preview(
        self, rules: RuleSet, n: int, scenario: str | None, against: RuleSet | None
    ) -> tuple[Preview, dict[str, str]]:
        """What rules would change of the latest `n` slates, and the titles of the items in the examples.

        Raises:
            ConfigError: a rule cannot be applied.
            StateError: nothing was trained yet.
        """
        async with self._one_at_a_time:
            if self._let_go is not None:
                self._let_go.cancel()
            try:
                return await asyncio.to_thread(self._preview, rules, n, scenario, against)
            finally:
                self._let_go = asyncio.get_running_loop().call_later(KEPT_S, self._forget)

    def _preview(
        self, rules: RuleSet, n: int, scenario: str | None, against: RuleSet | None
    ) -> tuple[Preview, dict[str, str]]:
        problems = self._desk.check(rules).problems
        if problems:
            raise _as_error(problems[0])
        version = self._versions.current()
        recommender = self._recommender
        if recommender is None or recommender.model.name != version.name:
            recommender = self._recommender = Recommender(models.load(version), self._records)
        while recommender.live.follow():
            pass
        recommender.asking.note_erasures()
        try:
            found = preview(recommender, self._records, rules, _breathe, n=n, scenario=scenario, against=against)
        finally:
            recommender.asking.remembered.clear()  # nobody tells this one of erasures
        return found, _titles(recommender, found)

    def _forget(self) -> None:
        self._recommender = None


def _breathe(*_: Any) -> None:
    time.sleep(BREATH_S)


def _titles(recommender: Recommender, found: Preview) -> dict[str, str]:
    catalogue = recommender.catalogue
    rows = {item_id: catalogue.row(item_id) for one in found.examples for item_id in (*one.before, *one.after)}
    return {item_id: catalogue.name(row) for item_id, row in rows.items() if row is not None}


def _as_error(problem: RuleProblem) -> ConfigError:
    return ConfigError(problem.message, where=problem.where, hint=problem.hint, code=problem.code)
