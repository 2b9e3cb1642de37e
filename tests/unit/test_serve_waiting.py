"""Nothing that runs on the event loop waits for the records as long as a thread may."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

import shelfwise.console
import shelfwise.serve
from shelfwise.config.shop import ShopConfig
from shelfwise.pipeline.live_scenarios import LiveScenarios
from shelfwise.serve.keyring import Keyring
from shelfwise.store import server_secrets
from shelfwise.store.records import Records

SOURCES = sorted(
    path for package in (shelfwise.serve, shelfwise.console) for path in Path(package.__path__[0]).rglob("*.py")
)


def on_the_loop(node: ast.AST) -> Iterator[ast.AST]:
    """What a function does itself, without what it hands to others."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from on_the_loop(child)


def test_no_route_reads_at_length_on_the_event_loop() -> None:
    found = [
        f"{path.name}:{inner.lineno}"
        for path in SOURCES
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        for inner in on_the_loop(function)
        if isinstance(inner, ast.Call) and ast.unparse(inner.func).endswith("records.read")
    ]
    assert found == []


def test_what_every_request_may_have_to_look_up_is_a_glance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = Records.open("sqlite:///s.db", tmp_path)
    with records.write() as connection:
        server_secrets.find_or_make(connection, server_secrets.SESSIONS)
    scenarios, keyring = (
        LiveScenarios(ShopConfig.model_validate({"version": 1}).scenarios, records),
        Keyring(records, None),
    )

    def waits(_: Records) -> AbstractContextManager[None]:
        raise AssertionError("it waits")

    monkeypatch.setattr(Records, "read", waits)
    scenarios.refresh()
    assert keyring.sessions is not None
    records.close()
