"""A training is told no secret that it does not need, and no process is stopped that is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from shelfwise.errors import StateError
from shelfwise.serve import training_process
from shelfwise.serve.training_process import start_training, stop_training
from shelfwise.store.versions import Versions
from shelfwise.track import training_lock
from shelfwise.track.training_journal import FOLDER, STOP, journal
from shelfwise.track.training_lock import TrainingLock, holder


def test_a_training_is_not_told_what_only_the_server_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: dict[str, str] = {}

    class Started:
        pid = os.getpid()

        def __init__(self, *_: Any, env: dict[str, str], **__: Any) -> None:
            told.update(env)

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(training_process.subprocess, "Popen", Started)
    for name in ("SHELFWISE_API_KEY", "SHELFWISE_TLS_PASSWORD", "PGPASSWORD"):
        monkeypatch.setenv(name, f"the value of {name}")
    start_training(tmp_path, Versions(tmp_path / "models"), "full", "a test")
    assert told["PGPASSWORD"] and told[training_lock.HANDED_OVER]
    assert not {"SHELFWISE_API_KEY", "SHELFWISE_TLS_PASSWORD"} & told.keys()


@pytest.mark.parametrize("written", ["{name} {process}", "{name} {process} another-machine"])
def test_a_training_of_another_machine_is_not_stopped_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *how: sent.append(how))
    with journal(tmp_path, "full", "theirs") as (name, _):
        lock = tmp_path / FOLDER / training_lock.FILE
        lock.write_text(written.format(name=name, process=os.getpid()))
        with pytest.raises(StateError, match="another machine") as told:
            stop_training(tmp_path, name)
        assert (told.value.code, sent) == ("training_elsewhere", [])
        assert not (tmp_path / FOLDER / name / STOP).exists()  # or it would be told as stopped when it ends


def test_who_holds_the_lock_is_told_with_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = TrainingLock.take(tmp_path, "a")
    assert holder(tmp_path) == ("a", 0, training_lock.this_place())
    lock.belongs_to(7)
    assert holder(tmp_path) == ("a", 7, training_lock.this_place())
    monkeypatch.setattr(training_lock, "BOOT_ID", tmp_path / "none")
    monkeypatch.setattr(training_lock.socket, "gethostname", lambda: "mac.example")
    assert training_lock.this_place() == "mac.example"
    lock.release()
