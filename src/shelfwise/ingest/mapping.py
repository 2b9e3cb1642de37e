"""Which column of the file is which of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shelfwise.config.ingest import EventsSpec, ItemsSpec, TableSpec, UsersSpec
from shelfwise.errors import DataError, did_you_mean
from shelfwise.ingest.synonyms import likely_columns
from shelfwise.ingest.table_file import TableFile

REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    "items": (("item_id",),),
    "events": (("user_id", "session_id"), ("item_id",), ("timestamp",)),
    "users": (("user_id",),),
}
"""Columns that a table cannot do without; of each group one is enough."""


def resolve_columns(
    spec: TableSpec, file: TableFile, table: str, preset_columns: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """Our column = the file's, for every column that the file has.

    An entry in `columns` comes first, then the preset's, then a column of our own name.

    Raises:
        DataError: `columns` names something that the file does not have, or a required column is missing.
    """
    mapped: dict[str, str] = {}
    for ours in spec.canonical:
        theirs = spec.columns.get(ours)
        if theirs == "":
            continue
        if theirs is not None:
            # JSON Lines may hold the path in later records only.
            if theirs not in file.columns and (file.format != "jsonl" or _is_required(ours, table)):
                raise _no_such_column(spec, file, table, f"columns.{ours}", theirs)
            mapped[ours] = theirs
            continue
        candidates = (*preset_columns.get(ours, ()), ours)
        found = next((candidate for candidate in candidates if candidate in file.columns), None)
        if found is not None:
            mapped[ours] = found
    for group in REQUIRED[table]:
        if not any(ours in mapped for ours in group):
            raise missing_column(file, table, group, mapped.values())
    return mapped


def further_columns(spec: TableSpec, file: TableFile, table: str) -> list[str]:
    """The file's columns that the spec names besides `columns`: attributes and those of conditions."""
    named: list[tuple[str, str]] = []
    if isinstance(spec, ItemsSpec | UsersSpec):
        named.extend(("attributes", column) for column in spec.attributes)
    if isinstance(spec, EventsSpec):
        named.extend(("event_when", rule.column) for rule in spec.event_when)
    for key, column in named:
        if column not in file.columns and file.format != "jsonl":
            raise _no_such_column(spec, file, table, key, column)
    return list(dict.fromkeys(column for _, column in named))


def missing_column(file: TableFile, table: str, group: Sequence[str], taken: Iterable[str]) -> DataError:
    """The error for a required column that nothing is mapped to."""
    free = [column for column in file.columns if column not in set(taken)]
    likely = next((column for ours in group for column in likely_columns(ours, free)), None)
    ours = group[0]
    return DataError(
        f"no column is mapped to {' or '.join(group)}; the file has: {', '.join(file.columns[:40])}",
        expected=f"a column for {ours}",
        where=f"{file.name}:1",
        hint=f'add to [ingest.{table}.columns]: {ours} = "{likely}"'
        if likely
        else f'add to [ingest.{table}.columns]: {ours} = "<the file\'s column>"',
        code="missing_column",
    )


def _is_required(ours: str, table: str) -> bool:
    return any(ours in group for group in REQUIRED[table])


def _no_such_column(spec: TableSpec, file: TableFile, table: str, key: str, theirs: str) -> DataError:
    near = did_you_mean(theirs, file.columns)
    return DataError(
        f"the file has no column {theirs!r}; it has: {', '.join(file.columns[:40])}",
        where=f"ingest.{table}.{key} ({spec.path})",
        hint=near or "name one of the file's columns",
        code="missing_column",
    )
