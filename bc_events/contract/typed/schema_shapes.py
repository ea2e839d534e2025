"""The shape of the data that a JSON Schema describes.

Schemas that hold at once (those of `allOf`, a `$ref` and the keywords beside it, an option and what is around it) are
read together, as one. A shape may be wider than its schema, because types do not know patterns, lengths or conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from bc_events.topics.references import References

from .shape import ANYTHING, NEVER, ObjectShape, Shape, UnionShape, either
from .value_shape import ValueShape

_OPTIONS: Final = ("oneOf", "anyOf")
_JOINING: Final = frozenset({"$ref", "allOf"})
"""Keywords that only say which other schemas hold."""
_MOST_OPTIONS: Final = 64
"""So many options of one value. Beyond, the choices that are nested in others are not told apart."""
_REFERENCE_ALONE: Final = ("draft-04", "draft-06", "draft-07")
"""Drafts in which a `$ref` replaces the keywords beside it."""

Part = Mapping[str, Any] | bool
Parts = tuple[Part, ...]


class SchemaShapes:
    """Reads one schema. Each part of it becomes one shape, however often it is referred to."""

    def __init__(self, root: Part, name: str) -> None:
        self._references = References(root)
        draft = str(root.get("$schema", "")) if isinstance(root, Mapping) else ""
        self._is_reference_alone = any(name in draft for name in _REFERENCE_ALONE)
        self._done: dict[frozenset[int], Shape] = {}
        self._open: set[frozenset[int]] = set()
        self._without: dict[tuple[int, str], Mapping[str, Any]] = {}
        self.root: Shape = self.of((root,), (name,))

    def of(self, parts: Parts, names: tuple[str, ...]) -> Shape:
        """The shape of the values that satisfy all parts. `names` are the words for it, the best first."""
        joined, words = self._joined(parts)
        if joined is None:
            return NEVER
        key = frozenset(map(id, joined))
        if key in self._done:
            return self._done[key]
        if key in self._open:  # it contains itself, and no object is between
            return ANYTHING
        self._open.add(key)
        try:
            shape = self._read(joined, (*words, *names), key)
        finally:
            self._open.discard(key)
        self._done[key] = shape
        return shape

    def _joined(self, parts: Parts) -> tuple[tuple[Mapping[str, Any], ...] | None, tuple[str, ...]]:
        """All schemas that hold for the same value, and the names of those referred to. None if nothing can hold."""
        seen: set[int] = set()
        found: list[Mapping[str, Any]] = []
        words: list[str] = []
        waiting = list(reversed(parts))
        while waiting:
            part = waiting.pop()
            if part is False:
                return None, ()
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            reference = part.get("$ref")
            if isinstance(reference, str):
                target = self._references.target(reference) if self._references.is_pointer(reference) else None
                if target is not None:
                    waiting.append(target[1])
                    words.append(str(target[0][-1]) if target[0] else "")
                if self._is_reference_alone:
                    continue
            waiting += reversed(part.get("allOf") or [])
            if part.keys() - _JOINING:
                found.append(part)
        return tuple(found), tuple(word for word in words if word)

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
        around = tuple(self._stripped(part, keyword) if part is chooser else part for part in parts)
        options = [
            self.of((*around, option), tuple(f"{name} option {number}" for name in names))
            for number, option in enumerate(chooser[keyword][:_MOST_OPTIONS], 1)
        ]
        if len(chooser[keyword]) > _MOST_OPTIONS:
            options.append(self.of(around, names))
        united = either(options)
        return (
            united
            if not isinstance(united, UnionShape) or len(united.options) <= _MOST_OPTIONS
            else self.of(around, names)
        )

    def _stripped(self, part: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
        """A schema without one keyword: always the same object, as its id stands for it."""
        copy = self._without.get((id(part), keyword))
        if copy is None:
            copy = {name: value for name, value in part.items() if name != keyword}
            self._without[id(part), keyword] = copy
        return copy

    def _made(self, key: frozenset[int], names: tuple[str, ...]) -> ObjectShape:
        """An empty object for these parts, which their own keys may already refer to."""
        made = ObjectShape(names)
        self._done[key] = made
        return made
