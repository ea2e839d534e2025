"""Where a JSON Schema has schemas within it."""

from __future__ import annotations

from typing import Final

NAMED_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "dependencies", "definitions", "$defs"}
)
"""Keywords whose value is a mapping of names to schemas."""
SCHEMAS: Final = frozenset(
    {
        *(
            "additionalItems",
            "additionalProperties",
            "allOf",
            "anyOf",
            "contains",
            "contentSchema",
            "else",
            "if",
            "items",
        ),
        *("not", "oneOf", "prefixItems", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties"),
    }
)
"""Keywords whose value is a schema, or a list of schemas."""
OF_TYPE: Final[dict[str, tuple[str, ...]]] = {
    "object": (
        *("properties", "required", "patternProperties", "additionalProperties", "propertyNames"),
        *("minProperties", "maxProperties"),
    ),
    "array": ("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
    "string": ("format", "pattern", "minLength", "maxLength", "contentEncoding"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
"""Keywords that say something of values of one type only."""
DATA: Final = frozenset({"const", "enum", "default", "example", "examples"})
"""Keywords whose value is data, in which nothing is a schema."""
