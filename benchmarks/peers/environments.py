"""Environments: what one peer pins, another cannot live with, so each library has a virtual environment of its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".environments"
MADE_FROM = "made-from.txt"


def python_of(name: str, say: Callable[[str], None]) -> Path:
    """The interpreter of an environment, made from `requirements-<name>.txt` where absent or made from another text.

    Args:
        name: Empty for the environment of Shelfwise itself, which runs now.

    Raises:
        SystemExit: pip could not install what the file names; what it said is shown.
    """
    if not name:
        return Path(sys.executable)
    requirements = HERE / f"requirements-{name}.txt"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    folder = ENVIRONMENTS / name
    python, mark = folder / "bin" / "python", folder / MADE_FROM
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    say(f"making the environment {name} from {requirements.name}")
    shutil.rmtree(folder, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", folder],
        [python, "-m", "pip", "install", "--quiet", "--requirement", requirements],
    ):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{name}: {' '.join(map(str, command))}\n{done.stderr[-2_000:]}")
    mark.write_text(wanted, encoding="utf-8")
    return python
