"""The contracts of the rules' versions and of the answers that are kept."""

from __future__ import annotations

import numpy as np
import pytest

from shelfwise.errors import StateError, UnknownError
from shelfwise.store import rule_versions, slate_log
from shelfwise.store.records import Records
from shelfwise.store.slate_log import LoggedSlate
from shelfwise.testing.stores.contract import StoreContract


class RuleVersionsContract(StoreContract):
    """Versions are only ever added; the newest is in force."""

    def test_the_newest_is_in_force_and_all_are_kept(self, records: Records) -> None:
        with records.read() as connection:
            assert (rule_versions.newest(connection), rule_versions.in_force(connection)) == (0, None)
        with records.write() as connection:
            first = rule_versions.put(connection, {"rules": {"a": {"then": "größer 😀"}}}, author="Ann", note="'; --")
        with records.write() as connection:
            second = rule_versions.put(connection, {"rules": {}}, author="Bob")
        with records.read() as connection:
            assert rule_versions.newest(connection) == 2
            found = rule_versions.in_force(connection)
            assert found is not None and found.document == second.document
            kept = rule_versions.get(connection, 1)
            assert (kept.document, kept.author, kept.note) == (first.document, "Ann", "'; --")
            assert [one.version for one in rule_versions.history(connection)] == [2, 1]
            assert rule_versions.earlier(connection, None).version == 1
            with pytest.raises(UnknownError, match="no version 3"):
                rule_versions.get(connection, 3)

    def test_there_is_nothing_before_the_first(self, records: Records) -> None:
        with records.write() as connection:
            rule_versions.put(connection, {}, author="Ann")
            with pytest.raises(StateError, match="no earlier rules"):
                rule_versions.earlier(connection, None)


def a_slate(name: str, at_ms: int, user_id: str | None = "u", scenario: str = "home") -> LoggedSlate:
    """Three items in an order of their own."""
    rows = np.array([at_ms % 5, 7, 2**31 - 1 if at_ms == 99 else 1], np.int32)
    return LoggedSlate(
        name, at_ms, user_id, scenario, "v1", 3, rows, np.array([1.0, 0.25, 1e-12]), rows[::-1].copy(), {"k": 3}
    )


class SlateLogContract(StoreContract):
    """Answers are read back to the bit, newest first, and forgotten by age."""

    def test_what_was_answered_comes_back(self, records: Records) -> None:
        sent = [a_slate("a", 1), a_slate("b", 99, None), a_slate("c", 5, "ü", "email")]
        with records.write() as connection:
            slate_log.append(connection, sent)
            slate_log.append(connection, [])
        with records.read() as connection:
            assert slate_log.count(connection) == 3
            found = slate_log.latest(connection, 2)
            assert [one.slate_id for one in found] == ["b", "c"]
            assert (found[0].user_id, found[1].user_id, found[1].query) == (None, "ü", {"k": 3})
            np.testing.assert_array_equal(found[0].rows, sent[1].rows)
            np.testing.assert_array_equal(found[0].propensities, sent[1].propensities)
            np.testing.assert_array_equal(found[0].best, sent[1].best)
            assert [one.slate_id for one in slate_log.latest(connection, 9, "email")] == ["c"]

    def test_counts_of_what_was_shown(self, records: Records) -> None:
        with records.read() as connection:
            assert slate_log.shown_counts(connection, 9).tolist() == []
        with records.write() as connection:
            slate_log.append(connection, [a_slate("a", 1), a_slate("b", 2), a_slate("c", 3)])
        with records.read() as connection:
            assert slate_log.shown_counts(connection, 2).tolist() == [0, 2, 1, 1, 0, 0, 0, 2]

    def test_old_ones_are_forgotten(self, records: Records) -> None:
        with records.write() as connection:
            slate_log.append(connection, [a_slate("a", 1), a_slate("b", 2), a_slate("c", 3)])
            assert slate_log.forget_before(connection, 3) == 2
            assert slate_log.forget_before(connection, 3) == 0
        with records.read() as connection:
            assert [one.slate_id for one in slate_log.latest(connection, 9)] == ["c"]
