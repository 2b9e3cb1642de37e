"""Rules on a shop as it is used: written in a file, checked, previewed, applied, followed by a server, rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from shelfwise.cli.main import app
from shelfwise.errors import ConfigError, QueryError, StateError, UnknownError
from shelfwise.pipeline import clock
from shelfwise.pipeline.rule_preview import preview
from shelfwise.rules.rule_set import rule_set
from shelfwise.schemas.events import CODE_BY_KIND, EventKind
from shelfwise.shop import Shop
from shelfwise.store import event_log, rule_versions
from shelfwise.store.event_log import EventRow

PURCHASE = CODE_BY_KIND[EventKind.PURCHASE]

RULES = """\
time_zone = "Europe/Berlin"

[rules.hero]
pin = "kite-violet"
position = 2
when = 'scenario = "home"'

[rules.no-lamps]
block = 'category under "Home"'
note = "none in stock until spring"

[rules.cheap-first]
boost = "price < 7"
places = 3
"""


@pytest.fixture
def shop(tiny_shop: Path) -> Path:
    (tiny_shop / "rules.toml").write_text(RULES)
    return tiny_shop


@pytest.fixture
def run(shop: Path) -> Callable[..., tuple[int, Any]]:
    def called(*arguments: str) -> tuple[int, Any]:
        found = CliRunner().invoke(app, ["rules", *arguments, "--shop", str(shop), "--json"])
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found.exit_code, json.loads(found.stdout)

    return called


def items(shop: Path, user: str = "user-0", **query: Any) -> list[str]:
    with Shop.open(shop) as opened:
        return [item.item_id for item in opened.recommend(user, k=10, **query).items]


def test_what_happens_during_a_preview_changes_no_slate(
    shop: Path, run: Callable[..., tuple[int, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    passed = count()
    monkeypatch.setattr(clock, "present_ms", lambda: 1_900_000_000_000 + 6 * 3_600_000 * next(passed))
    with Shop.open(shop) as opened:
        recommender, records = opened.recommender, opened.records

        def busy(text: str, done: int | None, _: int | None) -> None:
            """After each slate everybody does something, and somebody else's rules come into force."""
            if text.endswith("before") and done is not None and done % 5 == 0:
                with records.write() as connection:
                    rule_versions.put(connection, {"version": 1, "rules": {"y": {"block": "price > 6"}}}, author=text)
                    rows = [
                        EventRow(b"%8d%8d" % (done, user), f"user-{user}", "kite-violet", PURCHASE, clock.present_ms())
                        for user in range(20)
                    ]
                    event_log.append(connection, rows, None)

        nothing = rule_set({"rules": {"x": {"block": "price < 0"}}})
        found = preview(recommender, records, nothing, busy, n=40)
        assert found.n_replayed == 40 and found.n_changed == 0
        with records.write() as connection:
            rule_versions.put(connection, {"version": 1, "rules": {"z": {"block": "price < 6"}}}, author="other")
        found = preview(recommender, records, nothing, busy, n=40, against=rule_set({"rules": {}}))
        assert found.n_changed == 0


def test_from_file_to_slate_and_back(shop: Path, run: Callable[..., tuple[int, Any]]) -> None:
    before = items(shop)
    assert any(item_id.startswith("lamp") for item_id in before)
    assert run("check") == (0, {"n_rules": 3, "conflicts": [], "warnings": []})
    found = run("preview", "--slates", "60")[1]
    assert found["n_replayed"] == 60 and found["n_logged"] == 0
    assert 0 < found["n_changed"] <= 60
    assert found["by_rule"]["hero"] > 0
    example = found["examples"][0]
    assert example["before"] != example["after"] and example["rules"]
    assert items(shop) == before  # a preview changes nothing
    assert run("apply", "--by", "Ada", "--note", "spring")[1]["version"] == 1
    with Shop.open(shop) as opened:
        slate = opened.recommend("user-0", k=10)
    assert slate.items[1].item_id == "kite-violet"
    assert slate.items[1].steps == ["rules: pinned to position 2 by 'hero'"]
    assert not any(item.item_id.startswith("lamp") for item in slate.items)
    (shop / "rules.toml").write_text("")
    assert run("apply")[1]["version"] == 2
    assert items(shop) == before
    assert run("rollback", "--by", "Ada")[1]["note"] == "back to version 1"
    assert items(shop)[1] == "kite-violet"
    history = run("history")[1]
    assert [(one["version"], one["action"], one["n_rules"]) for one in history] == [
        (3, "roll-back", 3),
        (2, "apply", 0),
        (1, "apply", 3),
    ]
    assert (history[2]["author"], history[2]["note"]) == ("Ada", "spring")
    assert run("list")[1]["document"]["rules"]["no-lamps"]["block"] == 'category under "Home"'


def test_what_is_listed_can_be_applied_again(shop: Path) -> None:
    with Shop.open(shop) as opened:
        opened.rules.apply(opened.rules.read())
        _, rules = opened.rules.in_force()
        (shop / "again.toml").write_text(rules.as_toml())
        assert opened.rules.read(shop / "again.toml") == rules


def test_a_shop_in_python_follows_at_once(shop: Path) -> None:
    with Shop.open(shop) as opened:
        before = [item.item_id for item in opened.recommend("user-0", k=10).items]
        opened.rules.apply(opened.rules.read())
        assert opened.recommend("user-0", k=10).items[1].item_id == "kite-violet"
        opened.rules.apply(rule_set({}))
        assert [item.item_id for item in opened.recommend("user-0", k=10).items] == before


def test_rules_that_a_newer_release_wrote_leave_those_before(shop: Path) -> None:
    with Shop.open(shop) as opened:
        opened.rules.apply(opened.rules.read())
        assert opened.recommend("user-0", k=10).items[1].item_id == "kite-violet"
        with opened.records.write() as connection:
            rule_versions.put(connection, {"version": 1, "rules": {"x": {"hide": "price < 3"}}}, author="newer")
        opened.recommender.rules.refresh()
        assert opened.recommend("user-0", k=10).items[1].item_id == "kite-violet"


def test_one_step_back_at_a_time(shop: Path) -> None:
    with Shop.open(shop) as opened:
        rules = opened.rules.read()
        for n in range(1, 4):
            opened.rules.apply(rules.model_copy(update={"rules": dict(list(rules.rules.items())[:n])}))
        assert len(opened.rules.roll_back().document["rules"]) == 2
        assert len(opened.rules.roll_back().document["rules"]) == 1
        with pytest.raises(StateError, match="no earlier rules"):
            opened.rules.roll_back()
        assert len(opened.rules.roll_back(3).document["rules"]) == 3
        with pytest.raises(UnknownError, match=r"no version 9 of the rules; expected a number from 1 to 6"):
            opened.rules.roll_back(9)


@pytest.mark.parametrize(
    ("rules", "where", "message"),
    [
        ("[rules.x]\nblock = 'prize < 3'", "rules.x.block", r"(?s)no item has a field 'prize'.*did you mean 'price'\?"),
        ("[rules.x]\nblock = 'price <'", "rules.x.block", "the condition ends"),
        ("[rules.x]\npin = 'mug-rde'", "rules.x.pin", r"(?s)there is no item 'mug-rde'.*did you mean 'mug-red'\?"),
        ("[rules.x]\nblok = 'price < 3'", "rules.x.blok", r"(?s)no such key.*did you mean 'block'\?"),
        (
            "[rules.x]\nboost = 'price < 3'\nwhen = 'user.countri = \"DE\"'",
            "rules.x.when",
            "no request has a field 'user.countri'",
        ),
        (
            "[rules.x]\nboost = 'price < 3'\nwhen = 'weekday = \"mondey\"'",
            "rules.x.when",
            r"(?s)expected one of monday.*did you mean 'monday'\?",
        ),
        ("rules = 3", "rules", "valid dictionary"),
        ("[rules.x", None, "not a TOML file"),
    ],
)
def test_what_cannot_be_applied_is_refused(shop: Path, rules: str, where: str | None, message: str) -> None:
    (shop / "rules.toml").write_text(rules)
    with Shop.open(shop) as opened, pytest.raises(ConfigError, match=message) as caught:
        opened.rules.apply(opened.rules.read())
    assert where is None or caught.value.where == where


@pytest.mark.parametrize(
    ("rules", "code", "message"),
    [
        (
            "[rules.a]\npin = 'mug-red'\n[rules.b]\npin = 'mug-blue'\nwhen = 'scenario = \"home\"'",
            "same_position",
            "'a' and 'b' both pin an item at position 1: 'a', written first, has it",
        ),
        (
            "[rules.a]\npin = 'mug-red'\n[rules.b]\nblock = 'category under \"Kitchen\"'",
            "pin_not_shown",
            "'a' pins item 'mug-red', which 'b' does not let be shown",
        ),
        (
            "[rules.a]\npin = 'mug-red'\n[rules.b]\nrequire = 'price > 100'",
            "nothing_left",
            "'b' leaves no available item",
        ),
        (
            "[rules.a]\nrequire = 'price < 7'\n[rules.b]\nblock = 'price < 9'\n[rules.c]\nblock = 'price > 100'",
            "nothing_left",
            "'a' and 'b' together leave no available item",
        ),
    ],
)
def test_conflicts_are_named_and_must_be_accepted(shop: Path, rules: str, code: str, message: str) -> None:
    (shop / "rules.toml").write_text(rules)
    with Shop.open(shop) as opened:
        written = opened.rules.read()
        found = opened.rules.check(written)
        told = {one.code: one.message for one in found.conflicts}
        assert message in told[code]
        with pytest.raises(ConfigError, match="accept-conflicts") as caught:
            opened.rules.apply(written)
        assert caught.value.code == "rules_conflict"
        assert opened.rules.in_force()[0] is None
        opened.rules.apply(written, accept_conflicts=True)
        assert opened.rules.in_force()[0] is not None


@pytest.mark.parametrize(
    "whens",
    [
        ("'scenario = \"home\"'", "'scenario = \"cart\"'"),
        ('\'weekday in ("saturday", "sunday")\'', '\'weekday not in ("saturday", "sunday")\''),
        ("'hour < 12'", "'hour >= 12'"),
    ],
)
def test_rules_that_never_meet_are_in_nobodys_way(shop: Path, whens: tuple[str, str]) -> None:
    (shop / "rules.toml").write_text(
        f"[rules.a]\npin = 'mug-red'\nwhen = {whens[0]}\n[rules.b]\npin = 'mug-blue'\nwhen = {whens[1]}"
    )
    with Shop.open(shop) as opened:
        assert opened.rules.check(opened.rules.read()).conflicts == ()


def test_spans_of_time_are_told_in_the_rules_time_zone_and_dates_are_whole_days(shop: Path) -> None:
    (shop / "rules.toml").write_text(
        'time_zone = "Europe/Berlin"\n[rules.a]\nblock = "price < 7"\nfrom = 2026-12-01\nuntil = 2026-12-24'
    )
    with Shop.open(shop) as opened:
        rules = opened.rules.read()
        start, end = rules.rules["a"].span_ms(rules.zone)
    assert (start, end) == (1_796_079_600_000, 1_798_153_200_000)  # 2026-11-30 23:00 and 2026-12-24 23:00 UTC


def test_slips_are_warned_of(shop: Path) -> None:
    (shop / "rules.toml").write_text(
        "[rules.a]\nblock = 'category under \"Kitchn\"'\n"
        "[rules.b]\nboost = 'price < 7'\nuntil = 2020-01-01\n"
        "[rules.c]\nboost = 'price < 7'\nwhen = 'scenario = \"hom\"'\n"
        "[rules.d]\nbury = 'price < 6'\n[rules.e]\nboost = 'price < 6'\n"
    )
    with Shop.open(shop) as opened:
        found = opened.rules.check(opened.rules.read())
    told = [(one.code, one.message) for one in found.warnings]
    assert ("unknown_value", '\'a\': no item has category "Kitchn"; did you mean "Kitchen"?') in told
    assert ("unknown_value", "'c': there is no scenario 'hom'; did you mean 'home'?") in told
    codes = [code for code, _ in told]
    assert {"over", "no_item", "never", "cancel_out"} <= set(codes)


def test_filters_speak_the_same_language(shop: Path) -> None:
    found = items(shop, filter='price < 8 and category under "Shoes"')
    assert found and all(item_id.startswith("boot") for item_id in found)
    with pytest.raises(QueryError, match=r"(?s)no item has a field 'prise'.*did you mean 'price'"):
        items(shop, filter="prise < 8")
    with Shop.open(shop) as opened:
        slate = opened.recommend("user-0", filter="price > 1000")
    assert slate.items == []
    assert slate.degraded[0] == "the request leaves no item of this shop that may be shown"


@pytest.fixture
def http(shop: Path, serve: Callable[..., AbstractContextManager[Any]]) -> Iterator[tuple[httpx.Client, Path]]:
    with serve(shop) as server:
        yield server.http, shop


def test_a_server_follows_at_once_and_tells_of_its_rules(http: tuple[httpx.Client, Path]) -> None:
    client, shop = http
    asked = {"user_id": "user-0", "k": 10}

    def shown() -> list[str]:
        return [item["item_id"] for item in client.post("/recommend", json=asked).json()["items"]]

    before = shown()
    assert client.get("/rules").json()["version"] == 0
    document = {"rules": {"hero": {"pin": "pen-black", "position": 3}, "dear": {"block": "price > 12"}}}
    dry = client.put("/rules", json={"document": document, "author": "Ada", "dry_run": True})
    assert dry.status_code == 200 and dry.json()["version"] == 0 and dry.json()["conflicts"] == []
    assert shown() == before
    put = client.put("/rules", json={"document": document, "author": "Ada", "note": "n", "replaces": 0})
    assert put.status_code == 200, put.text
    assert put.json()["version"] == 1
    assert shown()[2] == "pen-black"
    found = client.get("/rules").json()
    assert (found["version"], found["author"], found["document"]["rules"]) == (1, "Ada", {
        "hero": {"pin": ["pen-black"], "position": 3}, "dear": {"block": "price > 12"},
    })  # fmt: skip
    late = client.put("/rules", json={"document": document, "author": "Bob", "replaces": 0})
    assert (late.status_code, late.json()["code"]) == (409, "rules_changed")
    wrong = client.put("/rules", json={"document": {"rules": {"x": {"block": "prize > 12"}}}, "author": "Bob"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknown_field")
    assert "did you mean 'price'" in wrong.json()["hint"]
    clash = {"rules": {"a": {"pin": "pen-black"}, "b": {"block": 'item_id = "pen-black"'}}}
    refused = client.put("/rules", json={"document": clash, "author": "Bob"})
    assert (refused.status_code, refused.json()["code"]) == (400, "rules_conflict")
    client.put("/rules", json={"document": {}, "author": "Bob"})
    assert shown() == before
    assert client.post("/rules/rollback", json={"author": "Ada"}).json()["action"] == "roll-back"
    assert shown()[2] == "pen-black"
    assert [one["version"] for one in client.get("/rules/history").json()["versions"]] == [3, 2, 1]
    filtered = client.post("/recommend", json={**asked, "filter": 'category under "Shoes"'}).json()["items"]
    assert all(item["item_id"].startswith("boot") or item["steps"] for item in filtered)
    bad = client.post("/recommend", json={**asked, "filter": "prise < 3"})
    assert (bad.status_code, bad.json()["code"]) == (422, "unknown_field")
    # Somebody applies rules from the command line: the server follows within a second.
    with Shop.open(shop) as opened:
        opened.rules.apply(opened.rules.read())
    import time

    time.sleep(1.2)
    assert shown()[1] == "kite-violet"
