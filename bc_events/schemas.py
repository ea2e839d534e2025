"""Compiled JSON Schema checks. Formats are asserted; a message never shows a value unless asked."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from .errors import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN: Final = "(hidden)"


class SchemaError(ValueError):
    """A schema that is not valid JSON Schema, or refers to what it does not contain."""


class Check:
    """One schema, compiled. `is_valid` is the fast question, `violations` the full answer."""

    __slots__ = ("_validator", "is_valid")

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.is_valid = validator.is_valid

    def accepts(self, data: Any, body: bytes) -> bool:
        """Whether data holds. What has no JSON type of its own (UUID, datetime …) is checked as it was serialised."""
        try:
            return bool(self.is_valid(data))
        except ValueError:
            return bool(self.is_valid(_as_sent(body)))

    def violations(self, data: Any) -> tuple[Violation, ...]:
        """Every breach of the schema, with paths."""
        return tuple(
            Violation(_pointer(error.instance_path), _rule(error.schema_path), error.message)
            for error in self._validator.iter_errors(data)
        )

    def violations_as_sent(self, body: bytes) -> tuple[Violation, ...]:
        """Like `violations`, for data already serialised."""
        return self.violations(_as_sent(body))


def compile_schema(schema: Mapping[str, Any] | bool, *, show_values: bool = False) -> Check:
    """Raises `SchemaError` where the schema breaks its metaschema or has a reference that leads nowhere."""
    plain = schema if isinstance(schema, bool) else dict(schema)
    try:
        jsonschema_rs.meta.validate(plain)
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise SchemaError(_meta_message(error)) from error
    try:
        validator = jsonschema_rs.validator_for(
            plain,
            validate_formats=True,
            ignore_unknown_formats=True,
            mask=None if show_values else HIDDEN,
            retriever=_refuse,
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
        raise SchemaError(str(error).splitlines()[0]) from error
    return Check(validator)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is outside this file; inline it under definitions")


def _as_sent(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _rule(schema_path: list[str | int]) -> str:
    return next((part for part in reversed(schema_path) if isinstance(part, str)), "schema")


def _meta_message(error: Exception) -> str:
    if isinstance(error, jsonschema_rs.ValidationError):
        return f"at {_pointer(error.instance_path) or 'its root'}: {error.message}"
    return str(error).splitlines()[0]
