"""Trainings that a server starts and stops: processes of their own, which go on when the server ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from shelfwise.errors import StateError
from shelfwise.store.versions import Versions
from shelfwise.track.training_journal import FOLDER, OUTPUT, STOP, What, prepared
from shelfwise.track.training_lock import HANDED_OVER, TrainingLock, holder, this_place
from shelfwise.track.training_runs import TrainingRuns

ARGUMENTS: dict[What, tuple[str, ...]] = {
    "full": ("train",),
    "continue": ("train", "--continue"),
    "map": ("models", "map"),
}

KEPT_FROM_IT = ("SHELFWISE_API_KEY", "SHELFWISE_TLS_PASSWORD", "PROMETHEUS_MULTIPROC_DIR")
"""What only the server is told of; where the shop's databases are, and their passwords, a training needs too."""

PATIENCE_S = 10.0
"""How long a training may take to end once it is told to; then it is killed."""

LOOK_EVERY_S = 0.1


def start_training(shop: Path, versions: Versions, what: What, by: str) -> str:
    """Start a training in a process of its own, which lets requests go first.

    Args:
        shop: The shop's folder.
        versions: The shop's, which name what is to come.
        what: Is to be done.
        by: Who wants it.

    Returns:
        Its name.

    Raises:
        StateError: a training is running.
    """
    folder, name = shop / FOLDER, versions.new_name()
    lock = TrainingLock.take(folder, name)
    try:
        own = prepared(folder, name, what, by)
        environment = {key: value for key, value in os.environ.items() if key not in KEPT_FROM_IT}
        with (own / OUTPUT).open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "shelfwise.cli.main", *ARGUMENTS[what], "--shop", str(shop)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=output,
                env={**environment, HANDED_OVER: f"{name}:{lock.descriptor}"},
                pass_fds=(lock.descriptor,),
                start_new_session=True,  # what ends the server does not end it
            )
        lock.belongs_to(process.pid)
    finally:
        lock.release()  # the child's copy holds it from now on
    # Somebody has to ask how it ended, or it would stay as a zombie for as long as the server lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return name


def stop_training(shop: Path, name: str) -> None:
    """Stop a training, whoever started it, and wait until it has ended; the version in service stays.

    Raises:
        UnknownError: there is none of that name.
        StateError: it is not running, or not on this machine.
    """
    runs = TrainingRuns(shop)
    runs.get(name, curves=False)
    for sent in (signal.SIGTERM, signal.SIGKILL):
        running = holder(runs.folder)
        if running is None or running.name != name:
            if sent is signal.SIGTERM:
                raise StateError(f"training {name} is not running", hint="it has ended", code="training_ended")
            return
        if running.place != this_place():  # there, its number is that of another process here
            raise StateError(
                f"training {name} runs on another machine, or in another container",
                hint="stop it where it was started",
                code="training_elsewhere",
            )
        (runs.folder / name / STOP).touch()
        if running.process:
            with suppress(ProcessLookupError):
                os.kill(running.process, sent)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            running = holder(runs.folder)
            if running is None or running.name != name:
                return
            time.sleep(LOOK_EVERY_S)
