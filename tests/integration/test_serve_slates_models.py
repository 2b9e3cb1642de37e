"""A real server: what was shown and why; which models there are."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.online


def test_what_was_shown_is_told_before_and_after_it_is_written_down(server: Any) -> None:
    server.http.post("/events", json={"user_id": "asks", "item_id": "pen-red", "event": "purchase"}).raise_for_status()
    slate = server.http.post("/recommend", json={"user_id": "asks", "k": 5, "category": "Office"}).json()
    told = [server.http.get(f"/slates/{slate['slate_id']}").json()]
    time.sleep(1.6)
    told.append(server.http.get(f"/slates/{slate['slate_id']}").json())
    assert told[0] == told[1]
    assert (told[1]["user_id"], told[1]["scenario"], told[1]["model_version"]) == (
        "asks",
        "home",
        slate["model_version"],
    )
    assert told[1]["query"] == {"k": 5, "category": "Office"}
    for shown, kept in zip(slate["items"], told[1]["items"], strict=True):
        for name in ("item_id", "position", "title", "sources", "reason", "steps"):
            assert shown[name] == kept[name]
        assert (kept["propensity"], kept["instead_of"]) == (1.0, None)
    answer = server.http.get("/slates/never-made")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_slate")


def test_models_are_listed_promoted_and_taken_back(tiny_shop: Path, serve: Any) -> None:
    models = tiny_shop / "models"
    first = (models / "CURRENT").read_text()
    second = "29991231T000000-abcd"
    shutil.copytree(models / first, models / second)
    with serve(tiny_shop) as server:
        listed = server.http.get("/models").json()["models"]
        assert [(one["version"], one["in_service"], one["is_loaded"]) for one in listed] == [
            (first, True, True),
            (second, False, False),
        ]
        assert server.http.post("/models/rollback", json={}).json()["code"] == "no_earlier_version"
        promoted = server.http.post(f"/models/{second}/promote", json={})
        assert (promoted.status_code, promoted.json()["in_service"]) == (200, True)
        assert (models / "CURRENT").read_text() == second
        assert server.http.post("/models/rollback", json={}).json()["version"] == first
        answer = server.http.post("/models/never/promote", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_version")
        assert str(tiny_shop) not in answer.text
        assert server.http.post(f"/models/{first}/promote").status_code == 415  # no form may do that
        done = server.http.get("/audit").json()["entries"]
        assert [(one["action"], one["subject"]) for one in done] == [
            ("model.roll-back", first),
            ("model.promote", second),
        ]
