"""Categories, few enough to be counted each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

MAX_CATEGORIES = 30
"""Categories by name; what is of none of these is `other`."""

OTHER, NONE = "other", "none"


@dataclass(frozen=True, slots=True)
class CategoryGroups:
    """Paths of categories as far down as `MAX_CATEGORIES` names allow.

    Attributes:
        names: Beginnings of paths, as `Shoes > Boots`, those most turned to first. Behind them come what has another
            category, and what has none.
        depth: Parts of a path that count.
    """

    names: tuple[str, ...]
    depth: int

    @classmethod
    def of(cls, n_by_path: Mapping[tuple[str, ...], float]) -> Self:
        """Those of a catalogue.

        Args:
            n_by_path: Every path of a category, and how often people turned to it.
        """
        depth = 1
        while depth < max(map(len, n_by_path), default=0):
            if len({path[: depth + 1] for path in n_by_path}) > MAX_CATEGORIES:
                break
            depth += 1
        n_by_name: dict[str, float] = {}
        for path, n in n_by_path.items():
            name = _name(path[:depth])
            n_by_name[name] = n_by_name.get(name, 0.0) + n
        names = sorted(n_by_name, key=lambda name: (-n_by_name[name], name))
        return cls(tuple(names[:MAX_CATEGORIES]), depth)

    @property
    def labels(self) -> tuple[str, ...]:
        """What each group is called; length C."""
        return (*self.names, OTHER, NONE)

    @property
    def tell_apart(self) -> bool:
        """Whether there are two at least."""
        return len(self.names) > 1

    def group(self, path: Sequence[str]) -> int:
        """The group of an item with this path; empty: without a category."""
        if not path:
            return len(self.names) + 1
        name = _name(path[: self.depth])
        return self.names.index(name) if name in self.names else len(self.names)


def _name(path: Iterable[str]) -> str:
    return " > ".join(path)
