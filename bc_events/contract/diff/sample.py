"""Sample values of one side: what a writer may send."""

from __future__ import annotations

import random
import re
from math import ceil, floor, inf
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from .branch import matches
from .json_types import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bc_events.contract.joined_schemas import Parts

    from .branch import Branch
    from .breakage import Way
    from .side import Side

OTHER: Final = "*"
"""The step to any key that is not declared."""
_LONGEST: Final = 100_000
_OF_TEXTS: Final = ("minLength", "maxLength", "pattern", "format")
_DEEPEST: Final = 24
_OFTEN: Final = 0.5
_SELDOM: Final = 0.3
_MANY: Final = 1_000
"""So many items are drawn at most for a list of any length."""
_FORMATS: Final = {
    "date-time": "2024-02-03T04:05:06Z",
    "date": "2024-02-03",
    "time": "04:05:06Z",
    "duration": "P1D",
    "uuid": "0b5e8c1e-7f0a-4c57-9d7e-1f2a3b4c5d6e",
    "email": "a@b.example",
    "idn-email": "a@b.example",
    "hostname": "b.example",
    "idn-hostname": "b.example",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://b.example/a",
    "uri-reference": "/a",
    "iri": "https://b.example/a",
    "iri-reference": "/a",
    "uri-template": "https://b.example/{a}",
    "json-pointer": "/a",
    "relative-json-pointer": "0/a",
    "regex": "a+",
}
_WORDS: Final = (
    "",
    "a",
    "A",
    "1",
    "-",
    "ab",
    "abc",
    "a1",
    "A-1",
    "00",
    "123",
    "12345",
    "2024",
    "AB12",
    "a_b",
    "a b",
    "é",
)


class Sampler:
    """Draws values of a writer. `hints` are more values to try, such as those at the limits of the reader."""

    def __init__(self, side: Side, seed: int, hints: Iterable[Any] = ()) -> None:
        self._side = side
        self._random = random.Random(seed)  # noqa: S311  it draws examples
        self._hints: dict[str, list[Any]] = {}
        for hint in hints:
            self._hints.setdefault(kind_of(hint), []).append(hint)

    def least(self, parts: Parts, depth: int = 0) -> list[Any]:
        """A small value, in a list; an empty list where none was found."""
        for branch in sorted(self._side.branches(parts), key=lambda one: one.kind in ("array", "object")):
            found = self.of(branch, depth, is_least=True)
            if found:
                return found
        return []

    def any(self, parts: Parts, depth: int = 0) -> list[Any]:
        """A random value, in a list; an empty list where none was found."""
        branches = list(self._side.branches(parts))
        self._random.shuffle(branches)
        for branch in branches:
            found = self.of(branch, depth, is_least=depth > _DEEPEST // 2)
            if found:
                return found
        return []

    def of(self, branch: Branch, depth: int = 0, *, is_least: bool) -> list[Any]:
        """A value of one branch, in a list."""
        if branch.values is not None:
            return [branch.values[0] if is_least else self._random.choice(branch.values)]
        if depth > _DEEPEST:
            return []
        match branch.kind:
            case "integer" | "number":
                return self._chosen(
                    numbers(branch, self._hints.get("integer", []) + self._hints.get("number", [])), is_least
                )
            case "string":
                return self._chosen(texts(branch, self._hints.get("string", [])), is_least)
            case "array":
                return self._array(branch, depth, is_least)
            case _:
                return self._object(branch, depth, is_least)

    def placed(self, way: Way, value: Any) -> list[Any]:
        """The whole document that has the value at the end of a way, in a list."""
        for branch, step in reversed(way):
            around = self.of(branch, is_least=True)
            if not around:
                return []
            value = self._with(branch, around[0], step, value)
        return [value]

    def _with(self, branch: Branch, around: Any, step: str | int, value: Any) -> Any:
        if isinstance(step, str) and branch.kind == "object":
            return {**around, self._free_name(branch, step): value}
        items = list(around)
        index = step if isinstance(step, int) else branch.rows
        while len(items) <= index:
            items += self.least(branch.item(len(items)), 1) or [None]
        items[index] = value
        return items

    def _free_name(self, branch: Branch, step: str) -> str:
        if step != OTHER:
            return step
        return next(name for name in ("other key", "another key", "one key more") if name not in branch.names)

    def _chosen(self, values: list[Any], is_least: bool) -> list[Any]:
        if not values:
            return []
        return [values[0] if is_least else self._random.choice(values)]

    def _array(self, branch: Branch, depth: int, is_least: bool) -> list[Any]:
        fewest, most = branch.greatest("minItems", 0), branch.least("maxItems", inf)
        length = int(fewest)
        if not is_least:
            length = min(
                max(length, self._random.choice([0, 1, 1, 2, 3, branch.rows])), _MANY if most is inf else int(most)
            )
        if length > most:
            return []
        is_unique = True in branch.each("uniqueItems")
        items: list[Any] = []
        for index in range(length):
            of_item = branch.item(index)
            found = self.least(of_item, depth + 1) if is_least else self.any(of_item, depth + 1)
            for _ in range(20):
                if not found or not is_unique or found[0] not in items:
                    break
                found = self.any(of_item, depth + 1)
            if not found:
                break
            items += found
        return [items] if len(items) >= fewest else []

    def _object(self, branch: Branch, depth: int, is_least: bool) -> list[Any]:
        made: dict[str, Any] = {}
        names = [name for name in branch.names if name not in branch.required]
        wanted = [*sorted(branch.required), *([] if is_least else [n for n in names if self._random.random() < _OFTEN])]
        fewest = int(branch.greatest("minProperties", 0))
        spare = [name for name in names if name not in wanted]
        wanted += spare[: max(0, fewest - len(wanted))]
        wanted += [f"key{number}" for number in range(max(0, fewest - len(wanted)))]
        if not is_least and self._random.random() < _SELDOM:
            wanted.append(self._free_name(branch, OTHER))
        for name in wanted:
            of_key = self._side.child(branch, name)
            found = self.least(of_key, depth + 1) if is_least else self.any(of_key, depth + 1)
            if found:
                made[name] = found[0]
            elif name in branch.required:
                return []
        return [made]


def name_like(pattern: str) -> str | None:
    """A key that matches a pattern; None where none was found."""
    return next((name for name in (*_WORDS, "x-a", *_of_pattern(pattern)) if matches(pattern, name)), None)


def numbers(branch: Branch, hints: Iterable[Any] = ()) -> list[Any]:
    """Numbers of a branch: those at its limits, and others."""
    low, is_low_excluded = branch.lower
    high, is_high_allowed = branch.upper
    steps = [step for step in branch.each("multipleOf") if step]
    near = [low, high] if -inf < low and high < inf else [low] if low > -inf else [high] if high < inf else []
    tried: list[Any] = [0, 1, -1, 0.5, 2, 10, 1000, 1.25, *hints]
    tried += [bound + delta for bound in near for delta in (0, 1, -1, 0.5, -0.5, 0.001, -0.001)]
    tried += [round_(bound / step) * step for bound in (*near, 1) for step in steps for round_ in (floor, ceil)]
    if -inf < low and high < inf:
        tried.append((low + high) / 2)
    kept: list[Any] = []
    for number in tried:
        exact = int(number) if number == int(number) else number
        is_within = low <= number <= high and not (is_low_excluded and number == low)
        is_within = is_within and (is_high_allowed or number < high)
        if branch.kind == "integer" and not isinstance(exact, int):
            continue
        if is_within and all(_is_multiple(exact, step) for step in steps) and exact not in kept:
            kept.append(exact)
    return kept


def _is_multiple(number: Any, step: Any) -> bool:
    validator: Any = jsonschema_rs.validator_for({"multipleOf": step})
    return bool(validator.is_valid(number))


def texts(branch: Branch, hints: Iterable[Any] = ()) -> list[str]:
    """Texts of a branch: of its formats and patterns, at its limits, and others."""
    schema = {"allOf": [{}, *({name: part[name] for name in _OF_TEXTS if name in part} for part in branch.parts)]}
    validator: Any = jsonschema_rs.validator_for(schema, validate_formats=True)
    shortest, longest = int(branch.greatest("minLength", 0)), branch.least("maxLength", inf)
    lengths = {shortest, shortest + 1, *([] if longest is inf else [int(longest)])}
    tried = [_FORMATS[name] for name in branch.each("format") if name in _FORMATS]
    tried += [*("a" * length for length in sorted(lengths) if length <= _LONGEST), *_WORDS, *_FORMATS.values(), *hints]
    for pattern in branch.each("pattern"):
        tried += _of_pattern(pattern)
    return [text for text in dict.fromkeys(tried) if validator.is_valid(text)]


def _of_pattern(pattern: str) -> list[str]:
    """Texts of a pattern, where the library for them is installed and reads it."""
    try:
        import rstr  # noqa: PLC0415  an extra

        return [rstr.Rstr(random.Random(seed)).xeger(pattern) for seed in range(8)]  # noqa: S311  they are examples
    except (ImportError, re.error, ValueError, KeyError):
        return []
