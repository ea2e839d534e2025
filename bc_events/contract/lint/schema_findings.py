"""What the rules find in one schema."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bc_events.contract.subschemas import Subschema, subschemas
from bc_events.errors import printable
from bc_events.topics.keywords import OF_TYPE
from bc_events.topics.references import References, Steps
from bc_events.topics.schemas import unknown_formats

from . import rule
from .examples import failing_examples

SchemaFinding = tuple[rule.Rule, Steps, str]
"""A rule, the steps to the place in the schema, and a message."""
_CLOSING: Final = ("additionalProperties", "unevaluatedProperties")
_SAYING_MORE: Final = ("$ref", "enum", "const", "allOf", "anyOf", "oneOf", "type")
_APPLICATORS: Final = frozenset({"allOf", "anyOf", "oneOf", "then", "else", "if", "not", "dependentSchemas"})
"""Keywords whose schemas are about the same value as the schema around them, which may have said more of it."""


def schema_findings(schema: Any) -> Iterator[SchemaFinding]:
    """All findings in a valid schema."""
    if not isinstance(schema, Mapping) or not schema:
        yield rule.UNCHECKED_DATA, (), "any data passes; say which keys it has"
        return
    for path, named in unknown_formats(schema):
        yield (
            rule.UNKNOWN_FORMAT,
            (*_steps(path), "format"),
            f"{printable(repr(named))} is a format that is not checked",
        )
    yield from ((rule.FAILING_EXAMPLE, steps, message) for steps, message in failing_examples(schema))
    yield from _unused(schema)
    for subschema in subschemas(schema):
        yield from _keys(subschema)
        yield from _types(subschema)
        yield from _descriptions(subschema)


def _keys(subschema: Subschema) -> Iterator[SchemaFinding]:
    steps, part = subschema
    properties = part.get("properties")
    declared = properties if isinstance(properties, Mapping) else {}
    is_about_same_value = any(step in _APPLICATORS for step in steps)
    if declared and not is_about_same_value and not any(name in part for name in (*_CLOSING, "$ref", "allOf")):
        yield rule.OPEN_OBJECT, steps, "other keys pass; say additionalProperties: false, or true"
    others = part.get("patternProperties") or part.get("additionalProperties")
    if not is_about_same_value and "$ref" not in part and "allOf" not in part and not isinstance(others, Mapping):
        for name in part.get("required") or ():
            if name not in declared:
                yield rule.UNDECLARED_REQUIRED, (*steps, "required"), f"{printable(name)} is required and not declared"
    for name, item in declared.items():
        if keyword.iskeyword(name):
            yield rule.PYTHON_KEYWORD, (*steps, "properties", name), f"{name} is a keyword of Python"
        if isinstance(item, Mapping) and not item.get("description"):
            yield rule.UNDOCUMENTED_KEY, (*steps, "properties", name), f"{printable(name)} has no description"


def _types(subschema: Subschema) -> Iterator[SchemaFinding]:
    steps, part = subschema
    said = part.get("type")
    if isinstance(said, list) and len(said) == 1:
        yield rule.SINGLE_TYPE_LIST, (*steps, "type"), f"write type: {said[0]}"
    if any(name in part for name in _SAYING_MORE) or any(step in _APPLICATORS for step in steps):
        return
    for kind, keywords in OF_TYPE.items():
        found = [name for name in keywords if name in part]
        if found:
            yield rule.UNTYPED, steps, f"{found[0]} is for type: {kind}, and any other type passes; say the type"
            return


def _descriptions(subschema: Subschema) -> Iterator[SchemaFinding]:
    steps, part = subschema
    text = part.get("description")
    if isinstance(text, str) and is_untrimmed(text):
        yield rule.UNTRIMMED_DESCRIPTION, (*steps, "description"), "the description has white space at its edges"


def is_untrimmed(description: str) -> bool:
    """Whether a description has white space at its edges, but for the line ends of a YAML block."""
    return description.strip() != description.rstrip("\n")


def _unused(schema: Mapping[str, Any]) -> Iterator[SchemaFinding]:
    references = References(schema)
    used: set[Steps] = set()
    for _, part in subschemas(schema):
        reference = part.get("$ref")
        if isinstance(reference, str) and not references.is_pointer(reference):
            return  # it refers by a name
        target = references.target(reference) if isinstance(reference, str) else None
        if target is not None:
            used |= {target[0][:length] for length in range(len(target[0]) + 1)}
    for key in ("$defs", "definitions"):
        for name in schema.get(key) or ():
            if (key, name) not in used:
                yield rule.UNUSED_DEFINITION, (key, name), f"nothing refers to {printable(name)}"


def _steps(path: str) -> Steps:
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:])
