"""The shape of one value, of all the schemas that hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from bc_events.topics.keywords import OF_TYPE

from .shape import (
    ANYTHING,
    NEVER,
    NULL,
    ListShape,
    LiteralShape,
    MapShape,
    NamedShape,
    ObjectKey,
    ObjectShape,
    Scalar,
    Shape,
    TupleShape,
    UnionShape,
    either,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TYPES: Final = ("object", "array", "string", "integer", "number", "boolean", "null")
_FORMATS: Final = {"uuid": "UUID", "date-time": "datetime", "date": "date", "time": "time"}
"""Classes whose values the library writes in that format."""

Schema = Mapping[str, Any]


class ValueShape:
    """Schemas that hold for one value, with no choice among them.

    `of` gives the shape of schemas for a part of the value, and `made` an empty object, which its keys may contain.
    """

    def __init__(
        self,
        parts: Sequence[Schema],
        names: tuple[str, ...],
        of: Callable[[tuple[Any, ...], tuple[str, ...]], Shape],
        made: Callable[[tuple[str, ...]], ObjectShape],
    ) -> None:
        self._parts = parts
        self._names = names
        self._of = of
        self._made = made

    def read(self) -> Shape:
        types = self._types()
        values = self._values(types)
        if values is not None:
            return values
        readers: dict[str, Callable[[], Shape]] = {"object": self._object, "array": self._array, "string": self._string}
        scalars: dict[str, Shape] = {
            "integer": NamedShape("int"),
            "number": UnionShape((NamedShape("float"), NamedShape("Decimal"))),
            "boolean": NamedShape("bool"),
        }
        if set(types) == set(_TYPES):
            return ANYTHING
        return either(readers[kind]() if kind in readers else scalars.get(kind, NULL) for kind in types)

    def _types(self) -> list[str]:
        """The JSON types that all parts allow. Where none says a type, the one that its keywords are for."""
        allowed = set(_TYPES)
        is_said = False
        for part in self._parts:
            said = part.get("type")
            if said is None:
                continue
            is_said = True
            names = {said} if isinstance(said, str) else set(said)
            allowed &= names | ({"integer"} if "number" in names else set())
        if "number" in allowed and is_said:
            allowed.discard("integer")
        if is_said or any("enum" in part or "const" in part for part in self._parts):
            return [kind for kind in _TYPES if kind in allowed]
        implied = [
            kind for kind, words in OF_TYPE.items() if any(word in part for part in self._parts for word in words)
        ]
        return implied or list(_TYPES)

    def _values(self, types: list[str]) -> Shape | None:
        """The values that `enum` and `const` allow; None without such a keyword, or where a value is no scalar."""
        allowed: list[tuple[type, Scalar]] | None = None
        for part in self._parts:
            lists = [part["enum"]] if isinstance(part.get("enum"), list) else []
            lists += [[part["const"]]] if "const" in part else []
            for listed in lists:
                if any(type(value) not in _KINDS for value in listed):
                    return None
                pairs = [(type(value), value) for value in listed]
                allowed = pairs if allowed is None else [pair for pair in allowed if pair in pairs]
        if allowed is None:
            return None
        kept = tuple(dict.fromkeys(pair for pair in allowed if _KINDS[pair[0]] & set(types)))
        return LiteralShape(kept) if kept else NEVER

    def _string(self) -> Shape:
        formats = [part["format"] for part in self._parts if isinstance(part.get("format"), str)]
        classes = dict.fromkeys(_FORMATS[name] for name in formats if name in _FORMATS)
        return either([NamedShape("str"), *map(NamedShape, classes)])

    def _array(self) -> Shape:
        for part in self._parts:
            first = part.get("prefixItems", part.get("items"))
            if isinstance(first, list):
                return TupleShape(tuple(self._of((item,), self._names_of("item")) for item in first))
        items = tuple(part["items"] for part in self._parts if isinstance(part.get("items"), Mapping | bool))
        return ListShape(self._of(items, self._names_of("item")) if items else ANYTHING)

    def _object(self) -> Shape:
        names = dict.fromkeys(name for part in self._parts for name in part.get("properties") or {})
        required = dict.fromkeys(name for part in self._parts for name in part.get("required") or ())
        others = tuple(
            schema
            for part in self._parts
            for schema in (part.get("additionalProperties"), *(part.get("patternProperties") or {}).values())
            if isinstance(schema, Mapping)
        )
        if not names and not required:
            return MapShape(
                either(self._of((schema,), self._names_of("value")) for schema in others) if others else ANYTHING
            )
        shape = self._made(self._names)
        shape.description = self._said("description")
        for name in {**names, **required}:
            key = self._key(name, is_required=name in required)
            if key is not None:
                shape.keys[name] = key
        return UnionShape((shape, MapShape(ANYTHING))) if others else shape

    def _key(self, name: str, *, is_required: bool) -> ObjectKey | None:
        """A key of the object; None if no value is right for it, so that it is always left out."""
        schemas = tuple(part["properties"][name] for part in self._parts if name in (part.get("properties") or {}))
        shape = self._of(schemas, self._names_of(name)) if schemas else ANYTHING
        if shape == NEVER and not is_required:
            return None
        said = (schema.get("description") for schema in schemas if isinstance(schema, Mapping))
        return ObjectKey(shape, is_required, next((text for text in said if isinstance(text, str)), ""))

    def _said(self, keyword: str) -> str:
        return next((part[keyword] for part in self._parts if isinstance(part.get(keyword), str)), "")

    def _names_of(self, part: str) -> tuple[str, ...]:
        return (f"{self._names[0]} {part}",) if self._names else (part,)


_KINDS: Final[Mapping[type, set[str]]] = {
    str: {"string"},
    int: {"integer", "number"},
    bool: {"boolean"},
    type(None): {"null"},
}
"""The JSON types of the values that `Literal` takes."""
