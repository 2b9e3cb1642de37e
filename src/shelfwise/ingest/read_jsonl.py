"""JSON Lines, one object per line; nested values by dotted path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import orjson

from shelfwise.ingest.blocks import Block, BlockBuilder, Expand, Unusable
from shelfwise.ingest.compression import open_stream
from shelfwise.ingest.lines import TextLines
from shelfwise.ingest.reasons import Reason

PATH_DEPTH = 4
"""How deep nested objects are looked into when a file's columns are listed."""


def read_jsonl(
    path: Path,
    name: str,
    *,
    encoding: str,
    max_line_bytes: int,
    columns: Sequence[str],
    expand: Expand | None,
    skip: int,
    size: int,
) -> Iterator[Block]:
    """The file's blocks of `size` records, the first `skip` records left out; blank lines are no records."""
    with open_stream(path, name) as stream:
        builder = BlockBuilder(columns)
        number = 0
        for line in TextLines(stream.bytes, name, encoding=encoding, max_bytes=max_line_bytes):
            raw = line.text.strip()
            if not raw:
                continue
            number += 1
            if number <= skip:
                continue
            add_record(builder, line.number, raw, parse_object(raw), columns, expand)
            if len(builder) >= size:
                yield builder.build(stream.bytes_done)
                builder = BlockBuilder(columns)
        if len(builder):
            yield builder.build(stream.bytes_done)


def add_record(
    builder: BlockBuilder,
    line: int,
    raw: str,
    record: dict[str, Any] | Unusable,
    columns: Sequence[str],
    expand: Expand | None,
) -> None:
    """Put one object into a block: as it is, or as the rows that a preset makes of it."""
    if isinstance(record, Unusable):
        builder.add_unusable(line, raw, record)
        return
    if expand is None:
        builder.add(line, raw, ([text_of(lookup(record, column)) for column in columns],))
        return
    rows = expand(record)
    if isinstance(rows, Unusable):
        builder.add_unusable(line, raw, rows)
    else:
        builder.add(line, raw, [[text_of(row.get(column)) for column in columns] for row in rows])


def parse_object(raw: str) -> dict[str, Any] | Unusable:
    """One line's object, or why it is none."""
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as cause:
        return Unusable(Reason.BAD_JSON, f"the line is no JSON ({cause})")
    if not isinstance(found, dict):
        return Unusable(Reason.BAD_JSON, f"the line is a JSON {type(found).__name__}; expected an object")
    return cast("dict[str, Any]", found)


def lookup(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path; a key that itself has dots comes first; None where there is nothing.

    Examples:
        >>> lookup({"ecommerce": {"items": [1]}}, "ecommerce.items")
        [1]
    """
    if path in record:
        return record[path]
    here: Any = record
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = cast("Mapping[str, Any]", here)[key]
    return here


def paths(record: Mapping[str, Any], depth: int = PATH_DEPTH) -> Iterator[str]:
    """The dotted paths of everything in a record that is no object."""
    for key, value in record.items():
        if isinstance(value, Mapping) and depth > 1:
            yield from (f"{key}.{rest}" for rest in paths(cast("Mapping[str, Any]", value), depth - 1))
        else:
            yield str(key)


def text_of(value: Any) -> str | None:
    """A JSON value as the text that the checks read."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in cast("list[Any]", value)):
        return "; ".join(text for part in cast("list[Any]", value) if (text := text_of(part)) is not None)
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
