"""Objects that are equal: they have the same keys, and the objects within them are equal.

Objects may contain themselves. So all are taken for equal at first, and told apart until nothing tells any more apart:
the partition refinement by which automata are minimised (Moore 1956).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .shape import ListShape, MapShape, ObjectShape, TupleShape, UnionShape, objects_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .shape import Shape


def groups_of_equals(shapes: Iterable[Shape]) -> list[list[ObjectShape]]:
    """All objects in the shapes, equal ones together, in the order in which the first of each is met."""
    objects: dict[ObjectShape, None] = {}
    for shape in shapes:
        objects.update(dict.fromkeys(objects_in(shape)))
    outlines = {shape: _outline(shape) for shape in objects}
    groups: dict[ObjectShape, int] = dict.fromkeys(objects, 0)
    count = 0
    while True:
        numbers: dict[Any, int] = {}
        groups = {
            shape: numbers.setdefault((known, *(groups[part] for part in within)), len(numbers))
            for shape, (known, within) in outlines.items()
        }
        if len(numbers) == count:
            break
        count = len(numbers)
    grouped: list[list[ObjectShape]] = [[] for _ in range(count)]
    for shape, number in groups.items():
        grouped[number].append(shape)
    return grouped


def _outline(shape: ObjectShape) -> tuple[Any, list[ObjectShape]]:
    """What is known of an object without its inner objects, and these in the same order."""
    within: list[ObjectShape] = []
    keys = sorted(shape.keys.items())
    return tuple((name, key.is_required, _hollow(key.shape, within)) for name, key in keys), within


def _hollow(shape: Shape, within: list[ObjectShape]) -> Any:
    """A shape with nothing in the place of each object, which is added to the list."""
    match shape:
        case ObjectShape():
            within.append(shape)
            return ObjectShape
        case ListShape(part) | MapShape(part):
            return type(shape), _hollow(part, within)
        case TupleShape(parts) | UnionShape(parts):
            return type(shape), tuple(_hollow(part, within) for part in parts)
        case _:
            return shape
