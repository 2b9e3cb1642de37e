"""MLflow: runs of an experiment on a tracking server or in a database."""

from __future__ import annotations

import importlib
import os
import re
import time
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from shelfwise.config.component import Options
from shelfwise.errors import MissingExtraError
from shelfwise.track.facts import without_login
from shelfwise.track.tracker import Fact, Run, Tracker

SEND_AFTER = 200
SEND_EVERY_S = 5.0
"""Points are sent together: so many, or after so long, whichever comes first."""

FACTS_AT_A_TIME = 100
DATABASE = "sqlite:///"
LONGEST_FACT = 500
"""Letters of a value; longer ones are cut, since older servers refuse them."""

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Unless the environment says otherwise: a server that is down must not hold up a training for minutes."""

_FOREIGN = re.compile(r"[^\w\-. /]")


class MLflowRuns(Tracker):
    """Facts as parameters and curves as metrics of MLflow; needs `shelfwise[mlflow]`.

    A login comes from MLflow's own environment variables, such as MLFLOW_TRACKING_TOKEN, and never from this file.
    """

    class Config(Options):
        """Options of `[track]` with `use = "mlflow"`."""

        uri: str = Field(
            default="",
            description=(
                "Where runs are kept, such as http://host:5000; empty: what the environment's MLFLOW_TRACKING_URI "
                "says, else sqlite:///mlflow.db in the shop's folder."
            ),
        )
        experiment: str = Field(default="shelfwise", min_length=1, description="The experiment that runs belong to.")

        @field_validator("uri")
        @classmethod
        def _no_secrets(cls, value: str) -> str:
            if without_login(value) != value:
                raise ValueError(
                    "the address carries a login; put it into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
                )
            return value

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._uri, self._experiment = config.uri, config.experiment
        self._client: Any = None
        self._run_id = ""
        self._points: list[Any] = []
        self._sent_at = 0.0

    def begin(self, run: Run) -> None:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        try:
            mlflow: Any = importlib.import_module("mlflow")
            entities: Any = importlib.import_module("mlflow.entities")
        except ImportError as cause:
            raise MissingExtraError(
                "mlflow is not installed", where="track.use", hint="pip install 'shelfwise[mlflow]'"
            ) from cause
        self._metric, self._param = entities.Metric, entities.Param
        client: Any = mlflow.MlflowClient(self._uri_in(run))
        experiment = client.get_experiment_by_name(self._experiment)
        experiment_id = client.create_experiment(self._experiment) if experiment is None else experiment.experiment_id
        known = client.search_runs([experiment_id], f"tags.`mlflow.runName` = '{run.name}'", max_results=1)
        if known:
            self._run_id = known[0].info.run_id
            client.update_run(self._run_id, "RUNNING")
        else:
            self._run_id = client.create_run(experiment_id, run_name=run.name).info.run_id
        self._client, self._sent_at = client, time.monotonic()

    def facts(self, facts: Mapping[str, Fact]) -> None:
        parameters = [self._param(_named(name), str(value)[:LONGEST_FACT]) for name, value in facts.items()]
        for start in range(0, len(parameters), FACTS_AT_A_TIME):
            self._client.log_batch(self._run_id, params=parameters[start : start + FACTS_AT_A_TIME])

    def scalar(self, name: str, value: float, step: int) -> None:
        self._points.append(self._metric(_named(name), value, int(time.time() * 1_000), step))
        if len(self._points) >= SEND_AFTER or time.monotonic() - self._sent_at > SEND_EVERY_S:
            self._send()

    def text(self, name: str, text: str) -> None:
        self._client.set_tag(self._run_id, "mlflow.note.content" if name == "summary" else _named(name), text[:5_000])

    def close(self, *, failed: bool) -> None:
        self._send()
        self._client.set_terminated(self._run_id, "FAILED" if failed else "FINISHED")

    def _send(self) -> None:
        points, self._points = self._points, []
        if points:
            self._client.log_batch(self._run_id, metrics=points)
        self._sent_at = time.monotonic()

    def _uri_in(self, run: Run) -> str | None:
        """Paths start at the shop's folder, as everywhere in its file; None leaves it to the environment."""
        if not self._uri and os.environ.get("MLFLOW_TRACKING_URI"):
            return None
        uri = self._uri or f"{DATABASE}mlflow.db"
        return f"{DATABASE}{(run.folder / uri.removeprefix(DATABASE)).resolve()}" if uri.startswith(DATABASE) else uri


def _named(name: str) -> str:
    """A name that MLflow accepts."""
    return _FOREIGN.sub("_", name)
