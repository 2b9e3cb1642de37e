"""Find a component's class by name.

A component is named in one string: a built-in name (`"transitions"`), the name of an installed entry point in the
group `shelfwise.<kind>`, or `"package.module:Class"`. Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib import metadata

from shelfwise.errors import ConfigError, did_you_mean


def resolve(kind: str, name: str, builtin: Mapping[str, str], *, where: str) -> type:
    """Import the class that a component's `use` names.

    Args:
        kind: The kind of component, as in the entry-point group `shelfwise.<kind>`: retriever, ranker, ….
        name: Built-in name, entry point, or `package.module:Class`.
        builtin: The stage package's own table of names to `package.module:Class`.
        where: Path of the configuration key, for the error message.

    Raises:
        ConfigError: nothing is called that, or the import path leads nowhere.
    """
    if name in builtin:
        return _import(builtin[name], where)
    if ":" in name:
        return _import(name, where)
    installed = {point.name: point.value for point in metadata.entry_points(group=f"shelfwise.{kind}")}
    if name in installed:
        return _import(installed[name], where)
    known = sorted({*builtin, *installed})
    raise ConfigError(
        f"no {kind} is called {name!r}; known: {', '.join(known)}",
        where=where,
        hint=did_you_mean(name, known) or "use a known name, or 'package.module:Class' for your own",
        code="unknown_component",
    )


def _import(path: str, where: str) -> type:
    module_name, _, attribute = path.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as cause:
        raise ConfigError(
            f"{path!r} cannot be imported ({cause})",
            expected="'package.module:Class' of an installed package",
            where=where,
            code="unknown_component",
        ) from cause
    if not isinstance(found, type):
        raise ConfigError(f"{path!r} is not a class", where=where, code="unknown_component")
    return found
