"""Real servers that serve copies of the tiny shop."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shelfwise.testing import servers
from shelfwise.testing.servers import Server, serving


@pytest.fixture
def tiny_shop(tiny_shop_template: Path, tmp_path: Path) -> Path:
    """A copy of the tiny shop for one test."""
    return shutil.copytree(tiny_shop_template, tmp_path / "shop")


@pytest.fixture
def exported_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs of text encoders are made in this process, which has torch already: another's would load it each time."""
    from shelfwise.train import data, encoder_export
    from shelfwise.train.tuning import tuner

    def export(encoder: Any, folder: Path) -> None:
        encoder_export.export_here(encoder.config, folder)

    for module in (data, tuner):
        monkeypatch.setattr(module, "export", export)


@pytest.fixture
def serve() -> Callable[..., object]:
    """`serving`, for tests that want servers of their own."""
    return serving


@pytest.fixture
def same_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port that every server of the test listens on, one after the other."""
    port = servers.free_port()
    monkeypatch.setattr(servers, "free_port", lambda: port)
    return port


@pytest.fixture(scope="module")
def server(tiny_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the tests of a module; they use users and items of their own."""
    with serving(shutil.copytree(tiny_shop_template, tmp_path_factory.mktemp("served") / "shop")) as running:
        yield running
