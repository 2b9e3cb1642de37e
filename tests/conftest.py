"""What holds for all tests."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

# As the command line does: OpenMP's threads that spin while they wait cost test processes side by side most of
# their time. Read when the first OpenMP runtime is loaded, so before NumPy comes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from hypothesis import settings

settings.register_profile("same-every-time", derandomize=True, deadline=None)
settings.load_profile("same-every-time")


@pytest.fixture(scope="session")
def tiny_shop_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny shop, made once for all test processes (half a minute); copy it, never change it."""
    from shelfwise.testing.tiny_shop import make_shop

    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = shared / "tiny-shop"
    with (shared / "tiny-shop.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "made").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make_shop(folder)
            (folder / "made").touch()
    return folder
