"""Lines of text out of a stream of bytes: bounded, decoded, numbered."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from shelfwise.errors import DataError

_BOM = "\ufeff"


class TextLine(NamedTuple):
    """One line with its ending; numbers count from 1."""

    number: int
    text: str


class TextLines:
    """The lines of a file, one after the other.

    Args:
        name: The file, for messages.
        max_bytes: A longer line stops the reading before it is in memory.
    """

    def __init__(self, stream: BinaryIO, name: str, *, encoding: str, max_bytes: int) -> None:
        self._stream = stream
        self._name = name
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._number = 0
        self._offset = 0

    def __iter__(self) -> TextLines:
        return self

    def __next__(self) -> TextLine:
        """The next line.

        Raises:
            DataError: the line is too long, or its bytes are no text in the declared encoding.
        """
        data = self._stream.readline(self._max_bytes + 1)
        if not data:
            raise StopIteration
        self._number += 1
        if len(data) > self._max_bytes:
            raise DataError(
                f"the line is longer than {self._max_bytes:,} bytes",
                expected="one record per line",
                where=f"{self._name}:{self._number}",
                hint="is it the right file and format? if such lines are meant, raise max_line_bytes",
                code="line_too_long",
            )
        try:
            text = data.decode(self._encoding)
        except UnicodeDecodeError as cause:
            raise DataError(
                f"byte {self._offset + cause.start} (0x{data[cause.start]:02x}) is no {self._encoding}",
                expected=f"{self._encoding} text",
                where=f"{self._name}:{self._number}",
                hint='if the file was written by an older program, set encoding = "latin-1" (or "cp1252")'
                if self._encoding.lower().replace("_", "-") in ("utf-8", "utf8", "ascii")
                else 'set encoding = "utf-8", or the one that the file was written in',
                code="bad_encoding",
            ) from cause
        self._offset += len(data)
        if self._number == 1:
            text = text.removeprefix(_BOM)
        return TextLine(self._number, text)
