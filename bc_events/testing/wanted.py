"""Wanted: the properties that a test expects of an event's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bc_events._runtime import argument_checks as check
from bc_events.topics import payload


@dataclass(frozen=True, slots=True)
class Wanted:
    """An event must have these properties with equal values. It may have others."""

    properties: Mapping[str, Any]

    @classmethod
    def of(cls, data: Mapping[str, Any] | None, properties: Mapping[str, Any]) -> Wanted:
        if data is not None:
            check.instance("data", data, Mapping, example="a mapping of properties, or the properties as keywords")
        return cls({**(data or {}), **properties})

    def is_met_by(self, data: Mapping[str, Any]) -> bool:
        return all(name in data and equals(value, data[name]) for name, value in self.properties.items())

    def faults_in(self, data: Mapping[str, Any]) -> int:
        """How many properties are missing or differ."""
        return sum(not (name in data and equals(value, data[name])) for name, value in self.properties.items())


def equals(wanted: Any, found: Any) -> bool:
    """Whether two values are equal, as they are or as JSON writes them."""
    return bool(wanted == found) or as_json(wanted) == found


def as_json(value: Any) -> Any:
    """The value as an event would carry it, or the value itself if no event could."""
    try:
        return orjson.loads(payload.to_json({"value": value}))["value"]
    except payload.UnserialisableError:
        return value
