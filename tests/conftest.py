"""What holds for all tests."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

# As the command line does: OpenMP's threads that spin while they wait cost test processes side by side most of
# their time. Read when the first OpenMP runtime is loaded, so before NumPy comes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
if "PYTEST_XDIST_WORKER" in os.environ:  # the cores are shared out already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

settings.register_profile("same-every-time", derandomize=True, deadline=None)
settings.load_profile("same-every-time")


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of all test processes makes, and the others wait for."""
    base = factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            (folder / "made").touch()
    return folder


@pytest.fixture(scope="session")
def tiny_shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop, made once (half a minute); copy it, never change it."""
    from shelfwise.testing.tiny_shop import make_shop

    return made_once(tmp_path_factory, "tiny-shop", make_shop)


@pytest.fixture(scope="session")
def weighed_shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that weighs clicks against purchases, made once; copy it, never change it."""
    from shelfwise.testing.weighed_shop import make_weighed_shop

    return made_once(tmp_path_factory, "weighed-shop", make_weighed_shop)


@pytest.fixture(scope="module")
def copied_weighed_shop(weighed_shop_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that shop for the tests of a module."""
    return shutil.copytree(weighed_shop_template, tmp_path_factory.mktemp("weighed") / "shop")
