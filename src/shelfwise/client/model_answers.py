"""What the server answers about model versions and trainings; what the fields mean stands in its own models."""

from __future__ import annotations

from pydantic import BaseModel

from shelfwise.client.answers import ModelAnswer

Facts = dict[str, str | int | float | bool | None]


class MetricAnswer(BaseModel):
    """A metric with its 95 % interval over users."""

    mean: float
    low: float
    high: float


class EvaluationAnswer(BaseModel):
    """An evaluation that is kept with a version; those of equal `questions` asked the same."""

    protocol: str
    k: int
    n_users: int
    evaluated_at: str
    questions: str
    metrics: dict[str, MetricAnswer]


class ModelDetail(ModelAnswer):
    """A model version: where it comes from and what is known of it."""

    shelfwise: str | None = None
    commit: str | None = None
    target: str | None = None
    seconds: float | None = None
    seconds_by_stage: dict[str, float]
    data: Facts
    lineage: Facts | None = None
    configuration: Facts
    evaluations: list[EvaluationAnswer]
    has_map: bool


class ColumnAnswer(BaseModel):
    """One of the versions that are compared."""

    version: str
    in_service: bool
    created_at: str | None
    shelfwise: str | None
    commit: str | None
    data: Facts
    seconds: float | None
    measured: EvaluationAnswer | None


class DifferenceAnswer(BaseModel):
    """A version against the first one, asked the same questions: `version - against`, with its 95 % interval."""

    version: str
    against: str
    metric: str
    n_users: int
    mean: float
    low: float
    high: float
    relative: float | None
    p_value: float
    p_adjusted: float


class ComparisonAnswer(BaseModel):
    """Versions side by side; values of the configuration in the order of the columns."""

    columns: list[ColumnAnswer]
    configuration: dict[str, list[str | int | float | bool | None]]
    differences: list[DifferenceAnswer]
    notes: list[str]


class StagePartAnswer(BaseModel):
    """A part of a stage's name, with an id for other languages; None where it has none."""

    text: str
    id: str | None
    values: dict[str, str]


class StageAnswer(BaseModel):
    """A part of a training, in seconds since it began."""

    name: str
    parts: list[StagePartAnswer]
    begins_s: float
    ends_s: float | None = None
    done: int | None = None
    total: int | None = None


class TrainingAnswer(BaseModel):
    """A training; `state` is running, done, unchanged, failed, stopped or interrupted."""

    name: str
    what: str
    by: str
    started_at: str
    state: str
    seconds: float
    stage: str | None = None
    version: str | None = None
    code: str | None = None
    error: str | None = None
    hint: str | None = None


class TrainingDetail(TrainingAnswer):
    """A training, stage by stage, with its curves: pairs of step and value."""

    stages: list[StageAnswer]
    curves: dict[str, list[tuple[int, float | None]]]


class TrainingsAnswer(BaseModel):
    """The last trainings, newest first."""

    trainings: list[TrainingAnswer]
