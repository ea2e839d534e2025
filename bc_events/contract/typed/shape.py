"""Shapes: the types of JSON values, as a type checker can say them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Scalar = str | int | bool | None


@dataclass(frozen=True, slots=True)
class NamedShape:
    """A type that has a name everywhere, such as `str` or `datetime`."""

    name: str


@dataclass(frozen=True, slots=True)
class LiteralShape:
    """Exactly these values. Each stands beside its class, because `True == 1`."""

    values: tuple[tuple[type, Scalar], ...]


@dataclass(frozen=True, slots=True)
class ListShape:
    """A list with items of one shape."""

    item: Shape


@dataclass(frozen=True, slots=True)
class TupleShape:
    """A list with a shape for each of its first items."""

    items: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class MapShape:
    """An object with any keys, and values of one shape."""

    value: Shape


@dataclass(frozen=True, slots=True)
class UnionShape:
    """A value of one of several shapes."""

    options: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class ObjectKey:
    """A key of an object."""

    shape: Shape
    is_required: bool
    description: str = ""


@dataclass(slots=True, eq=False)
class ObjectShape:
    """An object with known keys. It may contain itself. `names` are what its schema calls it, the best first."""

    names: tuple[str, ...]
    description: str = ""
    keys: dict[str, ObjectKey] = field(default_factory=dict)


Shape = NamedShape | LiteralShape | ListShape | TupleShape | MapShape | UnionShape | ObjectShape

ANYTHING = NamedShape("Any")
NEVER = NamedShape("Never")
NULL = NamedShape("None")


def parts_of(shape: Shape) -> tuple[Shape, ...]:
    """The shapes that a shape is made of, one level down."""
    match shape:
        case ListShape(item):
            return (item,)
        case TupleShape(items):
            return items
        case MapShape(value):
            return (value,)
        case UnionShape(options):
            return options
        case ObjectShape():
            return tuple(key.shape for key in shape.keys.values())
        case _:
            return ()


def objects_in(shape: Shape) -> list[ObjectShape]:
    """Every object in a shape, each once, those around before those within."""
    found: dict[int, ObjectShape] = {}
    waiting = [shape]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ObjectShape):
            if id(part) in found:
                continue
            found[id(part)] = part
        waiting += reversed(parts_of(part))
    return list(found.values())


def either(shapes: Iterable[Shape]) -> Shape:
    """The union of shapes, without repetition. Values are joined, null is last."""
    options: dict[Shape, None] = {}
    values: dict[tuple[type, Scalar], None] = {}
    for shape in shapes:
        for option in shape.options if isinstance(shape, UnionShape) else (shape,):
            if isinstance(option, LiteralShape):
                values.update(dict.fromkeys(option.values))
            elif option != NEVER:
                options[option] = None
    if ANYTHING in options:
        return ANYTHING
    if (type(None), None) in values:
        del values[type(None), None]
        options[NULL] = None
    ordered = [option for option in options if option != NULL]
    ordered = [*([LiteralShape(tuple(values))] if values else []), *ordered, *([NULL] if NULL in options else [])]
    if not ordered:
        return NEVER
    return ordered[0] if len(ordered) == 1 else UnionShape(tuple(ordered))
