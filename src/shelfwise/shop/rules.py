"""The shop's rules by verb: check, preview, apply, look at, roll back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shelfwise.rules.conflicts import Findings
from shelfwise.rules.rule_set import FILE_NAME, RuleSet, read_rules, rule_set
from shelfwise.shop.author import actor, me
from shelfwise.store import audit_log, rule_versions
from shelfwise.store.records import Records
from shelfwise.store.rule_versions import RuleVersion

if TYPE_CHECKING:
    from shelfwise.pipeline.fitted import Progress
    from shelfwise.pipeline.recommender import Recommender
    from shelfwise.pipeline.rule_preview import Preview


class ShopRules:
    """What pins, boosts, buries, blocks and requires: written in a file, in force from the records.

    Args:
        folder: The shop's.
        records: The shop's.
        scenarios: Names of the places that ask.
        recommender: Loads the model in service.
        loaded: The model in service where it is loaded already, which then follows at once.
    """

    def __init__(
        self,
        folder: Path,
        records: Records,
        scenarios: list[str],
        recommender: Callable[[], Recommender],
        loaded: Callable[[], Recommender | None],
    ) -> None:
        self._folder, self._records, self._scenarios = folder, records, scenarios
        self._recommender, self._loaded = recommender, loaded

    def read(self, path: Path | None = None) -> RuleSet:
        """The rules of a file; `rules.toml` of the shop's folder where omitted.

        Raises:
            ConfigError: there is no such file, or it says what it may not.
        """
        return read_rules(path or self._folder / FILE_NAME)

    def check(self, rules: RuleSet) -> Findings:
        """Conflicts, and what looks like a slip.

        Raises:
            ConfigError: a condition cannot be read, or names what the shop does not have.
        """
        from shelfwise.pipeline.rule_changes import check_rules

        return check_rules(rules, self._records, self._scenarios)

    def preview(self, rules: RuleSet, progress: Progress, n: int = 1_000, scenario: str | None = None) -> Preview:
        """What would change of the latest `n` slates.

        Raises:
            ConfigError: see `check`.
            StateError: nothing was trained yet.
        """
        from shelfwise.pipeline.rule_preview import preview

        self.check(rules)
        return preview(self._recommender(), self._records, rules, progress, n=n, scenario=scenario)

    def apply(
        self, rules: RuleSet, *, author: str | None = None, note: str = "", accept_conflicts: bool = False
    ) -> tuple[RuleVersion, Findings]:
        """Put rules in force; a running server follows within a second.

        Raises:
            ConfigError: see `check`; or rules are in each other's way and that was not accepted.
        """
        from shelfwise.pipeline.rule_changes import put_in_force, require_no_conflict

        found = self.check(rules)
        if not accept_conflicts:
            require_no_conflict(found)
        with self._records.write() as connection:
            version = put_in_force(connection, rules, author=author or me(), note=note)
            audit_log.note(connection, actor(), "rules.apply", str(version.version), author=version.author, note=note)
        self._follow()
        return version, found

    def roll_back(self, version: int | None = None, *, author: str | None = None, note: str = "") -> RuleVersion:
        """Put earlier rules in force again: those of a version, or those before the present ones.

        Raises:
            StateError: there are none before.
            UnknownError: there is no such version.
        """
        from shelfwise.pipeline.rule_changes import roll_back

        with self._records.write() as connection:
            made = roll_back(connection, version, author=author or me(), note=note)
            audit_log.note(
                connection, actor(), "rules.roll-back", str(made.version), author=made.author, note=made.note
            )
        self._follow()
        return made

    def _follow(self) -> None:
        found = self._loaded()
        if found is not None:
            found.rules.refresh()

    def in_force(self) -> tuple[RuleVersion | None, RuleSet]:
        """The rules in force; without a version where none were applied yet."""
        with self._records.read() as connection:
            found = rule_versions.in_force(connection)
        return found, RuleSet() if found is None else rule_set(found.document)

    def history(self) -> list[RuleVersion]:
        """All versions, newest first."""
        with self._records.read() as connection:
            return rule_versions.history(connection)
