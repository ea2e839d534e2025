"""What a schema in a definitions file says and surely does not mean: valid JSON Schema that no event could meet."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from .marked import Marked, function_of, unmarked
from .printable import printable
from .schemas import Mistake, refuse_multiplied

Steps = tuple[str | int, ...]

_DESCRIPTIVE: Final = frozenset({"title", "description", "$comment"})
_NAMED_SCHEMAS: Final = frozenset(
    {"properties", "patternProperties", "dependentSchemas", "dependencies", "definitions", "$defs"}
)
_SCHEMAS: Final = frozenset(
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
_VALUES: Final = frozenset(
    {
        *("$anchor", "$dynamicAnchor", "$dynamicRef", "$id", "$ref", "$schema", "const", "dependentRequired", "enum"),
        *("exclusiveMaximum", "exclusiveMinimum", "format", "id", "maxContains", "maxItems", "maxLength"),
        *("maxProperties", "maximum", "minContains", "minItems", "minLength", "minProperties", "minimum", "multipleOf"),
        *("pattern", "required", "type", "uniqueItems"),
    }
)
_PLAIN: Final = frozenset({str, int, bool, type(None)})
_IS_OF_TYPE: Final[Mapping[str, Callable[[Any], bool]]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: type(value) is int or (isinstance(value, float) and value.is_integer()),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list | tuple),
    "object": lambda value: isinstance(value, Mapping),
}


class SchemaReading:
    """One reading of the schemas of a file.

    It finds values that CloudFormation makes, numbers that YAML reads in its own way, and values that `type` refuses.
    A part that stands in several places, as aliases have it, is read once.
    """

    def __init__(self) -> None:
        self._mistakes: list[Mistake] = []
        self._seen: set[int] = set()
        self._is_settled = True

    def mistakes_in(self, schema: Any) -> list[Mistake]:
        """What is found in a schema; the caller keeps the schema while it reads others."""
        self._mistakes = []
        self._schema(schema, ())
        return self._mistakes

    def settled(self, schema: Any) -> Any:
        """A schema that was read, in plain data. Text for people is replaced where CloudFormation makes it."""
        if self._is_settled:
            return schema
        refuse_multiplied(schema)
        return _settled(schema)

    def _schema(self, schema: Any, steps: Steps) -> None:
        if type(schema) is bool or id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        self._is_settled = self._is_settled and not isinstance(schema, Marked)
        function = function_of(schema)
        if function is not None:
            self._mistakes.append(_made(function, steps))
        elif isinstance(schema, list):
            for index, item in enumerate(schema):
                self._schema(item, (*steps, index))
        elif isinstance(schema, Mapping):
            self._keywords(schema, steps)

    def _keywords(self, schema: Mapping[str, Any], steps: Steps) -> None:
        for keyword, part in schema.items():
            if keyword in _NAMED_SCHEMAS and isinstance(part, Mapping) and not isinstance(part, Marked):
                for name, item in part.items():
                    self._schema(item, (*steps, keyword, name))
            elif keyword in _SCHEMAS or keyword in _NAMED_SCHEMAS:
                self._schema(part, (*steps, keyword))
            elif keyword in _VALUES:
                self._value(part, (*steps, keyword))
            elif self._is_settled and type(part) is not str:
                self._is_settled = not _has_marks(part)
        if "type" in schema and ("enum" in schema or "const" in schema):
            self._mistakes += _of_other_type(schema, steps)

    def _value(self, value: Any, steps: Steps) -> None:
        found = [] if type(value) in _PLAIN else list(_of_value(value, steps))
        self._mistakes += found
        self._is_settled = self._is_settled and not found


def _settled(schema: Any, *, keyword: str | None = None) -> Any:
    function = function_of(schema) if keyword in _DESCRIPTIVE else None
    if function is not None and not isinstance(schema, str):
        return made_text(function)
    if isinstance(schema, Mapping):
        return {key: _settled(part, keyword=key) for key, part in schema.items()}
    return [_settled(part) for part in schema] if isinstance(schema, list) else unmarked(schema)


def made_text(function: str) -> str:
    """What stands for text that is known only to CloudFormation."""
    return f"(made by CloudFormation: {printable(function)})"


def _has_marks(part: Any) -> bool:
    """Also where a function is written in its long form, as text for people may be."""
    if isinstance(part, Marked) or function_of(part) is not None:
        return True
    parts = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    return any(map(_has_marks, parts))


def _of_value(value: Any, steps: Steps) -> Iterator[Mistake]:
    function = function_of(value)
    if function is not None:
        yield _made(function, steps)
    elif isinstance(value, Marked):
        yield Mistake(steps, f"{printable(value.source)} is read as {_number(value)}quote it if it is text")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Mistake(steps, f"{value} is no number of JSON; quote it if it is text")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if type(item) not in _PLAIN:
                yield from _of_value(item, (*steps, index))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _of_value(item, (*steps, key))


def _number(value: Any) -> str:
    try:
        return f"the number {value}; write {value}, or "
    except ValueError:  # Python writes no integers of more than 4,300 digits
        return "a number of thousands of digits; "


def _made(function: str, steps: Steps) -> Mistake:
    told = f"CloudFormation makes this ({printable(function)}), so events cannot be checked against it; write it out"
    return Mistake(steps, told)


def _of_other_type(schema: Mapping[str, Any], steps: Steps) -> Iterator[Mistake]:
    named = schema["type"]
    types = [named] if isinstance(named, str) else named
    if not isinstance(types, list) or not all(isinstance(one, str) and one in _IS_OF_TYPE for one in types):
        return
    values: list[tuple[Steps, Any]] = [(("const",), schema["const"])] if "const" in schema else []
    if isinstance(schema.get("enum"), list):
        values += [(("enum", index), value) for index, value in enumerate(schema["enum"])]
    for place, value in values:
        is_told = isinstance(value, Marked) or function_of(value) is not None
        if not is_told and not any(_IS_OF_TYPE[one](value) for one in types):
            told = (
                f"{_json(value)} is not of type {' or '.join(types)}, so no event could have it; quote it if it is text"
            )
            yield Mistake((*steps, *place), told)


def _json(value: Any) -> str:
    return printable(json.dumps(value, default=repr))
