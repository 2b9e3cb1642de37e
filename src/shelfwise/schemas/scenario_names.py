"""Scenarios by name and by code: what "search" or "category" is called in the arrays that models read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

ScenarioCodes = npt.NDArray[np.int8]
"""Codes of scenarios, one per event."""

UNKNOWN = 0
"""The code of a scenario that was not said, or that nobody has seen in training."""

MAX_SCENARIOS = 127
"""Names that are kept: codes fit a byte. A shop has a dozen places; what names more than this is no place."""

FEWEST_EVENTS = 2
"""Events that a scenario needs: a name that only one bears says no more than that event."""


@dataclass(frozen=True, slots=True)
class ScenarioNames:
    """The scenarios that a shop's log names, fixed when a model is trained.

    The only place where names become codes: the log's in training, a request's and its user's events in service.

    Attributes:
        names: The scenario with code `i + 1`; code 0 is `UNKNOWN`.
    """

    names: tuple[str, ...] = ()
    _code_by_name: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_code_by_name", {name: code for code, name in enumerate(self.names, start=1)})

    @classmethod
    def seen(cls, n_events: Mapping[str, int], before: Self | None = None) -> Self:
        """Those that enough events name, most frequent first, equally frequent ones by name.

        Args:
            n_events: How many name each scenario; a blank name says nothing.
            before: Names of an earlier training, whose codes stay.
        """
        kept = () if before is None else before.names
        new = sorted(
            (name for name, n in n_events.items() if n >= FEWEST_EVENTS and name.strip() and name not in kept),
            key=lambda name: (-n_events[name], name),
        )
        return cls((*kept, *new)[:MAX_SCENARIOS])

    def __len__(self) -> int:
        return len(self.names)

    @property
    def tell_apart(self) -> bool:
        """Whether there are two at least: one alone says nothing of an event."""
        return len(self.names) > 1

    def code(self, name: str | None) -> int:
        """A scenario's code; `UNKNOWN` for one that was not said, or not seen in training."""
        return UNKNOWN if name is None else self._code_by_name.get(name, UNKNOWN)

    def codes(self, names: Sequence[str | None]) -> ScenarioCodes:
        """Each event's code; shape `(len(names),)`."""
        if not self.names:
            return np.full(len(names), UNKNOWN, np.int8)
        # Without a call per event: a request reads up to 2,000 of them. None is nobody's name.
        codes: dict[str | None, int] = {**self._code_by_name}
        return np.array([codes.get(name, UNKNOWN) for name in names], np.int8)


NO_SCENARIOS = ScenarioNames()
"""Of a log that names none: every code is `UNKNOWN`."""


def codes_of_events(codes: ScenarioCodes, n_events: int) -> ScenarioCodes:
    """A column of scenario codes, `(n_events,)`; all `UNKNOWN` where there is none, as in a log that names no scenario.

    Raises:
        ValueError: it is of another length than the events it describes.
    """
    if len(codes) == n_events:
        return codes
    if len(codes):
        raise ValueError(f"{len(codes)} scenario codes for {n_events} events")
    return np.full(n_events, UNKNOWN, np.int8)


def no_codes() -> ScenarioCodes:
    """Stands for a column in which every scenario is unknown, whatever its length."""
    return np.empty(0, np.int8)
