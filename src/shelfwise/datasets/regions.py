"""Where users are at home: what trends are told apart by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

NOWHERE = 0
"""The code of a user whose region nobody knows."""


@dataclass(frozen=True, slots=True)
class Regions:
    """The region of every user.

    Attributes:
        names: As the users' attribute spells them, sorted; the code of `names[i]` is `i + 1`.
        codes: `NOWHERE` where it is not known; shape `(n_users,)`.
    """

    names: tuple[str, ...]
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, attributes_by_row: Mapping[int, Mapping[str, str]], attribute: str, n_users: int) -> Self | None:
        """Read them from the users' attributes; None where no user has that attribute.

        Args:
            attributes_by_row: By user row.
            attribute: The attribute that names the region.
            n_users: Rows.
        """
        told = {row: found[attribute] for row, found in attributes_by_row.items() if found.get(attribute)}
        if not told:
            return None
        names = tuple(sorted(set(told.values())))
        code_by_name = {name: code for code, name in enumerate(names, start=1)}
        codes = np.full(n_users, NOWHERE, np.int32)
        for row, name in told.items():
            codes[row] = code_by_name[name]
        return cls(names, codes)
