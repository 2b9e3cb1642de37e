"""A table as long as the catalogue in which rows are looked up: what a list of rows holds, told without sorting it."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from shelfwise.schemas.ids import Bools, Rows

Places = npt.NDArray[np.int32]


class RowTable(threading.local):
    """Finds places of rows by writing them down once and reading them back.

    It is never cleared: what stands there from earlier is told from what was written now by a look at the list itself.
    So the cost is that of the lists, however many items there are, and the memory 4 bytes an item and thread.
    """

    def __init__(self) -> None:
        self._places: Places = np.zeros(0, np.int32)

    def distinct(self, rows: Rows) -> tuple[Rows, Places]:
        """Which rows a list names, and for each of its entries which of these it is.

        Args:
            rows: Shape `(E,)`, none below 0.

        Returns:
            The distinct rows in the order in which they are named last, shape `(D,)`, and a place among them for each
            entry; shape `(E,)`.
        """
        entries = np.arange(len(rows), dtype=np.int32)
        places = self._for(rows)
        places[rows] = entries  # of a row that is named twice, the last entry stays
        last = places[rows]
        is_last = last == entries
        numbers = np.cumsum(is_last, dtype=np.int32) - np.int32(1)
        return rows[is_last], numbers[last]

    def find(self, asked: Rows, rows: Rows) -> tuple[Places, Bools]:
        """Where each asked row stands in a list.

        Args:
            asked: Shape `(N,)`, none below 0.
            rows: The list, without repeats; shape `(D,)`.

        Returns:
            Places in the list, any where it does not hold the row, and whether it does; shape `(N,)` each.
        """
        if not len(rows):
            return np.zeros(len(asked), np.int32), np.zeros(len(asked), bool)
        self._for(asked)
        table = self._for(rows)
        table[rows] = np.arange(len(rows), dtype=np.int32)
        places = np.minimum(table[asked], len(rows) - 1)
        return places, rows[places] == asked

    def _for(self, rows: Rows) -> Places:
        """The table, long enough for these rows."""
        highest = int(rows.max(initial=-1))
        if highest >= len(self._places):
            self._places = np.zeros(max(highest + 1, 2 * len(self._places)), np.int32)
        return self._places


row_table = RowTable()
"""One for all lists of a thread: they are asked one after the other."""
