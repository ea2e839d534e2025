"""The schemas within a schema, each with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bc_events.topics.keywords import NAMED_SCHEMAS, SCHEMAS
from bc_events.topics.references import Steps

Subschema = tuple[Steps, Mapping[str, Any]]


def subschemas(schema: Any) -> Iterator[Subschema]:
    """Each schema in a schema, itself first, with the keys and indexes that lead to it. An alias is read once."""
    seen: set[int] = set()
    waiting: list[tuple[Steps, Any]] = [((), schema)]
    while waiting:
        steps, part = waiting.pop()
        if isinstance(part, list):
            waiting += [((*steps, index), item) for index, item in reversed(list(enumerate(part)))]
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        yield steps, part
        within: list[tuple[Steps, Any]] = []
        for keyword, value in part.items():
            if keyword in NAMED_SCHEMAS and isinstance(value, Mapping):
                within += [((*steps, keyword, name), item) for name, item in value.items()]
            elif keyword in SCHEMAS:
                within.append(((*steps, keyword), value))
        waiting += reversed(within)
