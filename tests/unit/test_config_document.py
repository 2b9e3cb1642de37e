"""Files that people write are read alike, and say alike what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shelfwise.config.load import load
from shelfwise.errors import ConfigError
from shelfwise.offers.offer_set import read_offers
from shelfwise.rules.rule_set import read_rules

READERS: list[tuple[str, Callable[[Path], Any], str]] = [
    ("shop.toml", lambda path: load(path.parent), "no_shop"),
    ("rules.toml", read_rules, "no_rules"),
    ("offers.toml", read_offers, "no_offers"),
]


@pytest.mark.parametrize(("name", "read", "code"), READERS)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    tmp_path: Path, name: str, read: Callable[[Path], Any], code: str
) -> None:
    path = tmp_path / name
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert caught.value.code == code and caught.value.hint
    for content in (b"version = ", b"\xff\xfe"):
        path.write_bytes(content)
        with pytest.raises(ConfigError, match="not a TOML file") as caught:
            read(path)
        assert caught.value.where == str(path)
    path.write_text("version = 1\nversoin = 2\n")
    with pytest.raises(ConfigError, match="versoin"):
        read(path)
    path.write_text("version = 1\n")
    assert read(path).version == 1
