"""The lenient content model: readers pass over keys that they do not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bc_events.topics.keywords import DATA, NAMED_SCHEMAS

_CLOSING: Final = ("additionalProperties", "unevaluatedProperties")


def opened(schema: Any) -> Any:
    """A schema that no longer refuses keys because they are unknown. Its parts stay at their places.

    `oneOf` becomes `anyOf`: options that tell themselves apart by closed objects do so no longer. What is under `not`
    is left as it is, because there a wider schema would refuse more.
    """
    if isinstance(schema, list):
        return [opened(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in DATA or keyword == "not":
            made[keyword] = value
        elif keyword in NAMED_SCHEMAS and isinstance(value, Mapping):
            made[keyword] = {name: opened(item) for name, item in value.items()}
        elif keyword == "oneOf" and "anyOf" in schema:
            made["allOf"] = [*opened(schema.get("allOf") or []), {"anyOf": opened(value)}]
        elif keyword == "oneOf":
            made["anyOf"] = opened(value)
        elif keyword == "allOf" and "allOf" in made:
            continue
        elif keyword not in _CLOSING or value is not False:
            made[keyword] = opened(value)
    return made
