"""The types of JSON values, and what `type`, `enum` and `const` say of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

KINDS: Final = ("null", "boolean", "integer", "number", "string", "array", "object")


def kind_of(value: object) -> str:
    """The JSON type of a value; `integer` for each number without a fraction."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if value == int(value) else "number"
    return "string" if isinstance(value, str) else "array" if isinstance(value, list) else "object"


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return bool(one == other)


def is_in(value: Any, values: tuple[Any, ...]) -> bool:
    """Whether one of the values equals it, as JSON compares."""
    return any(same(value, one) for one in values)


def kinds_in(kind: str) -> set[str]:
    """The types whose values have this type: each whole number is a number."""
    return {"integer", "number"} if kind == "number" else {kind}


def kinds_of(parts: tuple[Mapping[str, Any], ...]) -> list[str]:
    """The types that all parts allow; `integer` only where they do not allow `number`."""
    allowed = set(KINDS)
    for part in parts:
        said = part.get("type")
        if said is not None:
            names = {said} if isinstance(said, str) else set(said)
            allowed &= names | ({"integer"} if "number" in names else set())
    if "number" in allowed:
        allowed.discard("integer")
    return [kind for kind in KINDS if kind in allowed]


def values_of(parts: tuple[Mapping[str, Any], ...]) -> tuple[Any, ...] | None:
    """The values that `enum` and `const` of all parts leave; None where no part has them."""
    allowed: list[Any] | None = None
    for part in parts:
        lists = [part["enum"]] if isinstance(part.get("enum"), list) else []
        lists += [[part["const"]]] if "const" in part else []
        for listed in lists:
            allowed = list(listed) if allowed is None else [one for one in allowed if is_in(one, tuple(listed))]
    return None if allowed is None else tuple(allowed)
