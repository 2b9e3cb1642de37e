"""The files in which a server's processes count, so that any of them can tell the numbers of all.

The supervisor makes their folder before the first worker starts, and removes it when the last one is gone. Without a
supervisor (an app made inside a test, say) a process tells its own numbers.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "shelfwise-measures-"
"""Of folders' names; the supervisor's process id follows."""


@contextmanager
def measure_files() -> Generator[None]:
    """Let workers that are started within count in a folder of their own."""
    before = os.environ.get(VARIABLE)
    _sweep()
    with tempfile.TemporaryDirectory(prefix=f"{PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def _sweep() -> None:
    """Remove what supervisors left behind that were killed."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and not is_alive(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
