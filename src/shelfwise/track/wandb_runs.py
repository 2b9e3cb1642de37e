"""Weights & Biases: runs of a project, online or offline."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from shelfwise.config.component import Options
from shelfwise.errors import ConfigError, MissingExtraError
from shelfwise.track.tracker import Fact, Run, Tracker

KEY = "WANDB_API_KEY"
STEP = "step"


class WandbRuns(Tracker):
    """Facts as the configuration and curves as the history of a Weights & Biases run; needs `shelfwise[wandb]`.

    The key comes from the environment's WANDB_API_KEY. Neither code nor the machine's state is sent.
    """

    class Config(Options):
        """Options of `[track]` with `use = "wandb"`."""

        project: str = Field(default="shelfwise", min_length=1, description="The project that runs belong to.")
        entity: str = Field(default="", description="The team or user; empty: the key's own.")
        mode: Literal["online", "offline"] = Field(
            default="online",
            description="'offline' keeps runs in the shop's folder wandb/, to be sent later by `wandb sync`.",
        )

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._options = config
        self._run: Any = None

    def begin(self, run: Run) -> None:
        options = self._options
        try:
            wandb: Any = importlib.import_module("wandb")
        except ImportError as cause:
            raise MissingExtraError(
                "wandb is not installed", where="track.use", hint="pip install 'shelfwise[wandb]'"
            ) from cause
        if options.mode == "online" and not os.environ.get(KEY):  # it would ask on the terminal, and wait
            raise ConfigError(
                f"the environment holds no {KEY}",
                where="track.mode",
                hint=f"set {KEY}, or keep runs here with mode = 'offline'",
                code="no_key",
            )
        self._run = wandb.init(
            project=options.project,
            entity=options.entity or None,
            mode=options.mode,
            id=run.name,
            name=run.name,
            resume="allow",
            dir=str(run.folder),
            settings=wandb.Settings(
                silent=True,
                console="off",
                disable_code=True,
                disable_git=True,
                x_disable_stats=True,
                x_disable_machine_info=True,
                x_save_requirements=False,
                init_timeout=30,
            ),
        )
        # Steps of different curves have nothing to do with each other; wandb's own must never fall.
        self._run.define_metric("*", step_metric=STEP)

    def facts(self, facts: Mapping[str, Fact]) -> None:
        self._run.config.update(dict(facts), allow_val_change=True)

    def scalar(self, name: str, value: float, step: int) -> None:
        self._run.log({name: value, STEP: step})

    def text(self, name: str, text: str) -> None:
        self._run.summary[name] = text

    def close(self, *, failed: bool) -> None:
        self._run.finish(exit_code=int(failed))
