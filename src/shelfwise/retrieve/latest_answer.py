"""What was answered last: a request asks the same of the same arrays many times, to name items and for each reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestAnswer(Generic[T]):
    """Keeps one answer, with the very objects that were asked about; they must not be changed.

    Threads that ask about different things undo each other's memory and are answered rightly all the same: what is kept
    is replaced as a whole.
    """

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: tuple[object, object, T] | None = None

    def of(self, one: object, other: object, make: Callable[[], T]) -> T:
        """The answer to these two objects; made where others were asked about last."""
        kept = self._kept
        if kept is not None and kept[0] is one and kept[1] is other:
            return kept[2]
        answer = make()
        self._kept = (one, other, answer)
        return answer
