"""Mistakes in the schemas of a definitions file that are valid JSON Schema, but that no event could satisfy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from bc_events.errors import printable

from . import keys
from .keywords import NAMED_SCHEMAS, SCHEMAS
from .marked import Marked, function_in, function_of, unmarked
from .references import References, Steps
from .schema_types import EVERY_TYPE, SchemaTypes, Types, refused_values
from .schemas import Mistake, SchemaError, compile_schema, not_json, refuse_multiplied

_DESCRIPTIVE: Final = frozenset({"title", "description", "$comment"})
_REMARKS: Final = frozenset({"deprecated", "examples", "readOnly", "writeOnly"})
"""Keywords that describe a schema, but are not text. Without them the schema has the same meaning."""
_VALUES: Final = frozenset(
    {
        *("$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "$vocabulary", "const"),
        *("contentEncoding", "contentMediaType", "dependentRequired", "enum"),
        *("exclusiveMaximum", "exclusiveMinimum", "format", "id", "maxContains", "maxItems", "maxLength"),
        *("maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf"),
        *("pattern", "required", "type", "uniqueItems"),
    }
)
_KEYWORDS: Final = frozenset(
    {
        *NAMED_SCHEMAS,
        *SCHEMAS,
        *_VALUES,
        *_DESCRIPTIVE,
        *_REMARKS,
        "default",
        "$defs",
        "$recursiveRef",
        "$recursiveAnchor",
    }
)
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_SAME_VALUE: Final = frozenset({"allOf", "anyOf", "dependentSchemas", "else", "oneOf", "then"})
"""Their schemas apply to the same value as the schema around them. So its types apply to them, too."""


class SchemaReading:
    """Reads the schemas of one file.

    It finds values that CloudFormation makes, numbers that YAML reads differently, values that `type` refuses, and
    references to parts that do not exist. A part in several places, which aliases make, is read once.
    """

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._is_settled = True
        self._begin(None)

    def _begin(self, schema: Any) -> None:
        self._mistakes: list[Mistake] = []
        self._root = schema
        self._referring: list[tuple[Steps, str]] = []
        self._references = References(schema)
        self._types = SchemaTypes(self._references)

    def mistakes_in(self, schema: Any) -> list[Mistake]:
        """The mistakes in a schema. The caller must keep the schema while it reads others."""
        self._begin(schema)
        refuse_multiplied(schema)
        self._schema(schema, (), EVERY_TYPE)
        for _, reference in self._referring:  # the list grows: a part that is referred to may be read only now
            self._follow(reference)
        return self._mistakes

    def settled(self, schema: Any) -> Any:
        """A schema that was read, in plain data. A description that CloudFormation makes is replaced."""
        return schema if self._is_settled else _settled(schema)

    def suspects(self) -> Iterator[Mistake]:
        """Places in the schema read last that may be mistakes. They are, if the compiler refuses the schema."""
        yield from not_json(self._root)
        for steps, reference in self._referring:
            if self._references.is_pointer(reference):
                if self._references.target(reference) is None:
                    told = f"{printable(reference)} does not exist in this schema; correct it"
                    yield Mistake(steps, told)
            elif not self._references.has_names:
                yield from _outside(reference, steps)

    def _follow(self, reference: str) -> None:
        target = self._references.target(reference) if self._references.is_pointer(reference) else None
        if target is not None:
            self._schema(target[1], target[0], EVERY_TYPE)

    def _schema(self, schema: Any, steps: Steps, types: Types) -> None:
        if type(schema) is bool or id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        self._is_settled = self._is_settled and not isinstance(schema, Marked)
        function = function_in(schema)
        if function is not None:
            self._mistakes.append(_made(function, steps))
        elif isinstance(schema, list):
            for index, item in enumerate(schema):
                self._schema(item, (*steps, index), types)
        elif isinstance(schema, Mapping):
            self._keywords(schema, steps, types & self._types.of(schema))

    def _keywords(self, schema: Mapping[str, Any], steps: Steps, types: Types) -> None:
        for keyword, part in schema.items():
            place = (*steps, keyword)
            inherited = types if keyword in _SAME_VALUE else EVERY_TYPE
            if isinstance(keyword, Marked):
                self._tagged_key(keyword, place)
            if keyword in NAMED_SCHEMAS and isinstance(part, Mapping) and not isinstance(part, Marked):
                self._named_schemas(part, place, inherited)
            elif keyword in SCHEMAS or keyword in NAMED_SCHEMAS:
                self._schema(part, place, inherited)
            elif keyword in _VALUES:
                self._value(part, place)
            elif self._is_settled and type(part) is not str:
                self._is_settled = not _has_marks(part)
        if isinstance(schema.get("$ref"), str) and not isinstance(schema["$ref"], Marked):
            self._referring.append(((*steps, "$ref"), schema["$ref"]))
        self._mistakes += refused_values(schema, types, steps)
        self._mistakes += [
            Mistake((*steps, key), keys.told(key, right)) for key, right in keys.mistyped(schema, _KEYWORDS)
        ]

    def _named_schemas(self, schemas: Mapping[str, Any], steps: Steps, types: Types) -> None:
        function = function_in(schemas)
        if function is not None:
            self._mistakes.append(_made(function, (*steps, function)))
            return
        for name, item in schemas.items():
            if isinstance(name, Marked):
                self._tagged_key(name, (*steps, name))
            self._schema(item, (*steps, name), types)

    def _tagged_key(self, key: Any, steps: Steps) -> None:
        self._is_settled = False
        function = function_of(key)
        if function is not None:
            self._mistakes.append(_made(function, steps))

    def _value(self, value: Any, steps: Steps) -> None:
        found = [] if type(value) in _PLAIN else list(_of_value(value, steps))
        self._mistakes += found
        self._is_settled = self._is_settled and not found


def _outside(reference: str, steps: Steps) -> list[Mistake]:
    try:
        compile_schema({"$ref": reference})
    except SchemaError as error:
        return [Mistake((*steps, *mistake.steps[1:]), mistake.message) for mistake in error.mistakes]
    return []


def _settled(schema: Any, *, keyword: object = None) -> Any:
    function = function_in(schema) if keyword in _DESCRIPTIVE else None
    if function is not None and not isinstance(schema, str):
        return made_text(function)
    if isinstance(schema, Mapping):
        return {
            unmarked(key): _settled(part, keyword=key)
            for key, part in schema.items()
            if key not in _REMARKS or function_in(part) is None
        }
    return [_settled(part) for part in schema] if isinstance(schema, list) else unmarked(schema)


def made_text(function: str) -> str:
    """The replacement for a text that only CloudFormation knows."""
    return f"(made by CloudFormation: {printable(function)})"


def _has_marks(part: Any) -> bool:
    """Whether a part has a `Marked` value, or a CloudFormation function in its long form."""
    if isinstance(part, Marked) or function_in(part) is not None:
        return True
    parts = (*part, *part.values()) if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    return any(map(_has_marks, parts))


def _of_value(value: Any, steps: Steps) -> Iterator[Mistake]:
    function = function_in(value)
    if function is not None:
        yield _made(function, steps)
    elif isinstance(value, Marked):
        yield Mistake(steps, f"{printable(value.source)} is read as {_number(value)}quote it if it is text")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Mistake(steps, f"{value} is not a JSON number; quote it if it is text")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if type(item) not in _PLAIN:
                yield from _of_value(item, (*steps, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if function_of(key) is not None:
                yield from _of_value(key, (*steps, key))
            yield from _of_value(item, (*steps, key))


def _number(value: Any) -> str:
    try:
        return f"the number {value}; write {value}, or "
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return "a number of thousands of digits; "


def _made(function: str, steps: Steps) -> Mistake:
    told = f"CloudFormation makes this ({printable(function)}), so events cannot be checked against it; write it out"
    return Mistake(steps, told)
