"""Examples in a schema that it would refuse itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from bc_events.contract.subschemas import subschemas
from bc_events.errors import printable
from bc_events.topics.plain import pointer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bc_events.topics.references import Steps

_ROOT: Final = "urn:bc-events:schema"


def failing_examples(schema: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    """The place of each of them, and what is wrong with it."""
    registry: Any = None
    for steps, part in subschemas(schema):
        examples = part.get("examples")
        listed: list[tuple[Steps, Any]] = [(("default",), part["default"])] if "default" in part else []
        if isinstance(examples, list):
            listed += [(("examples", index), example) for index, example in enumerate(examples)]
        if not listed:
            continue
        registry = registry or jsonschema_rs.Registry([(_ROOT, dict(schema))])
        validator = _validator(schema, steps, registry)
        for place, example in listed:
            error = next(iter(validator.iter_errors(example)), None)
            if error is not None:
                yield (*steps, *place), printable(f"it fails its own schema: {error.message.splitlines()[0]}")


def _validator(schema: Mapping[str, Any], steps: Steps, registry: Any) -> Any:
    """Checks values against one part of a schema, whose references lead to the others."""
    wrapped = {"$ref": f"{_ROOT}#{pointer(steps)}"}
    if "$schema" in schema:
        wrapped["$schema"] = schema["$schema"]
    return jsonschema_rs.validator_for(wrapped, registry=registry, validate_formats=True)
