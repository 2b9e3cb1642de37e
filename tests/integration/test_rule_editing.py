"""What an editor of rules asks a real server while somebody writes."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.online

TOML = """\
[rules.hero]
pin = "kite-violet"
when = 'scenario = "home"'

[rules.no-kites]
block = 'category under "Toys"'
"""


def check(server: Any, toml: str) -> Any:
    answer = server.http.post("/rules/check", json={"toml": toml})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_check_names_conflicts_and_what_each_rule_takes_hold_of(server: Any) -> None:
    found = check(server, TOML)
    assert found["problems"] == []
    assert [(one["code"], one["rules"]) for one in found["conflicts"]] == [("pin_not_shown", ["hero", "no-kites"])]
    assert [(one["name"], one["standing"], one["n_items"], one["line"]) for one in found["rules"]] == [
        ("hero", "holds", 1, 1),
        ("no-kites", "holds", 10, 5),
    ]
    assert found["document"]["rules"]["hero"]["pin"] == ["kite-violet"]
    assert server.http.get("/rules").json()["version"] == 0  # nothing was applied


def test_every_problem_is_named_at_its_line(server: Any) -> None:
    found = check(
        server,
        "[rules.a]\nblock = 'prize < 3'\n\n[rules.b]\npin = 'mug-rde'\n\n[rules.c]\nboost = 'price <'\n\n"
        "[rules.d]\nboost = 'price < 7'\nuntil = 2020-01-01\n",
    )
    assert [(one["rule"], one["line"], one["code"], one["hint"]) for one in found["problems"]] == [
        ("a", 2, "unknown_field", "did you mean 'price'?"),
        ("b", 5, "unknown_item", "did you mean 'mug-red'?"),
        ("c", 8, "bad_condition", found["problems"][2]["hint"]),
    ]
    assert [(one["name"], one["standing"]) for one in found["rules"]] == [("d", "over")]
    [broken] = check(server, "[rules.a]\nblock = \n")["problems"]
    assert (broken["code"], broken["line"]) == ("bad_toml", 2)


def test_completion_knows_the_catalogue_as_it_is_now(server: Any) -> None:
    def offered(**query: Any) -> list[tuple[str, Any]]:
        found = server.http.get("/rules/completions", params=query).json()
        return [(one["text"], one["count"]) for one in found["suggestions"]]

    assert ('"Kitchen"', 10) in offered(prefix="category under ")
    assert offered(prefix="brand = ") == []
    server.http.put("/items/thermos", json={"title": "Thermos flask", "brand": "Nordhaus"}).raise_for_status()
    assert offered(prefix="brand = ") == [('"Nordhaus"', 1)]
    assert ('"home"', None) in offered(prefix="scenario = ", of="requests")
    assert [text for text, _ in offered(prefix="flask", of="ids")] == ["thermos"]
    server.http.delete("/items/thermos").raise_for_status()
    assert offered(prefix="brand = ") == []


def test_a_preview_shows_slates_before_and_after_and_changes_nothing(server: Any) -> None:
    asked = {"user_id": "user-0", "scenario": "home", "k": 10}
    before = server.http.post("/recommend", json=asked).json()
    found = server.http.post(
        "/rules/preview", json={"toml": "[rules.no-lamps]\nblock = 'category under \"Home\"'\n", "slates": 60}
    ).json()
    assert found["n_replayed"] == 60 and 0 < found["n_changed"] <= 60
    [effect] = found["by_rule"]
    assert effect["rule"] == "no-lamps" and effect["n_changed"] > 0
    example = next(one for one in found["examples"] if one["rules"])
    assert any(item["item_id"].startswith("lamp") for item in example["before"])
    assert not any(item["item_id"].startswith("lamp") for item in example["after"])
    assert example["after"][0]["title"]
    after = server.http.post("/recommend", json={**asked, "items": []}).json()
    assert [one["item_id"] for one in after["items"]] == [one["item_id"] for one in before["items"]]
    refused = server.http.post("/rules/preview", json={"toml": "[rules.x]\nblock = 'prize < 3'\n"})
    assert refused.status_code == 400 and refused.json()["errors"][0]["field"] == "rules.x.block"


def test_a_version_is_looked_at_and_text_is_applied(server: Any) -> None:
    toml = "[rules.hero]\npin = 'kite-violet'\nposition = 2\n"
    toml += "from = 2020-01-01\nuntil = 2999-12-24\nwhen = 'scenario = \"home\"'\n"
    applied = server.http.put("/rules", json={"toml": toml, "author": "Ada", "note": "spring"}).json()
    # A day stays a day on its way through the store, and a condition is written as people do.
    assert applied["toml"].splitlines()[3:] == [
        'pin = ["kite-violet"]',
        "position = 2",
        "when = 'scenario = \"home\"'",
        "from = 2020-01-01",
        "until = 2999-12-24",
    ]
    slate = server.http.post("/recommend", json={"user_id": "user-3", "scenario": "home", "k": 10}).json()
    assert slate["items"][1]["item_id"] == "kite-violet"
    server.http.put("/rules", json={"toml": "", "author": "Ada"}).raise_for_status()
    again = server.http.get(f"/rules/history/{applied['version']}").json()
    assert (again["author"], again["note"], again["toml"]) == ("Ada", "spring", applied["toml"])
    assert server.http.get("/rules/history/99").status_code == 404
    # With what nothing was changed against, the rules' whole effect is told.
    server.http.post("/rules/rollback", json={"author": "Ada"}).raise_for_status()
    same = server.http.post("/rules/preview", json={"toml": toml, "slates": 20}).json()
    whole = server.http.post("/rules/preview", json={"toml": toml, "slates": 20, "against": "none"}).json()
    assert same["n_changed"] == 0 < whole["n_changed"]
    both = server.http.put("/rules", json={"toml": "", "document": {}, "author": "Ada"})
    assert both.status_code == 422
