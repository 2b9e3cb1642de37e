"""A component as `shop.toml` names it: a class, and options that the class's own `Config` checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shelfwise import plugins
from shelfwise.config.problems import as_config_error
from shelfwise.errors import ConfigError


class ComponentSpec(BaseModel):
    """One named table such as `[retrieve.transitions]`: `use` and the component's own options."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: str = Field(description="Built-in name, name of an installed plugin, or 'package.module:Class'.")

    @property
    def options(self) -> dict[str, Any]:
        """Everything but `use`."""
        return dict(self.model_extra or {})


class Options(BaseModel):
    """Base of every component's `Config`: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Configured(Protocol):
    """What every component class offers before it is built."""

    Config: type[Options]


C = TypeVar("C")


def build(kind: str, spec: ComponentSpec, builtin: Mapping[str, str], *, where: str, base: type[C]) -> C:
    """Make the component that a table names; cheap: nothing heavy is loaded yet.

    Args:
        kind: retriever, ranker, ….
        spec: The table.
        builtin: The stage package's own names.
        where: Path of the table, for error messages.
        base: What the class must be a kind of.

    Raises:
        ConfigError: no such component, or an option that its `Config` refuses.
    """
    found: Any = plugins.resolve(kind, spec.use, builtin, where=f"{where}.use")
    if base not in found.__mro__:
        raise ConfigError(
            f"{spec.use!r} is no {kind}",
            expected=f"a subclass of {base.__module__}.{base.__name__}",
            where=f"{where}.use",
            code="wrong_component",
        )
    component: C = found(_checked(found.Config, spec, where))
    return component


def complete(kind: str, spec: ComponentSpec, builtin: Mapping[str, str], *, where: str) -> dict[str, Any]:
    """A table with every option of its component, those at their defaults included, as plain JSON.

    Args:
        kind: retriever, ranker, ….
        spec: The table.
        builtin: The stage package's own names.
        where: Path of the table, for error messages.

    Raises:
        ConfigError: no such component, or an option that its `Config` refuses.
    """
    found: Any = plugins.resolve(kind, spec.use, builtin, where=f"{where}.use")
    return {"use": spec.use, **_checked(found.Config, spec, where).model_dump(mode="json")}


def _checked(config_class: type[Options], spec: ComponentSpec, where: str) -> Options:
    try:
        return config_class.model_validate(spec.options)
    except ValidationError as cause:
        raise as_config_error(cause, config_class, where) from cause
