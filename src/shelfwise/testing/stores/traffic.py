"""The contract of what servers count: every process adds to the same minutes and hours, and old ones go."""

from __future__ import annotations

from pathlib import Path

from shelfwise.store import drift_counts, traffic
from shelfwise.store.drift_counts import STEP_S, WINDOW_S, Cell, Counting
from shelfwise.store.records import Records
from shelfwise.store.traffic import HOUR_S, KEPT_S, MINUTE_S, Counted, Measure
from shelfwise.testing.stores.contract import StoreContract, line_of, process

NOON_S = 1_700_049_600 // HOUR_S * HOUR_S
HOME, EMAIL = Counted(Measure.ANSWER, "home", 3), Counted(Measure.ANSWER, "email", 0)

ADDS = """
import sys
from pathlib import Path
from shelfwise.store import traffic
from shelfwise.store.records import Records

records = Records.open(sys.argv[1], Path(sys.argv[2]))
for _ in range(20):
    with records.write() as connection:
        traffic.add(connection, int(sys.argv[3]), {traffic.Counted(traffic.Measure.ANSWER, "home", 3): 5})
print("done", flush=True)
"""


class TrafficContract(StoreContract):
    """Counts add up, whoever counted."""

    def test_counts_of_a_minute_add_up_and_stand_in_their_hour_too(self, records: Records) -> None:
        with records.write() as connection:
            traffic.add(connection, NOON_S + 5, {HOME: 2, EMAIL: 1})
            traffic.add(connection, NOON_S + 59, {HOME: 3, Counted(Measure.EVENT, "click"): 0})
            traffic.add(connection, NOON_S + 61, {HOME: 7})
            traffic.add(connection, NOON_S + 61, {})
        with records.read() as connection:
            assert traffic.read(connection, NOON_S, NOON_S + 120, MINUTE_S) == [
                (NOON_S, Measure.ANSWER, "email", 0, 1),
                (NOON_S, Measure.ANSWER, "home", 3, 5),
                (NOON_S + 60, Measure.ANSWER, "home", 3, 7),
            ]
            assert traffic.read(connection, NOON_S, NOON_S + 60, MINUTE_S)[-1].n == 5
            whole = [(NOON_S, Measure.ANSWER, "email", 0, 1), (NOON_S, Measure.ANSWER, "home", 3, 12)]
            assert traffic.read(connection, NOON_S, NOON_S + HOUR_S, HOUR_S) == whole
            assert traffic.read(connection, NOON_S - 300, NOON_S + 600, 900) == [
                (NOON_S - 300, *one[1:]) for one in whole
            ]

    def test_processes_add_to_the_same_minute(self, records: Records, url: str, tmp_path: Path) -> None:
        adders = [process(ADDS, url, tmp_path, NOON_S) for _ in range(2)]
        assert [line_of(one) for one in adders] == ["done"] * 2
        for one in adders:
            one.communicate(timeout=30)
        with records.read() as connection:
            assert [one.n for one in traffic.read(connection, NOON_S, NOON_S + 60, MINUTE_S)] == [200]

    def test_minutes_go_before_hours(self, records: Records) -> None:
        late_s = NOON_S + KEPT_S[MINUTE_S] + 60
        with records.write() as connection:
            traffic.add(connection, NOON_S, {HOME: 2})
            traffic.add(connection, late_s, {HOME: 1})
            assert traffic.forget_old(connection, late_s) == 1
            assert traffic.forget_old(connection, late_s) == 0
        with records.read() as connection:
            assert [one.n for one in traffic.read(connection, NOON_S, late_s + 60, MINUTE_S)] == [1]
            assert [one.n for one in traffic.read(connection, NOON_S, late_s + 60, HOUR_S)] == [2, 1]
        with records.write() as connection:
            assert traffic.forget_old(connection, NOON_S + KEPT_S[HOUR_S] + HOUR_S) == 2

    def test_when_something_was_counted_last(self, records: Records) -> None:
        with records.write() as connection:
            traffic.add(connection, NOON_S + 61, {Counted(Measure.ITEM, "new"): 1})
            traffic.add(connection, NOON_S + 200, {Counted(Measure.ITEM, "unchanged"): 1})
        with records.read() as connection:
            assert traffic.newest_s(connection, Measure.ITEM, ("new", "changed")) == NOON_S + 60
            assert traffic.newest_s(connection, Measure.EVENT, ("new",)) is None

    def test_what_slates_were_like_adds_up_over_a_day_and_goes(self, records: Records) -> None:
        first, second = (Cell(Counting.SCORE, "v1", "home", bucket) for bucket in (0, 3))
        of_another, of_events = first._replace(version="v2"), Cell(Counting.WANTED, "v1", "", 1)
        with records.write() as connection:
            drift_counts.add(connection, NOON_S, {first: 2, second: 1, of_another: 9, of_events: 4})
            drift_counts.add(connection, NOON_S + STEP_S, {first: 3, second: 0})
            drift_counts.add(connection, NOON_S, {})
            traffic.add(connection, NOON_S, {HOME: 2})
        with records.read() as connection:
            now_s = NOON_S + STEP_S
            whole = {first: 5, second: 1, of_events: 4}
            assert drift_counts.read(connection, "v1", ["home", "email"], now_s) == whole
            assert drift_counts.read(connection, "v1", ["email"], now_s) == {of_events: 4}
            assert drift_counts.read(connection, "v1", ["home"], NOON_S + WINDOW_S) == {first: 3}
            # Counted by steps of their own: what the overview reads has none of it.
            assert [one.measure for one in traffic.read(connection, NOON_S, NOON_S + HOUR_S, MINUTE_S)] == ["answer"]
        with records.write() as connection:
            assert drift_counts.forget_old(connection, NOON_S + drift_counts.KEPT_S + 1) == 4
            assert drift_counts.forget_old(connection, NOON_S + 2 * drift_counts.KEPT_S) == 1
            assert traffic.forget_old(connection, NOON_S + MINUTE_S) == 0
