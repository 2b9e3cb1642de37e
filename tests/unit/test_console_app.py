"""The console beside the API, before the shop is open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from shelfwise.console.app import create_app


@pytest.fixture
def answers(tmp_path: Path) -> httpx.ASGITransport:
    (tmp_path / "shop.toml").write_text("version = 1\n")
    return httpx.ASGITransport(create_app(tmp_path))  # not started: it stays at loading


def get(answers: httpx.ASGITransport, path: str, **headers: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=answers, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(asked())


def test_while_the_model_loads_a_page_says_so_and_looks_again(answers: httpx.ASGITransport) -> None:
    answer = get(answers, "/console", Accept="text/html", **{"Accept-Language": "zh"})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert "请稍候" in answer.text and 'http-equiv="refresh"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_programs_are_answered_in_json(answers: httpx.ASGITransport) -> None:
    for path in ("/v1/items", "/metrics"):
        answer = get(answers, path, Accept="text/html")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert get(answers, "/console").json()["code"] == "loading"


def test_pages_are_no_part_of_the_described_api(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text("version = 1\n")
    paths = create_app(tmp_path).openapi()["paths"]
    assert paths and all(path.startswith("/v1/") or path == "/metrics" for path in paths)
