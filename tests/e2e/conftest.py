"""The command line in this process or in one of its own, and a small shop that it made from files."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

HERE = Path(__file__).parent
THINGS = {"mug": "Kitchen > Mugs", "lamp": "Home > Lamps", "boot": "Shoes > Boots", "kite": "Toys > Kites"}
COLOURS = ("red", "blue", "green", "yellow", "black", "white", "grey", "brown", "pink", "violet")
N_USERS = 40
EVENTS_PER_USER = 7

WITHOUT_TORCH = """
[encode]
whiten_dim = 16

[encode.text]
use = "bag_of_words:BagOfWords"
"""


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


def run_here(*arguments: object) -> Ran:
    """The console script in this process: an exception that it does not name fails the test."""
    from shelfwise.cli.main import run

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        patch.object(sys, "argv", ["shelfwise", *map(str, arguments)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            run()
        except SystemExit as end:
            code = int(end.code or 0)
    return checked(Ran(code, out.getvalue(), err.getvalue()))


def run_apart(*arguments: object) -> Ran:
    """The console script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "shelfwise.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )
    return checked(Ran(done.returncode, done.stdout, done.stderr))


def checked(ran: Ran) -> Ran:
    """Whatever happens, nobody is shown a stack trace, and nothing is our own fault."""
    assert "Traceback" not in ran.err + ran.out, ran.err
    assert "fault of Shelfwise" not in ran.err, ran.err
    return ran


@pytest.fixture(scope="session")
def cli() -> Cli:
    """`run_here`."""
    return run_here


@pytest.fixture(scope="session")
def apart() -> Cli:
    """`run_apart`."""
    return run_apart


@pytest.fixture(autouse=True, scope="session")
def _encoder_can_be_imported() -> Any:
    sys.path.insert(0, str(HERE))
    yield
    sys.path.remove(str(HERE))


def catalogue_lines() -> list[str]:
    """Forty items: ten colours of four kinds of thing."""
    lines = ["item_id,title,category,price"]
    for thing, category in THINGS.items():
        lines += [
            f"{thing}-{colour},{colour.capitalize()} {thing},{category},{5 + n}" for n, colour in enumerate(COLOURS)
        ]
    return lines


def log_lines() -> list[str]:
    """Everybody walks through one kind of thing in the order of colours: what follows is always the next colour."""
    lines = ["user_id,item_id,event,timestamp"]
    things = list(THINGS)
    for user in range(N_USERS):
        thing, start = things[user % len(things)], user // len(things)
        for step in range(EVENTS_PER_USER):
            colour = COLOURS[(start + step) % len(COLOURS)]
            lines.append(f"user-{user},{thing}-{colour},purchase,2024-{3 + step:02d}-{1 + user % 28:02d}T10:00:00Z")
    return lines


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def without_torch(shop: Path) -> None:
    """Replace the encoder of a drafted shop by one that needs no weights."""
    kept: list[str] = []
    skipping = False
    for line in (shop / "shop.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            skipping = line.startswith("[encode")
        if not skipping:
            kept.append(line)
    (shop / "shop.toml").write_text("\n".join(kept) + WITHOUT_TORCH, encoding="utf-8")


@pytest.fixture(scope="session")
def drafted_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`init` on two files that lie in the shop's folder."""
    folder = tmp_path_factory.mktemp("drafted") / "shop"
    folder.mkdir()
    items = write_lines(folder / "items.csv", catalogue_lines())
    events = write_lines(folder / "events.csv", log_lines())
    ran = run_here("init", folder, "--items", items, "--events", events, "--yes", "--quick")
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def drafted(drafted_template: Path, tmp_path: Path) -> Path:
    """A drafted shop of one test's own: nothing ingested."""
    return shutil.copytree(drafted_template, tmp_path / "shop")


@pytest.fixture(scope="session")
def trained_template(drafted_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shop, ingested and trained."""
    folder = shutil.copytree(drafted_template, tmp_path_factory.mktemp("trained") / "shop")
    without_torch(folder)
    for verb in ("ingest", "train"):
        ran = run_here(verb, "--shop", folder)
        assert ran.code == 0, ran.err
    return folder


@pytest.fixture
def trained(trained_template: Path, tmp_path: Path) -> Path:
    """A trained shop of one test's own."""
    return shutil.copytree(trained_template, tmp_path / "shop")
