"""Compiled JSON Schema checks. Formats are asserted; a message never shows a value unless asked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import jsonschema_rs

from .errors import Violation

HIDDEN: Final = "(hidden)"
_OLDER_DRAFTS: Final = (jsonschema_rs.Draft4Validator, jsonschema_rs.Draft6Validator, jsonschema_rs.Draft7Validator)
_UUID: Final = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LATER_FORMATS: Final = {"uuid": lambda text: _UUID.fullmatch(text) is not None}
"""Drafts before 2019-09 do not define it, and would let anything pass."""


class SchemaError(ValueError):
    """A schema that is not valid JSON Schema, or refers to what it does not contain."""


class Check:
    """One schema, compiled. `is_valid` is the fast question, `violations` the full answer."""

    __slots__ = ("_validator", "is_valid")

    def __init__(self, validator: Any) -> None:
        self._validator = validator
        self.is_valid = validator.is_valid

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
        validator = jsonschema_rs.validator_for(
            plain,
            validate_formats=True,
            ignore_unknown_formats=True,
            formats=_LATER_FORMATS if _is_older(plain) else None,
            mask=None if show_values else HIDDEN,
            retriever=_refuse,
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaError(f"at {_pointer(error.instance_path) or 'its root'}: {_unmasked(error)}") from error
    except (jsonschema_rs.ReferencingError, ValueError, RecursionError) as error:
        raise SchemaError(_unquoted_key(schema) or str(error).splitlines()[0]) from error
    return Check(validator)


def _is_older(schema: dict[str, Any] | bool) -> bool:
    return any(jsonschema_rs.validator_cls_for(schema) is draft for draft in _OLDER_DRAFTS)


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is outside this file; inline it under definitions")


def _as_sent(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _rule(schema_path: list[str | int]) -> str:
    return next((part for part in reversed(schema_path) if isinstance(part, str)), "schema")


def _unquoted_key(schema: object) -> str | None:
    """What is wrong with the first key that is not text, if one is: YAML reads on, yes and 1 as something else."""
    seen: set[int] = set()
    parts: list[tuple[str, object]] = [("", schema)]
    while parts:
        path, part = parts.pop()
        if id(part) in seen or not isinstance(part, Mapping | list):
            continue
        seen.add(id(part))
        for key, item in part.items() if isinstance(part, Mapping) else enumerate(part):
            if isinstance(part, Mapping) and not isinstance(key, str):
                return f"at {path or 'its root'}: the key {key!r} is a {type(key).__name__}; quote it to make it text"
            parts.append((path + _pointer([key]), item))
    return None


def _unmasked(error: jsonschema_rs.ValidationError) -> str:
    """A message about a schema, which is no payload."""
    return error.message.splitlines()[0].replace(HIDDEN, repr(error.instance))
