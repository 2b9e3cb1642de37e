"""Every built-in tracker, read back by the tools that people look at it with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from shelfwise.testing.trackers import Seen, TrackerContract
from shelfwise.track.mlflow_runs import MLflowRuns
from shelfwise.track.tensorboard_files import TensorBoardFiles
from shelfwise.track.tracker import Tracker
from shelfwise.track.wandb_runs import WandbRuns


class TestTensorBoardFiles(TrackerContract):
    def make(self) -> Tracker:
        return TensorBoardFiles(TensorBoardFiles.Config(folder="curves"))

    def read(self, folder: Path, run: str) -> Seen:
        accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
        found = accumulator.EventAccumulator(str(folder / "curves" / run)).Reload()
        scalars = {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
        texts = [
            value.decode()
            for tag in found.Tags()["tensors"]
            for one in found.Tensors(tag)
            for value in one.tensor_proto.string_val
        ]
        return Seen(scalars, "\n".join(texts))


class TestMLflowRuns(TrackerContract):
    @pytest.fixture(autouse=True)
    def _installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("mlflow", reason="the extra 'mlflow' is not installed")
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def make(self) -> Tracker:
        return MLflowRuns(MLflowRuns.Config(experiment="shop"))

    def read(self, folder: Path, run: str) -> Seen:
        import mlflow

        client = mlflow.MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiment = client.get_experiment_by_name("shop")
        (found,) = client.search_runs([experiment.experiment_id])
        assert found.info.run_name == run
        assert found.info.status in {"FINISHED", "FAILED"}
        histories = {name: client.get_metric_history(found.info.run_id, name) for name in found.data.metrics}
        scalars = {name: sorted((one.step, one.value) for one in points) for name, points in histories.items()}
        return Seen(scalars, f"{found.data.params} {found.data.tags}")


class TestWandbRuns(TrackerContract):
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("wandb", reason="the extra 'wandb' is not installed")

    def make(self) -> Tracker:
        return WandbRuns(WandbRuns.Config(mode="offline"))

    def read(self, folder: Path, run: str) -> Seen:
        seen = Seen()
        for path in sorted((folder / "wandb").glob(f"offline-run-*-{run}*/run-{run}.wandb")):
            for record in _all_records(path):
                _note(seen, record)
        return seen


def _all_records(path: Path) -> list[Any]:
    """The records of an offline run that has ended: the last of them reach the disk a moment after `finish`."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        records = _records(path)
        if records and records[-1].HasField("exit"):
            return records
        time.sleep(0.05)
    raise AssertionError(f"{path} has no end")


def _records(path: Path) -> list[Any]:
    """What of a run is on disk, read as `wandb sync` does."""
    from wandb.proto.wandb_internal_pb2 import Record

    records: list[Any] = []
    content, place, parts = path.read_bytes(), 7, b""  # a LevelDB log: blocks of 32 KiB, 7 bytes before each part
    while place + 7 <= len(content):
        if 32_768 - place % 32_768 < 7:
            place += 32_768 - place % 32_768
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            records.append(Record.FromString(parts))
            parts = b""
    return records


def _note(seen: Seen, record: Any) -> None:
    import json

    if record.HasField("history"):
        values = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for name, value in values.items():
            if name != "step" and not name.startswith("_"):
                seen.scalars.setdefault(name, []).append((values["step"], value))
    elif record.HasField("config") or record.HasField("summary"):
        part = record.config if record.HasField("config") else record.summary
        seen.written += " ".join(f"{item.key or item.nested_key} {item.value_json}" for item in part.update)
