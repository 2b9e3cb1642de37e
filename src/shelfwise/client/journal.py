"""Events in a file until they are acknowledged, so that they survive the process: one JSON line each, oldest first.

A line is with the operating system before `append` returns: it outlives the process, killed or not, while a failure of
the machine's power may take the last seconds with it. What was acknowledged is taken out a little later; where a crash
comes in between it is sent again, and stored once by its `event_id`.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from shelfwise.errors import DataError, ServiceError, StateError
from shelfwise.schemas.events import Event

REWRITE_BYTES = 1_000_000
"""How much that was acknowledged may lie at the front of the file before it is written anew."""


class Journal:
    """A file of events, held by one process at a time.

    Args:
        path: Made where there is none; beside it lie `….lock` and, once something was refused, `….refused`.

    Raises:
        StateError: another process holds it.
        DataError: it holds a line that is no event.
        ServiceError: the file system refuses.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sizes: deque[int] = deque()
        self._start = self._end = 0
        try:
            # The lock has a file of its own: the events' is replaced from time to time.
            self._lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            self._file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as cause:
            raise _unwritable(path, cause) from cause
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            os.close(self._file)
            os.close(self._lock)
            raise StateError(
                "another buffer holds the file", where=str(path), hint="give each process a file of its own"
            ) from cause

    def read(self) -> list[Event]:
        """What an earlier process left. A last line without its end was never acknowledged to anybody, and goes."""
        content = self.path.read_bytes()
        *lines, torn = content.split(b"\n")
        if torn:
            os.ftruncate(self._file, len(content) - len(torn))
        events: list[Event] = []
        for number, line in enumerate(lines, 1):
            try:
                events.append(Event.model_validate_json(line))
            except ValidationError:
                self.close()
                raise DataError(
                    "this line is no event", where=f"{self.path}:{number}", hint="mend it or take it out"
                ) from None
        self._sizes = deque(len(line) + 1 for line in lines)
        self._end = sum(self._sizes)
        return events

    def append(self, event: Event) -> None:
        """Keep an event.

        Raises:
            ServiceError: it could not be written; nothing of it is kept.
        """
        line = _line(event)
        try:
            if os.write(self._file, line) < len(line):
                raise OSError("there is no room for the whole line")
        except OSError as cause:
            os.ftruncate(self._file, self._end)
            raise _unwritable(self.path, cause) from cause
        self._sizes.append(len(line))
        self._end += len(line)

    def take_out(self, n: int) -> None:
        """The `n` oldest events need not be kept any longer."""
        self._start += sum(self._sizes.popleft() for _ in range(n))
        if not self._sizes:
            os.ftruncate(self._file, 0)
            self._start = self._end = 0
        elif self._start > REWRITE_BYTES:
            self._rewrite()

    def refuse(self, lines: Sequence[bytes]) -> None:
        """Put what the server refuses beside the file, for people to look at."""
        file = os.open(f"{self.path}.refused", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "ab") as refused:
            refused.writelines(line + b"\n" for line in lines)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)
        os.close(self._lock)

    def _rewrite(self) -> None:
        rest = self.path.read_bytes()[self._start :]
        fresh = Path(f"{self.path}.new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(rest)
        fresh.replace(self.path)
        os.close(self._file)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        self._start, self._end = 0, len(rest)


def _line(event: Event) -> bytes:
    return event.model_dump_json(exclude_unset=True).encode() + b"\n"


def _unwritable(path: Path, cause: OSError) -> ServiceError:
    return ServiceError(f"events cannot be kept there ({cause.strerror or cause})", where=str(path))
