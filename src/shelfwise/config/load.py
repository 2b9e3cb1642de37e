"""Read `shop.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from shelfwise.config.problems import as_config_error
from shelfwise.config.shop import ShopConfig
from shelfwise.errors import ConfigError

FILE_NAME = "shop.toml"


def load(folder: Path) -> ShopConfig:
    """The configuration of the shop in a folder.

    Raises:
        ConfigError: there is no file, it is no TOML, a key is unknown, or a value is out of its range.
    """
    path = folder / FILE_NAME
    if not folder.is_dir():
        raise ConfigError(
            "there is no such folder",
            where=str(folder),
            hint=f"draft a shop with `shelfwise init {folder} --items FILE --events FILE`",
            code="no_shop",
        )
    if not path.is_file():
        raise ConfigError(
            "this folder holds no shop.toml",
            where=str(folder),
            hint=f"draft one with `shelfwise init {folder} --items FILE --events FILE`",
            code="no_shop",
        )
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"not a TOML file: {cause}", where=str(path)) from cause
    return parse(document)


def parse(document: dict[str, object]) -> ShopConfig:
    """The configuration that a parsed TOML document describes."""
    try:
        return ShopConfig.model_validate(document)
    except ValidationError as cause:
        raise as_config_error(cause, ShopConfig) from cause
