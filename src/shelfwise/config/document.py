"""Documents that people write: a TOML file, checked against the model that describes it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shelfwise.config.problems import as_config_error
from shelfwise.errors import ConfigError

Described = TypeVar("Described", bound=BaseModel)


def read_document(path: Path, *, absent: ConfigError) -> dict[str, Any]:
    """What a file says, unchecked.

    Args:
        path: Of the file.
        absent: Raised where there is none.

    Raises:
        ConfigError: there is no such file, or it is no TOML.
    """
    if not path.is_file():
        raise absent
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"not a TOML file: {cause}", where=str(path)) from cause


def checked(document: Any, model: type[Described]) -> Described:
    """A document as its model.

    Raises:
        ConfigError: it says what it may not; `where` is the path of the key.
    """
    try:
        return model.model_validate(document)
    except ValidationError as cause:
        raise as_config_error(cause, model) from cause
