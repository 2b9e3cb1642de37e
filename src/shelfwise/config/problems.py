"""Turn a validation failure into an error that says where, what, and what to do."""

from __future__ import annotations

import typing
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from shelfwise.errors import ConfigError, near

_UNITS = ("ms", "s", "h", "d", "tokens", "bytes", "dim")
_UNIT_NAMES = {
    "ms": "milliseconds",
    "s": "seconds",
    "h": "hours",
    "d": "days",
    "tokens": "tokens",
    "bytes": "bytes",
    "dim": "dimensions",
}


def as_config_error(failure: ValidationError, model: type[BaseModel], where: str = "") -> ConfigError:
    """The first problem of a validation failure, as one `ConfigError`; a misspelt key before the one it leaves missing.

    Args:
        failure: What pydantic found.
        model: The model that was validated.
        where: Path of the table that the model describes; empty for the whole file.
    """
    problems = failure.errors()
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    parts = [str(part) for part in problem["loc"]]
    path = ".".join([where, *parts] if where else parts)
    if problem["type"] == "extra_forbidden":
        return _unknown_key(parts, model, path)
    if problem["type"] == "missing":
        return ConfigError("the key is missing", where=path, hint="add it, or draft a new file with `shelfwise init`")
    if problem["type"] == "value_error":
        return ConfigError(str(problem.get("ctx", {}).get("error", problem["msg"])), where=path or None)
    unit = _unit_of(parts[-1]) if parts else None
    message = problem["msg"][:1].lower() + problem["msg"][1:]
    found = f"{problem['input']!r}: {message}" if not isinstance(problem["input"], dict) else message
    return ConfigError(
        found,
        where=path,
        expected=f"a plain number of {_UNIT_NAMES[unit]}" if unit else None,
        code="bad_config",
    )


def _unknown_key(parts: list[str], model: type[BaseModel], path: str) -> ConfigError:
    key = parts[-1]
    table = _table_at(model, parts[:-1])
    known = sorted(table.model_fields) if table is not None else []
    stem = key.rsplit("_", 1)[0] if _unit_of(key) else key
    twin = next((name for name in known if name != key and _unit_of(name) and name.rsplit("_", 1)[0] == stem), None)
    if twin is not None:
        unit = _UNIT_NAMES[cast("str", _unit_of(twin))]
        return ConfigError(
            "there is no such key: its unit is wrong",
            where=path,
            expected=f"{twin!r}, in {unit}",
            hint=f"did you mean {twin!r}? Convert the number to {unit}",
            code="unknown_key",
        )
    match = near(key, known)
    return ConfigError(
        "there is no such key" + (f"; known: {', '.join(known)}" if known else ""),
        where=path,
        hint=f"did you mean {match!r}?" if match else None,
        code="unknown_key",
    )


def _unit_of(key: str) -> str | None:
    tail = key.rsplit("_", 1)[-1] if "_" in key else ""
    return tail if tail in _UNITS else None


def _table_at(model: type[BaseModel], parts: list[str]) -> type[BaseModel] | None:
    current: Any = model
    is_named = False  # the next part is a name in a dict of tables (`scenarios.home`) or an index in a list
    for part in parts:
        if is_named:
            is_named = False
        elif isinstance(current, type) and issubclass(current, BaseModel):
            field = current.model_fields.get(part)
            annotation = None if field is None else field.annotation
            is_named = typing.get_origin(annotation) in (dict, list)
            current = _model_in(annotation)
    return current if isinstance(current, type) and issubclass(current, BaseModel) else None


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in typing.get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
