"""Branches: what one schema, or several that hold at once, say of values of one JSON type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bc_events.contract.joined_schemas import Parts, Schema

_OF_ARRAYS: Final = ("contains", "unevaluatedItems")
_OF_OBJECTS: Final = (
    *("propertyNames", "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties"),
)
_OF_ALL: Final = ("not", "if", "$dynamicRef", "$recursiveRef", "$ref")


@dataclass(frozen=True, eq=False)
class Branch:
    """`parts` are mappings that all hold. `values` are those that `enum` and `const` leave, or None for any.

    `unsure` has schemas of which only equality with those of another branch can be told.
    """

    kind: str
    parts: tuple[Mapping[str, Any], ...]
    values: tuple[Any, ...] | None = None
    unsure: tuple[Mapping[str, Any], ...] = ()

    def greatest(self, keyword: str, otherwise: float) -> Any:
        """The greatest value that a part gives a keyword."""
        return max((part[keyword] for part in self.parts if _is_number(part.get(keyword))), default=otherwise)

    def least(self, keyword: str, otherwise: float) -> Any:
        """The least value that a part gives a keyword."""
        return min((part[keyword] for part in self.parts if _is_number(part.get(keyword))), default=otherwise)

    def each(self, keyword: str) -> list[Any]:
        """The different values that the parts give a keyword."""
        found: list[Any] = []
        for part in self.parts:
            if keyword in part and part[keyword] not in found:
                found.append(part[keyword])
        return found

    @cached_property
    def lower(self) -> tuple[Any, bool]:
        """The least number, and whether it is itself excluded."""
        return max((self.greatest("minimum", -inf), False), (self.greatest("exclusiveMinimum", -inf), True))

    @cached_property
    def upper(self) -> tuple[Any, bool]:
        """The greatest number, and whether it is itself allowed."""
        return min((self.least("maximum", inf), True), (self.least("exclusiveMaximum", inf), False))

    @cached_property
    def required(self) -> frozenset[str]:
        """The keys that an object must have."""
        return frozenset(name for part in self.parts for name in part.get("required") or ())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The keys of an object that a part declares."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.get("properties") or {}))

    @cached_property
    def patterns(self) -> dict[str, list[Schema]]:
        """The schemas for keys that match a pattern."""
        found: dict[str, list[Schema]] = {}
        for part in self.parts:
            for pattern, schema in (part.get("patternProperties") or {}).items():
                found.setdefault(pattern, []).append(schema)
        return found

    @cached_property
    def rows(self) -> int:
        """The number of items of an array that have a schema of their own."""
        return max((len(_row(part)) for part in self.parts), default=0)

    def item(self, index: int) -> Parts:
        """The schemas of an item of an array; those of the others, for an index of `rows` or more."""
        found: list[Schema] = []
        for part in self.parts:
            row = _row(part)
            rest = part.get("additionalItems") if isinstance(part.get("items"), list) else part.get("items")
            if index < len(row):
                found.append(row[index])
            elif isinstance(rest, Mapping | bool):
                found.append(rest)
        return tuple(found)


def unsure_keywords(kind: str) -> tuple[str, ...]:
    """Keywords for values of a type that are not taken apart: they hold where the other schema has the same."""
    own = {"array": _OF_ARRAYS, "object": _OF_OBJECTS}
    return (*_OF_ALL, *own.get(kind, ()))


def matches(pattern: str, name: str) -> bool:
    """Whether a key matches a pattern of `patternProperties`. A pattern that Python does not read matches all."""
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return True


def _row(part: Mapping[str, Any]) -> list[Schema]:
    row = part.get("prefixItems", part.get("items"))
    return row if isinstance(row, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
