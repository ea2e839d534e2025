"""The JSON types that a schema allows, and values of its `enum` and `const` that have none of these types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import printable

from .marked import Marked, function_of
from .schemas import Mistake

if TYPE_CHECKING:
    from .references import References, Steps

_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"string"}),
    "number": frozenset({"integer", "fraction"}),
    "integer": frozenset({"integer"}),
    "boolean": frozenset({"boolean"}),
    "array": frozenset({"array"}),
    "object": frozenset({"object"}),
    "null": frozenset({"null"}),
}
Types = frozenset[str]
EVERY_TYPE: Final[Types] = frozenset().union(*_PARTS.values())
_MAX_DEPTH: Final = 100


class SchemaTypes:
    """The types that the parts of one schema allow. Types that are not certain count as allowed."""

    def __init__(self, references: References) -> None:
        self._references = references
        self._known: dict[int, Types] = {}

    def of(self, schema: Any, *, depth: int = 0) -> Types:
        """The types that a part allows: by `type`, and by `$ref`, `allOf`, `anyOf` and `oneOf` for the same value."""
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return EVERY_TYPE
        if id(schema) in self._known:
            return self._known[id(schema)]
        self._known[id(schema)] = EVERY_TYPE  # for a part that refers to itself
        found = _named(schema.get("type"))
        for part in [*_list(schema.get("allOf")), *self._referred(schema.get("$ref"))]:
            found &= self.of(part, depth=depth + 1)
        for choices in filter(None, (_list(schema.get("anyOf")), _list(schema.get("oneOf")))):
            found &= frozenset().union(*(self.of(part, depth=depth + 1) for part in choices))
        self._known[id(schema)] = found
        return found

    def _referred(self, reference: Any) -> list[Any]:
        target = self._references.target(reference) if self._references.is_pointer(reference) else None
        return [] if target is None else [target[1]]


def refused_values(schema: Mapping[str, Any], types: Types, steps: Steps) -> Iterator[Mistake]:
    """Each value of `enum` and `const` that has none of the types, except those that are reported anyway."""
    if types == EVERY_TYPE:
        return
    values: list[tuple[Steps, Any]] = [(("const",), schema["const"])] if "const" in schema else []
    values += [(("enum", index), value) for index, value in enumerate(_list(schema.get("enum")))]
    for place, value in values:
        is_told = isinstance(value, Marked) or function_of(value) is not None
        if not is_told and not types & _of_value(value):
            told = f"{_json(value)} is not of type {_words(types)}, so no event could have it; quote it if it is text"
            yield Mistake((*steps, *place), told)


def _named(named: Any) -> Types:
    names = [named] if isinstance(named, str) else named
    if not isinstance(names, list) or not all(isinstance(name, str) and name in _PARTS for name in names):
        return EVERY_TYPE
    return frozenset().union(*(_PARTS[name] for name in names))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _of_value(value: Any) -> Types:
    match value:
        case None:
            return _PARTS["null"]
        case bool():
            return _PARTS["boolean"]
        case int():
            return _PARTS["integer"]
        case float():
            return _PARTS["integer"] if value.is_integer() else frozenset({"fraction"})
        case str():
            return _PARTS["string"]
        case list() | tuple():
            return _PARTS["array"]
        case Mapping():
            return _PARTS["object"]
    return EVERY_TYPE


def _words(types: Types) -> str:
    left = types - _PARTS["integer"] if "fraction" in types else types
    names = [name for name, parts in _PARTS.items() if parts & left and (name != "number" or "fraction" in types)]
    return " or ".join(names) or "any, as the types that apply to it exclude each other"


def _json(value: Any) -> str:
    return printable(json.dumps(value, default=repr))
