"""Write a configuration as TOML that is its own manual: above each key what it does and what it allows."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tomlkit
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from shelfwise.config.component import ComponentSpec, Configured
from shelfwise.config.shop import ShopConfig

WIDTH = 100

ComponentOf = Mapping[str, type[Configured]]
"""The class of each component's table, by the table's path such as `retrieve.transitions`."""

INTRODUCTION = """\
This file describes the shop to Shelfwise. Every key is preceded by what it does; a key that is commented out
stands at its default. Paths are relative to this folder. Secrets do not belong here: they come from the environment.
"""


def render(config: ShopConfig, components: ComponentOf) -> str:
    """The whole configuration as TOML.

    What differs from its default is written; everything else stands as a comment, ready to be changed.
    """
    document = tomlkit.document()
    for line in textwrap.wrap(INTRODUCTION, WIDTH):
        document.add(tomlkit.comment(line))
    document.add(tomlkit.nl())
    lines = [tomlkit.dumps(document)]
    _table(lines, "", config, components)
    return "\n".join(part.rstrip() for part in "\n".join(lines).splitlines()).strip() + "\n"


def render_component(path: str, use: str, component: type[Configured]) -> str:
    """One component's table with every option at its default; for what may stand instead of the usual one."""
    lines: list[str] = []
    _component(lines, path, ComponentSpec(use=use), component)
    return "\n".join(lines).strip() + "\n"


def _table(lines: list[str], path: str, table: BaseModel, components: ComponentOf) -> None:
    values, tables = _parted(table)
    for name, field in values:
        _key(lines, name, getattr(table, name), field)
    for name, _ in tables:
        value, at = getattr(table, name), f"{path}.{name}" if path else name
        if isinstance(value, ComponentSpec):
            _component(lines, at, value, components.get(at))
        elif isinstance(value, BaseModel):
            _heading(lines, at, _first_line(type(value)))
            _table(lines, at, value, components)
        elif isinstance(value, dict):
            for key, one in value.items():
                if isinstance(one, ComponentSpec):
                    _component(lines, f"{at}.{key}", one, components.get(f"{at}.{key}"))
                else:
                    _heading(lines, f"{at}.{key}", _first_line(type(one)))
                    _table(lines, f"{at}.{key}", one, components)


def _parted(table: BaseModel) -> tuple[list[tuple[str, FieldInfo]], list[tuple[str, FieldInfo]]]:
    """Plain values, and what is a table of its own; TOML wants the former first."""
    values: list[tuple[str, FieldInfo]] = []
    tables: list[tuple[str, FieldInfo]] = []
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        is_named = isinstance(value, dict) and any(isinstance(one, BaseModel) for one in value.values())
        (tables if isinstance(value, BaseModel) or is_named else values).append((name, field))
    return values, tables


def _component(lines: list[str], path: str, spec: ComponentSpec, component: type[Configured] | None) -> None:
    _heading(lines, path, _first_line(component))
    lines.append(_assignment("use", spec.use))
    if component is None:
        lines.extend(_assignment(name, value) for name, value in spec.options.items())
        return
    chosen = component.Config.model_validate(spec.options)
    for name, field in component.Config.model_fields.items():
        _key(lines, name, getattr(chosen, name), field)


def _first_line(described: type | None) -> str:
    return (described.__doc__ or "").split("\n")[0] if described is not None else ""


def _heading(lines: list[str], path: str, about: str | None) -> None:
    lines.append("")
    lines.extend(f"# {line}" for line in textwrap.wrap(about or "", WIDTH))
    lines.append(f"[{path}]")


def _key(lines: list[str], name: str, value: Any, field: FieldInfo) -> None:
    default = field.get_default(call_default_factory=True, validated_data={})
    stated = [field.description or ""]
    allowed = _allowed(field)
    if allowed:
        stated.append(f"Allowed: {allowed}.")
    if default is not PydanticUndefined and default is not None and value != default:
        stated.append(f"Default: {_written(_plain(default))}.")
    lines.extend(f"# {line}" for line in textwrap.wrap(" ".join(part for part in stated if part), WIDTH))
    if value is None:
        lines.append(f"# {name} =")
    elif default is not PydanticUndefined and value == default:
        lines.append(f"# {_assignment(name, value)}")
    else:
        lines.append(_assignment(name, value))


def _assignment(name: str, value: Any) -> str:
    return f"{name} = {_written(_plain(value))}"


def _written(value: Any) -> str:
    if isinstance(value, dict | list):  # inline: a list of tables too
        return tomlkit.item(value, _parent=tomlkit.array()).as_string()  # type: ignore[arg-type]
    return tomlkit.item(value).as_string()


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _allowed(field: FieldInfo) -> str:
    """The values or the range that a field allows, in words; empty where there is no limit."""
    choices = ", ".join(choice for choice in _choices(field.annotation) if choice != "")
    bounds = _bounds(field.metadata)
    numbers = [part for part in _members(field.annotation) if _bare(part) in (int, float)]
    for part in numbers:
        bounds |= _bounds(_metadata(part))
    low = f"from {bounds['ge']:g}" if "ge" in bounds else f"above {bounds['gt']:g}" if "gt" in bounds else ""
    high = f"to {bounds['le']:g}" if "le" in bounds else f"below {bounds['lt']:g}" if "lt" in bounds else ""
    span = " ".join(part for part in (low, high) if part)
    if choices and numbers:
        return f"{span or 'a number'}, or {choices}"
    return choices or span


def _bounds(metadata: Sequence[Any]) -> dict[str, Any]:
    return {bound: getattr(one, bound) for one in metadata for bound in ("ge", "gt", "le", "lt") if hasattr(one, bound)}


def _members(annotation: Any) -> tuple[Any, ...]:
    """What a value may be: each part of a union, else the type itself."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _metadata(annotation: Any) -> list[Any]:
    """What stands beside a type in `Annotated`, that of pydantic's `Field` unpacked."""
    if get_origin(annotation) is not Annotated:
        return []
    beside = get_args(annotation)[1:]
    return [inner for one in beside for inner in (one.metadata if isinstance(one, FieldInfo) else [one])]


def _choices(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(choice) for choice in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return [member.value for member in annotation]
    return [choice for inner in get_args(annotation) for choice in _choices(inner)]
