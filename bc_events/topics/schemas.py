"""Compile JSON Schemas, and check data with them. Formats are asserted. Messages show values only if asked to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import islice
from typing import Any, Final

import jsonschema_rs

from bc_events.errors import MOST_VIOLATIONS, Violation, kind_of, printable

from .keywords import DATA, NAMED_SCHEMAS
from .marked import Marked, unmarked

_MASK: Final = "(hidden)"
"""In the place of a value, which may be personal data."""
MAX_SIZE: Final = 100_000
"""The most values in a schema. A value in several places counts several times."""
_MAX_DEPTH: Final = 255
"""The most levels in a schema: the compiler takes no more."""
_LONGEST_MESSAGE: Final = 500
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})
_CURRENT_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DECLARE: Final = 'this is of an older draft: declare it, such as "$schema": "http://json-schema.org/draft-04/schema#"'
_TYPES: Final = "one of array, boolean, integer, null (in quotes), number, object and string, or a list of them"
_OLDER_DRAFTS: Final = (jsonschema_rs.Draft4Validator, jsonschema_rs.Draft6Validator, jsonschema_rs.Draft7Validator)
_UUID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DATE_TIME: Final = "(RFC 3339, with a time zone, as datetime.now(UTC) has)"
_LATER_FORMATS: Final = {"uuid": lambda text: _UUID.fullmatch(text) is not None}
"""Drafts before 2019-09 do not define it, and would accept any text."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake at one place of a schema. `steps` are the keys and indexes that lead to the place."""

    steps: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        return f"at {printable(_pointer(self.steps)) or 'its root'}: {self.message}"


class SchemaError(ValueError):
    """A schema is not valid JSON Schema, or refers to a part that does not exist. `mistakes` has all reasons."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(mistakes)
        super().__init__("; ".join(str(mistake) for mistake in self.mistakes))

    def __reduce__(self) -> tuple[type, tuple[tuple[Mistake, ...]]]:
        return type(self), (self.mistakes,)


class Check:
    """One compiled schema. `is_valid` is fast; `violations` lists all that is wrong."""

    __slots__ = ("_validator", "is_valid")

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.is_valid: Callable[[Any], bool] = validator.is_valid

    def violations(self, data: Any) -> tuple[Violation, ...]:
        """The violations of the schema, with paths; at most the first `MOST_VIOLATIONS`."""
        return tuple(
            Violation(
                _pointer(error.instance_path),
                _rule(error.schema_path),
                _shown(_explained(error.message.replace(_MASK, "the value"))),
            )
            for error in islice(self._validator.iter_errors(data), MOST_VIOLATIONS)
        )

    def violations_as_sent(self, body: bytes) -> tuple[Violation, ...]:
        """`violations` of data that is serialised already."""
        return self.violations(_as_sent(body))


def _explained(message: str) -> str:
    """A datetime without a time zone is the usual reason, and the validator does not name it."""
    return f"{message} {_DATE_TIME}" if message.endswith('is not a "date-time"') else message


def compile_schema(schema: Mapping[str, Any] | bool, *, show_values: bool = False) -> Check:
    """Raises `SchemaError` where a schema breaks its metaschema, or has a reference to a part that does not exist."""
    refuse_multiplied(schema)
    plain = dict(schema) if isinstance(schema, Mapping) else schema
    try:
        validator = jsonschema_rs.validator_for(
            plain,
            validate_formats=True,
            ignore_unknown_formats=True,
            formats=_LATER_FORMATS if _is_older(plain) else None,
            mask=None if show_values else _MASK,
            retriever=_refuse,
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaError(_breaches(plain) or [_mistake(error)]) from error
    except (jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
        raise SchemaError(not_json(schema) or [Mistake((), _shown(str(error).splitlines()[0]))]) from error
    return Check(validator)


def refuse_multiplied(schema: Mapping[str, Any] | bool) -> None:
    """Raises `SchemaError` for a schema that is too large: a part in many places is compiled for each of them."""
    level: list[Any] = [schema]
    left = MAX_SIZE
    for _ in range(_MAX_DEPTH):
        below: list[Any] = []
        for part in level:
            # A dict is tested first, because isinstance with Mapping is much slower.
            items = part.values() if isinstance(part, dict | Mapping) else part if isinstance(part, list) else ()
            left -= len(items)
            if left < 0:
                told = f"has more than {MAX_SIZE:,} values, or contains itself; use $ref for parts that repeat"
                raise SchemaError([Mistake((), told)])
            below += [item for item in items if type(item) not in _SCALARS]
        level = below
        if not level:
            return
    told = f"has more than {_MAX_DEPTH} levels, or contains itself; use $ref for parts that repeat"
    raise SchemaError([Mistake((), told)])


def _breaches(schema: Mapping[str, Any] | bool) -> list[Mistake]:
    """All mistakes by the metaschema. The compiler itself stops at the first."""
    named = schema.get("$schema", _CURRENT_DRAFT) if isinstance(schema, dict) else _CURRENT_DRAFT
    try:
        metaschema = jsonschema_rs.validator_for({"$schema": named, "$ref": named}, validate_formats=True)
        return list(dict.fromkeys(_mistake(error, schema) for error in metaschema.iter_errors(schema)))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError):
        return []


def _mistake(error: jsonschema_rs.ValidationError, schema: object = None) -> Mistake:
    if error.instance_path[-1:] == ["type"] and error.schema_path[-1:] == ["anyOf"]:
        told = f"{json.dumps(error.instance, default=repr)} is not a type of JSON Schema; give {_TYPES}"
        return Mistake(tuple(error.instance_path), _shown(told))
    remedy = ""
    if error.instance_path and _is_of_older_draft(error.instance_path[-1], error.instance):
        is_undeclared = isinstance(schema, dict) and "$schema" not in schema
        remedy = f"; {_DECLARE}" if is_undeclared else ""
    return Mistake(tuple(error.instance_path), _shown(_unmasked(error)) + remedy)


def _is_of_older_draft(keyword: str | int, value: object) -> bool:
    return (keyword == "items" and isinstance(value, list)) or (
        keyword in ("exclusiveMinimum", "exclusiveMaximum") and isinstance(value, bool)
    )


def unknown_formats(schema: object) -> Iterator[tuple[str, str]]:
    """The JSON Pointer of each format in a valid schema that is not checked, with that format."""
    yield from _unknown_formats(schema, "")


def _unknown_formats(schema: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _unknown_formats(item, f"{path}/{index}")
    if not isinstance(schema, Mapping):
        return
    named = schema.get("format")
    if isinstance(named, str) and not _is_known(named):
        yield path, named
    for keyword, part in schema.items():
        if keyword in NAMED_SCHEMAS and isinstance(part, Mapping):
            for name, item in part.items():
                yield from _unknown_formats(item, path + _pointer([keyword, name]))
        elif keyword not in DATA:
            yield from _unknown_formats(part, path + _pointer([keyword]))


@cache
def _is_known(named: str) -> bool:
    try:
        jsonschema_rs.validator_for({"format": named}, validate_formats=True, ignore_unknown_formats=False)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return True


def _is_older(schema: dict[str, Any] | bool) -> bool:
    return any(jsonschema_rs.validator_cls_for(schema) is draft for draft in _OLDER_DRAFTS)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is outside this file; inline it under definitions")


def _as_sent(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def _pointer(path: Sequence[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _rule(schema_path: list[str | int]) -> str:
    return next((part for part in reversed(schema_path) if isinstance(part, str)), "schema")


def not_json(schema: object) -> list[Mistake]:
    """Parts that JSON cannot have: keys that are not text, as YAML reads on, yes and 1; and values such as sets."""
    found: list[Mistake] = []
    seen: set[int] = set()
    parts: list[tuple[tuple[str | int, ...], object]] = [((), schema)]
    for steps, part in parts:  # the loop adds to it
        if isinstance(part, Mapping | list | tuple) and id(part) not in seen:
            seen.add(id(part))
            if isinstance(part, Mapping):
                found += [Mistake(steps, _unquoted(key)) for key in part if not isinstance(key, str)]
            items = part.items() if isinstance(part, Mapping) else enumerate(part)
            parts += [((*steps, key), item) for key, item in items if type(item) not in _SCALARS]
        elif not isinstance(part, Mapping | list | tuple | str | int | float | Decimal | Enum | None):
            found.append(Mistake(steps, f"{kind_of(part)} is not a JSON value; write it as one, such as text"))
    return found


def _unquoted(key: object) -> str:
    shown = key.source if isinstance(key, Marked) else repr(key)
    return f"the key {printable(shown)} is {kind_of(unmarked(key))}; quote it to make it text"


def _shown(message: str) -> str:
    return printable(message, max_length=_LONGEST_MESSAGE)


def _unmasked(error: jsonschema_rs.ValidationError) -> str:
    """A message about a schema. It may show values, because a schema is not an event's data."""
    return error.message.splitlines()[0].replace(_MASK, repr(error.instance))
