"""Read `shop.toml`."""

from __future__ import annotations

from pathlib import Path

from shelfwise.config.document import checked, read_document
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
    absent = ConfigError(
        "this folder holds no shop.toml",
        where=str(folder),
        hint=f"draft one with `shelfwise init {folder} --items FILE --events FILE`",
        code="no_shop",
    )
    return parse(read_document(path, absent=absent))


def parse(document: dict[str, object]) -> ShopConfig:
    """The configuration that a parsed TOML document describes."""
    return checked(document, ShopConfig)
