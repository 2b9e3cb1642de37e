"""New rules before they are in force: checked against the shop, and put in force."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection

from shelfwise.datasets.catalogue import is_allowed
from shelfwise.errors import ConfigError, StateError
from shelfwise.rules.columns import ItemColumns
from shelfwise.rules.conflicts import Findings, findings
from shelfwise.rules.fields import Fields, is_numeric
from shelfwise.rules.plan import ready
from shelfwise.rules.rule_set import RuleSet
from shelfwise.store import catalogue as item_store
from shelfwise.store import people, rule_versions
from shelfwise.store.records import Records
from shelfwise.store.rule_versions import RuleVersion


def check_rules(rules: RuleSet, records: Records, scenarios: Sequence[str]) -> Findings:
    """Hold rules against each other and against the shop as it is stored.

    Args:
        rules: To be checked.
        records: The shop's.
        scenarios: Names of the places that ask.

    Raises:
        ConfigError: a condition cannot be read or names a field that nothing has (with the near name), or an item is
            pinned that the shop does not have.
    """
    columns, shown = ItemColumns(), []
    with records.read() as connection:
        for entry in item_store.read_all(connection):
            columns.put(entry)
            shown.append(is_allowed(entry))
        values = people.values_by_attribute(connection)
    requests = Fields.of_requests(values, (name for name, found in values.items() if is_numeric(found)))
    made = ready(rules, columns.fields(), requests)
    return findings(made, columns, np.array(shown, bool), scenarios, int(datetime.now(UTC).timestamp() * 1_000))


def require_no_conflict(found: Findings) -> None:
    """Refuse rules that cannot all have their way.

    Raises:
        ConfigError: the first conflict, and how many there are.
    """
    if found.conflicts:
        first, n_more = found.conflicts[0], len(found.conflicts) - 1
        raise ConfigError(
            first.message + (f" (and {n_more} more)" if n_more else ""),
            where=f"rules.{first.rules[-1]}",
            hint="change one of them, or accept what happens: `--accept-conflicts`, over HTTP accept_conflicts",
            code="rules_conflict",
        )


def put_in_force(
    connection: Connection, rules: RuleSet, *, author: str, note: str = "", replaces: int | None = None
) -> RuleVersion:
    """Store rules as the newest version; inside a write transaction.

    Args:
        connection: Writes.
        rules: Checked.
        author: Who wants it.
        note: For the history.
        replaces: The version that the author knows; None: whichever is in force.

    Raises:
        StateError: another version than the one named is in force: somebody else was faster.
    """
    newest = rule_versions.newest(connection)
    if replaces is not None and replaces != newest:
        raise StateError(
            f"version {newest} of the rules is in force, not {replaces}",
            where="replaces",
            hint="somebody else applied rules meanwhile: look at theirs, then apply yours again",
            code="rules_changed",
        )
    return rule_versions.put(connection, rules.as_document(), author=author, note=note)


def roll_back(connection: Connection, version: int | None, *, author: str, note: str = "") -> RuleVersion:
    """Put earlier rules in force again, as a new version; inside a write transaction.

    Args:
        connection: Writes.
        version: To go back to; None: the one before that in force.
        author: Who wants it.
        note: For the history.

    Raises:
        StateError: there is none before.
        UnknownError: there is none of that number.
    """
    found = rule_versions.earlier(connection, version)
    return rule_versions.put(
        connection, found.document, author=author, note=note or f"back to version {found.version}", action="roll-back"
    )
