"""The shape of the data that a JSON Schema describes.

Schemas that hold at once (those of `allOf`, a `$ref` and the keywords beside it, an option and what is around it) are
read together, as one. A shape may be wider than its schema, because types do not know patterns, lengths or conditions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bc_events.contract.joined_schemas import JoinedSchemas, Parts, Schema

from .shape import ANYTHING, NEVER, ObjectShape, Shape, UnionShape, either
from .value_shape import ValueShape

if TYPE_CHECKING:
    from collections.abc import Mapping

_OPTIONS: Final = ("oneOf", "anyOf")
_MOST_OPTIONS: Final = 64
"""So many options of one value. Beyond, the choices that are nested in others are not told apart."""


class SchemaShapes:
    """Reads one schema. Each part of it becomes one shape, however often it is referred to."""

    def __init__(self, root: Schema, name: str) -> None:
        self._schemas = JoinedSchemas(root)
        self._done: dict[frozenset[int], Shape] = {}
        self._open: set[frozenset[int]] = set()
        self.root: Shape = self.of((root,), (name,))

    def of(self, parts: Parts, names: tuple[str, ...]) -> Shape:
        """The shape of the values that satisfy all parts. `names` are the words for it, the best first."""
        joined = self._schemas.of(parts)
        if joined is None:
            return NEVER
        key = frozenset(map(id, joined.parts))
        if key in self._done:
            return self._done[key]
        if key in self._open:  # it contains itself, and no object is between
            return ANYTHING
        self._open.add(key)
        try:
            shape = self._read(joined.parts, (*joined.words, *names), key)
        finally:
            self._open.discard(key)
        self._done[key] = shape
        return shape

    def _read(self, parts: tuple[Mapping[str, Any], ...], names: tuple[str, ...], key: frozenset[int]) -> Shape:
        for part in parts:
            for keyword in _OPTIONS:
                if keyword in part and isinstance(part[keyword], list):
                    return self._chosen(parts, part, keyword, names)
        titles = tuple(str(part["title"]) for part in parts if isinstance(part.get("title"), str))
        return ValueShape(parts, (*titles, *names), self.of, partial(self._made, key)).read()

    def _chosen(
        self, parts: tuple[Mapping[str, Any], ...], chooser: Mapping[str, Any], keyword: str, names: tuple[str, ...]
    ) -> Shape:
        around = tuple(self._schemas.without(part, keyword) if part is chooser else part for part in parts)
        options = [
            self.of((*around, option), tuple(f"{name} option {number}" for name in names))
            for number, option in enumerate(chooser[keyword][:_MOST_OPTIONS], 1)
        ]
        if len(chooser[keyword]) > _MOST_OPTIONS:
            options.append(self.of(around, names))
        united = either(options)
        has_too_many = isinstance(united, UnionShape) and len(united.options) > _MOST_OPTIONS
        return self.of(around, names) if has_too_many else united

    def _made(self, key: frozenset[int], names: tuple[str, ...]) -> ObjectShape:
        """An empty object for these parts, which their own keys may already refer to."""
        made = ObjectShape(names)
        self._done[key] = made
        return made
