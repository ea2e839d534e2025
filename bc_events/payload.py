"""An event's data to exact JSON bytes, once; or the list of what in it cannot be JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson

from .errors import Violation

_BACKSLASH = ord("\\")
_MAX_DEPTH = 200


class UnserialisableError(Exception):
    """`violations` names every value in the data that JSON cannot carry exactly."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("the data cannot be written as JSON")
        self.violations = violations


def to_json(data: Any) -> bytes:
    """The data's JSON. Decimals keep their digits; what JSON would silently change raises `UnserialisableError`."""
    try:
        body = orjson.dumps(data, exactly)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise UnserialisableError(tuple(_faults(data, "", 0)) or (_unknown(error),)) from error
    # orjson writes NaN as null, and a NUL as an escape: only where one shows is the data walked.
    if body.rfind(b"null") >= 0 or (_BACKSLASH in body and b"\\u0000" in body):
        faults = tuple(_faults(data, "", 0))
        if faults:
            raise UnserialisableError(faults)
    return body


def exactly(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(str(value))
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _unknown(error: BaseException) -> Violation:
    return Violation("", "json", f"cannot be written as JSON ({type(error).__name__})")


def _faults(value: Any, path: str, depth: int) -> Iterator[Violation]:
    reason = _scalar_fault(value) if depth <= _MAX_DEPTH else "nests too deeply, or contains itself"
    if reason is not None:
        yield Violation(path, "json", reason)
    elif isinstance(value, Mapping):
        yield from _mapping_faults(value, path, depth)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _faults(item, f"{path}/{index}", depth + 1)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _faults(getattr(value, field.name), f"{path}/{field.name}", depth + 1)
    elif isinstance(value, Enum):
        yield from _faults(value.value, path, depth + 1)


def _mapping_faults(value: Mapping[Any, Any], path: str, depth: int) -> Iterator[Violation]:
    for key, item in value.items():
        reason = _text_fault(key) if isinstance(key, str) else f"a key is of type {type(key).__name__}, not a string"
        if reason is not None:
            yield Violation(path, "json", reason if not isinstance(key, str) else f"a key {reason}")
            continue
        escaped = key.replace("~", "~0").replace("/", "~1")
        yield from _faults(item, f"{path}/{escaped}", depth + 1)


def _scalar_fault(value: Any) -> str | None:
    """Why a value that has no parts cannot be JSON; None where it can, or has parts."""
    match value:
        case bool() | None | UUID() | date() | time():
            return None
        case Enum():
            return None
        case str():
            return _text_fault(value)
        case int():
            return None if -(2**63) <= value < 2**64 else "is an integer beyond 64 bits; send it as a string"
        case float():
            return None if math.isfinite(value) else "is NaN or infinite; JSON has no such number"
        case Decimal():
            return None if value.is_finite() else "is a Decimal NaN or infinity; JSON has no such number"
        case Mapping() | list() | tuple():
            return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return None
    return f"is a {type(value).__name__}, which has no JSON form; convert it first"


def _text_fault(value: str) -> str | None:
    if "\x00" in value:
        return "contains a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "contains a lone surrogate, which is not Unicode text"
    return None
