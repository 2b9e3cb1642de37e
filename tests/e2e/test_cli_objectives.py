"""A shop of several objectives, as its engineer meets it: train, weigh, keep a floor, look at the trade-off."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomlkit

from shelfwise.train.ranker_search import space

Cli = Callable[..., Any]

RANK = """
[rank]
use = "multi-objective"
epochs = 2
width = 16
"""
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")


def with_views(folder: Path) -> None:
    """Everybody looks at the next three colours and buys the first of them; every fifth purchase comes back."""
    lines = (folder / "events.csv").read_text().splitlines()
    more: list[str] = []
    for number, line in enumerate(lines[1:]):
        user, item, _, moment = line.split(",")
        thing, colour = item.split("-")
        for step in range(3):
            other = COLOURS[(COLOURS.index(colour) + step) % len(COLOURS)]
            more.append(f"{user},{thing}-{other},view,{moment.replace('T10:00', f'T09:5{step}')}")
        if number % 5 == 0:
            more.append(f"{user},{item},return,{moment.replace('T10', 'T20')}")
    (folder / "events.csv").write_text("\n".join(lines + more) + "\n")


@pytest.fixture(scope="module")
def weighed_template(cli: Cli, trained_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(trained_template, tmp_path_factory.mktemp("weighed") / "shop")
    with_views(folder)
    kept, skipping = [], False
    for line in (folder / "shop.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            skipping = line.startswith("[rank]")
        if not skipping:
            kept.append(line)
    (folder / "shop.toml").write_text("\n".join(kept) + RANK, encoding="utf-8")
    for verb in ("check", "ingest", "train"):
        ran = cli(verb, "--shop", folder)
        assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def weighed(weighed_template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(weighed_template, tmp_path / "shop")


def slate(cli: Cli, shop: Path, *options: str) -> dict[str, Any]:
    ran = cli("recommend", "--shop", shop, "--user", "user-3", "--k", "5", "--json", *options)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = ran.document
    return document


def test_every_item_carries_its_predictions_and_the_slate_what_it_brings(cli: Cli, weighed: Path) -> None:
    found = slate(cli, weighed)
    assert {"click", "purchase"} <= set(found["items"][0]["predictions"])
    for item in found["items"]:
        assert 0 <= item["predictions"]["purchase"] <= item["predictions"]["click"] <= 1
    for name in ("click", "purchase"):
        brought = found["expected"][name]
        assert brought["value"] == pytest.approx(sum(item["predictions"][name] for item in found["items"]), rel=1e-4)
        assert brought["value"] == brought["by_default"] <= brought["best"] + 1e-6
    assert found["expected"]["revenue"]["value"] > 0  # this catalogue has prices


def test_what_is_weighed_more_is_brought_more(cli: Cli, weighed: Path) -> None:
    clicks, purchases = (slate(cli, weighed, "--weight", f"{name}=1")["expected"] for name in ("click", "purchase"))
    assert clicks["click"]["value"] == pytest.approx(clicks["click"]["best"])
    assert purchases["purchase"]["value"] == pytest.approx(purchases["purchase"]["best"])
    assert purchases["purchase"]["value"] >= clicks["purchase"]["value"] * (1 - 1e-6)  # sums of 32-bit numbers
    floor = slate(cli, weighed, "--weight", "click=1", "--floor", "purchase=1")["expected"]
    assert floor["purchase"]["value"] == pytest.approx(floor["purchase"]["best"], rel=1e-4)


def test_a_scenario_may_have_weights_of_its_own(cli: Cli, weighed: Path) -> None:
    toml = (weighed / "shop.toml").read_text(encoding="utf-8")
    (weighed / "shop.toml").write_text(toml.replace("[scenarios.home]", "[scenarios.home]\nweights = { revenue = 1 }"))
    assert cli("train", "--shop", weighed).code == 0
    found = slate(cli, weighed)["expected"]["revenue"]
    assert found["value"] == pytest.approx(found["best"])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--weight", "purchace=1"], "does not predict 'purchace'"),
        (["--weight", "click=-1"], "greater than or equal to 0"),
        (["--weight", "click=nan"], "finite"),
        (["--weight", "click=0"], "all weights are 0"),
        (["--weight", "click"], "no NAME=NUMBER"),
        (["--floor", "purchase=1.5"], "less than or equal to 1"),
        (["--floor", "nothing=0.5"], "does not predict 'nothing'"),
    ],
)
def test_what_cannot_be_weighed_is_refused(cli: Cli, weighed: Path, options: list[str], says: str) -> None:
    ran = cli("recommend", "--shop", weighed, "--user", "user-3", *options)
    assert ran.code == 2
    assert says in " ".join(ran.err.split())


def test_a_shop_of_one_goal_says_how_to_have_several(cli: Cli, trained: Path) -> None:
    for words in (("recommend", "--weight", "click=1"), ("tradeoff",)):
        ran = cli(words[0], "--shop", trained, *words[1:])
        assert ran.code == 2
        assert "use = 'multi-objective'" in " ".join(ran.err.split())


def test_an_objective_that_nothing_leads_to_is_refused_by_check(cli: Cli, weighed: Path) -> None:
    with (weighed / "shop.toml").open("a") as file:
        file.write('\n[objectives.wish]\nevents = ["favourite"]\ngiven = "clik"\n')
    ran = cli("check", "--shop", weighed)
    assert ran.code == 2
    assert "'clik'" in ran.err


def test_the_trade_off_is_a_table_and_two_plots(cli: Cli, weighed: Path, tmp_path: Path) -> None:
    plots = tmp_path / "plots"
    ran = cli("tradeoff", "--shop", weighed, "--users", "12", "--output", plots, "--json")
    assert ran.code == 0, ran.err
    found = ran.document
    assert found["objectives"][0] == "purchase" and found["n_requests"] == 12
    first, second = found["objectives"]
    grid = found["points"][1:]
    for name, sign in ((second, 1), (first, -1)):
        brought = [sign * point["expected"][name] for point in grid]
        assert all(later >= earlier - 1e-5 for earlier, later in itertools.pairwise(brought)), name
    assert any(point["is_on_front"] for point in grid)
    png, page = plots / "tradeoff-home.png", plots / "tradeoff-home.html"
    assert png.read_bytes().startswith(b"\x89PNG")
    text = page.read_text()
    assert "vega" in text.lower() and 'src="http' not in text
    table = cli("tradeoff", "--shop", weighed, "--users", "3", "--objective", "click", "--objective", "revenue")
    assert table.code == 0 and "front" in table.out


def test_going_on_keeps_the_ranker(cli: Cli, weighed: Path) -> None:
    with (weighed / "events.csv").open("a") as events:
        events.write("newcomer,mug-red,view,2025-10-01T10:00:00Z\nnewcomer,mug-blue,purchase,2025-10-02T10:00:00Z\n")
    assert cli("ingest", "--shop", weighed).code == 0
    ran = cli("train", "--continue", "--shop", weighed)
    assert ran.code == 0, ran.err
    assert "purchase" in slate(cli, weighed)["items"][0]["predictions"]


def test_evaluate_and_all_users_work_as_with_any_ranker(cli: Cli, weighed: Path, tmp_path: Path) -> None:
    report = cli("evaluate", "--shop", weighed, "--json")
    assert report.code == 0, report.err
    assert report.document["rows"][0]["model"] == "shelfwise"
    output = tmp_path / "lists.parquet"
    assert cli("recommend", "--shop", weighed, "--all-users", "--k", "3", "--output", output).code == 0
    assert output.is_file()


def test_settings_are_searched_resumed_shown_and_can_be_written_down(
    cli: Cli, weighed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "WIDTHS", (8, 24))  # small and quick ones
    monkeypatch.setattr(space, "EPOCHS", (1, 3))
    before = cli("tune", "ranker", "--shop", weighed, "--json")
    assert before.code == 2 and before.document["error"]["code"] == "no_search"

    first = cli("tune", "ranker", "--shop", weighed, "--search", "2", "--json")
    assert first.code == 0, first.err
    found = first.document
    assert {"click", "purchase"} <= set(found["objectives"]) and found["not_judged"] == ["satisfaction"]
    assert found["goal"] == "purchase"
    assert found["n_learned"] > found["n_judged"] > 0
    every = [found["own"], *found["points"]]
    assert len(every) == 3
    assert all(0 <= figure <= 1 for point in every for figure in point["figures"].values())
    assert found["own"]["options"] == {"epochs": 2, "width": 16}
    for point in every:  # the front, literally
        beaten = any(
            all(other["figures"][name] >= point["figures"][name] for name in found["objectives"])
            and other["figures"] != point["figures"]
            for other in every
        )
        assert point["is_on_front"] is not beaten
    assert found["hypervolume"]["all"] >= found["hypervolume"]["own"] > 0

    more = cli("tune", "ranker", "--shop", weighed, "--search", "3", "--json").document
    assert [point["options"] for point in more["points"][:2]] == [point["options"] for point in found["points"]]
    assert [point["figures"] for point in more["points"][:2]] == [point["figures"] for point in found["points"]]
    assert len(more["points"]) == 3
    assert cli("tune", "ranker", "--shop", weighed, "--json").document == more

    number = more["points"][0]["number"]
    shown = cli("tune", "ranker", "--shop", weighed, "--point", str(number))
    assert more["points"][0]["toml"].strip() in shown.out
    unknown = cli("tune", "ranker", "--shop", weighed, "--point", "99")
    assert unknown.code == 2 and "there is no trial 99" in unknown.err

    document = tomlkit.parse((weighed / "shop.toml").read_text(encoding="utf-8"))
    written = tomlkit.parse(more["points"][0]["toml"])
    document["rank"] = written["rank"]
    document["scenarios"]["home"]["weights"] = written["scenarios"]["home"]["weights"]  # type: ignore[index]
    (weighed / "shop.toml").write_text(tomlkit.dumps(document), encoding="utf-8")
    checked = cli("check", "--shop", weighed)
    assert checked.code == 0, checked.err


def test_a_ranker_of_one_goal_has_no_settings_to_search(cli: Cli, weighed: Path) -> None:
    text = (weighed / "shop.toml").read_text(encoding="utf-8").split("\n[rank]")[0]
    (weighed / "shop.toml").write_text(f"{text}\n", encoding="utf-8")
    ran = cli("tune", "ranker", "--shop", weighed, "--search", "2", "--json")
    assert ran.code == 2
    assert ran.document["error"]["where"] == "rank.use"
    assert "knows one goal only" in ran.err
