"""Which code runs: release, and commit where that is known."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

DISTRIBUTION = "shelfwise"


@cache
def origin() -> dict[str, str]:
    """Release, Python and, where it was installed from a repository or runs in a clone, the commit.

    A clone with changes that are not committed adds `-dirty`.
    """
    found = {"shelfwise": metadata.version(DISTRIBUTION), "python": platform.python_version()}
    commit = _installed_commit() or _clone_commit()
    return {**found, "commit": commit} if commit else found


def _installed_commit() -> str | None:
    """What `pip install git+…` noted."""
    noted = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    commit = json.loads(noted).get("vcs_info", {}).get("commit_id") if noted else None
    return str(commit) if commit else None


def _clone_commit() -> str | None:
    root, git = Path(__file__).resolve().parents[3], shutil.which("git")
    if git is None or not (root / ".git").exists():
        return None
    # Only the folder that holds this very file: a shop within another repository is none of our business.
    done = subprocess.run(  # noqa: S603 - a fixed command
        [git, "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.stdout.strip() or None
