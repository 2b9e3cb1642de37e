"""Many items as JSON Lines: read, checked, stored and reported line by line, in constant memory on both sides.

The report is sent when all is read: a client that sends first and reads then would otherwise wait for us while we wait
for it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import IO, Any, NamedTuple

import orjson

from shelfwise.schemas.items import Item
from shelfwise.serve.bodies import MAX_BODY_BYTES
from shelfwise.serve.incoming import check_item
from shelfwise.serve.live_items import Change, ItemStatus
from shelfwise.serve.problems import FieldProblem

MEDIA_TYPE = "application/x-ndjson"

BATCH = 500
"""Items stored in one transaction."""

IN_MEMORY_BYTES = 1_000_000
"""Of a report; a longer one waits in a file."""

CHUNK_BYTES = 65_536

Store = Callable[[list[Item]], Awaitable[dict[str, Change]]]


class Line(NamedTuple):
    """One line that is not empty."""

    number: int
    content: bytes
    is_too_long: bool = False


async def stored_lines(body: AsyncIterator[bytes], store: Store) -> IO[bytes]:
    """Store what can be stored of a body.

    Args:
        body: As it comes in.
        store: Makes items durable and recommendable.

    Returns:
        The report, at its beginning: a line per line, then the sums.
    """
    # Closed by who reads it.
    report: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES)  # noqa: SIM115
    counts: Counter[str] = Counter()
    batch: list[Line] = []
    async for line in lines(body):
        batch.append(line)
        if len(batch) == BATCH:
            await _batch(batch, store, report, counts)
            batch = []
    await _batch(batch, store, report, counts)
    sums = {status.value: counts[status.value] for status in ItemStatus}
    report.write(orjson.dumps({"lines": counts.total(), **sums}) + b"\n")
    report.seek(0)
    return report


def chunks(report: IO[bytes]) -> Iterator[bytes]:
    """A report piece by piece; closed at the end."""
    with report:
        while chunk := report.read(CHUNK_BYTES):
            yield chunk


async def lines(body: AsyncIterator[bytes]) -> AsyncIterator[Line]:
    """The lines of a body, numbered from 1; empty ones are counted and left out."""
    number, begun, is_too_long = 1, bytearray(), False
    async for chunk in body:
        for place, part in enumerate(chunk.split(b"\n")):
            if place:
                if begun.strip() or is_too_long:
                    yield Line(number, bytes(begun), is_too_long)
                number, begun, is_too_long = number + 1, bytearray(), False
            begun += part
            if len(begun) > MAX_BODY_BYTES:
                begun, is_too_long = bytearray(), True
    if begun.strip() or is_too_long:
        yield Line(number, bytes(begun), is_too_long)


async def _batch(batch: list[Line], store: Store, report: IO[bytes], counts: Counter[str]) -> None:
    checked = [_checked(line) for line in batch]
    changes = await store([one for one in checked if isinstance(one, Item)])
    for line, one in zip(batch, checked, strict=True):
        told: dict[str, Any] = {"line": line.number}
        if isinstance(one, Item):
            told |= {"item_id": one.item_id, "status": changes[one.item_id].status.value}
        else:
            told |= {"status": ItemStatus.REFUSED.value, "errors": [error.model_dump() for error in one]}
        counts[told["status"]] += 1
        report.write(orjson.dumps(told) + b"\n")


def _checked(line: Line) -> Item | list[FieldProblem]:
    if line.is_too_long:
        message = f"is longer than {MAX_BODY_BYTES:,} bytes"
        return [FieldProblem(field="", code="too_long", message=message)]
    try:
        sent = orjson.loads(line.content)
    except orjson.JSONDecodeError:
        return [FieldProblem(field="", code="bad_json", message="is no JSON")]
    return check_item(sent)
