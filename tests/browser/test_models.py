"""The page of models: roll back, compare, train, all from the browser."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shelfwise.store.evaluations import Evaluations
from shelfwise.store.versions import Versions
from shelfwise.testing.console import Console, console_of, watched_page

pytestmark = pytest.mark.online

FIRST, SECOND = "20300101T000000-aaaa", "20300102T000000-bbbb"


def copied(models: Path, name: str, **more: Any) -> None:
    """The version in service under another name."""
    folder = shutil.copytree(Versions(models).current().folder, models / name)
    manifest = json.loads((folder / "manifest.json").read_text()) | {"version": name} | more
    (folder / "manifest.json").write_text(json.dumps(manifest))


def evaluated(models: Path, name: str, ndcg: np.ndarray[Any, Any]) -> None:
    metrics = {
        "ndcg": {"mean": float(ndcg.mean()), "low": float(ndcg.mean()) - 0.02, "high": float(ndcg.mean()) + 0.02}
    }
    report = {
        "protocol": "leave-one-out",
        "k": 10,
        "n_users": len(ndcg),
        "questions": "the same",
        "evaluated_at": "2030-01-01T00:00:00+00:00",
        "data": {"fingerprint": "f"},
        "rows": [{"metrics": metrics}],
    }
    Evaluations(models).put(name, "leave-one-out-at-10", report, {"ndcg": ndcg})


@pytest.fixture(scope="module")
def own(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Console, Path]]:
    """A console of a shop with three versions, two of them evaluated."""
    shop = shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("models") / "shop")
    models = shop / "models"
    config = Versions(models).current().manifest["config"]
    copied(models, FIRST, config={**config, "behaviour": {**config.get("behaviour", {}), "history": 70}})
    copied(models, SECOND)
    random = np.random.default_rng(0)
    base = random.uniform(0.2, 0.5, 300)
    evaluated(models, FIRST, base)
    evaluated(models, SECOND, base + random.normal(0.05, 0.02, 300))
    for name in (FIRST, SECOND):
        Versions(models).promote(name)
    with console_of(shop) as found:
        yield found, shop


def answering(console: Console) -> str:
    return str(console.api.post("/recommend", json={"k": 1}).json()["model_version"])


def until(what: Any, seconds: float = 20) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends
        time.sleep(0.1)


def test_a_model_is_rolled_back_and_the_server_answers_with_it_and_undo_takes_it_back(browser: Any, own: Any) -> None:
    console, _ = own
    assert answering(console) == SECOND
    with watched_page(browser, console.url) as page:
        page.goto("/console/models")
        page.locator(f"tr[data-version='{SECOND}']").get_by_text("In service").wait_for()
        page.get_by_role("button", name="Roll back").click()
        page.get_by_role("dialog").get_by_text(SECOND).wait_for()
        assert answering(console) == SECOND  # nothing happens before it is confirmed
        page.get_by_role("dialog").get_by_role("button", name="Roll back").click()
        page.locator(f"tr[data-version='{FIRST}']").get_by_text("In service").wait_for()
        until(lambda: answering(console) == FIRST)
        page.get_by_role("button", name="Undo").click()
        page.locator(f"tr[data-version='{SECOND}']").get_by_text("In service").wait_for()
        until(lambda: answering(console) == SECOND)


def test_a_version_that_is_still_being_loaded_is_said_to_be_and_then_in_service(browser: Any, own: Any) -> None:
    console, _ = own
    answers: list[int] = []

    def slow_server(route: Any) -> None:
        """A server that answers four times before it has loaded what is in service."""
        answer = route.fetch()
        models = answer.json()
        answers.append(len(models["models"]))
        for model in models["models"]:
            model["is_loaded"] = model["in_service"] and len(answers) > 4
        route.fulfill(response=answer, json=models)

    with watched_page(browser, console.url) as page:
        page.route("**/v1/models", slow_server)
        page.goto("/console/models")
        row = page.locator(f"tr[data-version='{answering(console)}']")
        row.get_by_text("Loading").wait_for()
        row.get_by_text("In service").wait_for()
        assert len(answers) > 4
        page.wait_for_timeout(1_200)
        settled = len(answers)
        page.wait_for_timeout(1_200)
        assert len(answers) == settled  # nothing is asked any more once it is loaded


def test_two_versions_are_compared_and_it_is_said_which_is_better(browser: Any, own: Any) -> None:
    console, _ = own
    with watched_page(browser, console.url) as page:
        page.goto("/console/models")
        page.get_by_label("Baseline").select_option(FIRST)
        page.get_by_label("Compared with it").select_option(SECOND)
        page.get_by_text(f"{SECOND} is better than {FIRST}").wait_for()
        page.get_by_text("The same 300 users were asked").wait_for()
        row = page.get_by_role("row").filter(has_text="behaviour.history")
        assert "70" in row.inner_text() and "50" in row.inner_text()
        page.get_by_role("button", name=FIRST, exact=True).click()
        drawer = page.get_by_role("dialog")
        drawer.get_by_text("Everything was fitted anew.").wait_for()
        drawer.locator("summary").click()
        assert "whiten_dim" in drawer.inner_text()
        page.keyboard.press("Escape")
        drawer.wait_for(state="hidden")


def test_a_training_is_started_from_the_page_and_its_progress_is_seen(browser: Any, own: Any) -> None:
    console, shop = own
    with watched_page(browser, console.url) as page:
        page.goto("/console/models")
        page.get_by_role("button", name="Train anew").click()
        page.get_by_role("dialog").get_by_role("button", name="Start").click()
        training = page.get_by_role("region", name="Training", exact=True)
        training.get_by_text("Running").wait_for()
        assert page.get_by_role("button", name="Train anew").is_disabled()
        training.get_by_role("listitem").filter(has_text="fitting transitions").first.wait_for(timeout=60_000)
        training.get_by_text("Done").wait_for(timeout=120_000)
        name = str(Versions(shop / "models").current_name())
        page.locator(f"tr[data-version='{name}']").get_by_text("In service").wait_for()
        until(lambda: answering(console) == name)
        past = page.get_by_role("table", name="Last trainings")
        assert "This machine" in past.inner_text()
    with watched_page(browser, console.url, language="zh") as page:
        page.goto("/console/models")
        stages = page.locator(".run-stages")
        stages.get_by_text("：拟合 transitions").first.wait_for()
        told = stages.inner_text()
        assert "读取商品与事件" in told and not any(word in told for word in ("fitting", "moment", "ranker", "items"))
        page.get_by_role("button", name=name, exact=True).click()
        page.get_by_role("dialog").get_by_text("拟合 transitions").wait_for()
