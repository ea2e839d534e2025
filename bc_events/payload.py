"""An event's data to exact JSON bytes, once; or the list of what in it cannot be JSON."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final
from uuid import UUID

import orjson

from .errors import Violation

OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS
"""orjson itself would skip fields that begin with an underscore, and write attributes that are no fields."""

_MAX_DEPTH: Final = 200
_LARGEST: Final = Decimal(sys.float_info.max)


class UnserialisableError(Exception):
    """`violations` names every value in the data that JSON cannot carry exactly."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("the data cannot be written as JSON")
        self.violations = violations


def to_json(data: Any) -> bytes:
    """The data's JSON. Decimals keep their digits; what JSON would silently change raises `UnserialisableError`."""
    try:
        body = orjson.dumps(data, exactly, OPTIONS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise UnserialisableError(tuple(_faults(data, "", ())) or (_unknown(error),)) from error
    if not is_exact(data, body):
        faults = tuple(_faults(data, "", ()))
        if faults:
            raise UnserialisableError(faults)
    return body


def is_exact(data: Any, body: bytes) -> bool:
    """Whether `body` surely says what `data` does: orjson writes NaN as null, and a NUL as an escape."""
    return b"\\u0000" not in body and (b"null" not in body or _is_finite(data))


def exactly(value: Any) -> Any:
    """What has no JSON form for orjson, in one that it has. Raises TypeError."""
    if isinstance(value, Decimal):
        if value.is_finite() and value.copy_abs() <= _LARGEST:
            return orjson.Fragment(str(value))
        raise TypeError
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, float):  # a subclass: numpy's, say
        return float(value)
    if isinstance(value, date):  # a subclass: freezegun's or pendulum's
        return value.isoformat()
    if isinstance(value, UUID):  # a subclass: asyncpg's
        return str(value)
    raise TypeError


def _is_finite(data: Any) -> bool:
    """Whether no float in it is NaN or infinite. json's C code answers ten times as fast as a walk in Python."""
    try:
        json.dumps(data, allow_nan=False, ensure_ascii=False, default=_without_scalars)
    except ValueError:
        return False
    return True


def _without_scalars(value: Any) -> Any:
    if isinstance(value, Decimal | UUID | date | time):
        return None
    return value.value if isinstance(value, Enum) else _plain(value)


def _unknown(error: BaseException) -> Violation:
    return Violation("", "json", f"cannot be written as JSON ({type(error).__name__})")


def _faults(value: Any, path: str, around: tuple[int, ...]) -> Iterator[Violation]:
    """`around` has the ids of the containers that the value is in."""
    reason = _fault(value, around)
    if reason is not None:
        yield Violation(path, "json", reason)
    elif isinstance(value, Enum):
        yield from _faults(value.value, path, around)
    elif isinstance(value, Mapping):
        yield from _mapping_faults(value, path, (*around, id(value)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _faults(item, f"{path}/{index}", (*around, id(value)))
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from _faults(getattr(value, field.name), f"{path}/{field.name}", (*around, id(value)))


def _mapping_faults(value: Mapping[Any, Any], path: str, around: tuple[int, ...]) -> Iterator[Violation]:
    for key, item in value.items():
        reason = _key_fault(key)
        if reason is not None:
            yield Violation(path, "json", f"a key {reason}")
            continue
        escaped = key.replace("~", "~0").replace("/", "~1")
        yield from _faults(item, f"{path}/{escaped}", around)


def _key_fault(key: object) -> str | None:
    if type(key) is not str:
        return f"is of type {type(key).__name__}, not a plain string; convert it with str()"
    return _text_fault(key)


def _fault(value: Any, around: tuple[int, ...]) -> str | None:
    """Why a value cannot be JSON, its parts aside."""
    if id(value) in around:
        return "contains itself"
    if len(around) > _MAX_DEPTH:
        return f"nests more than {_MAX_DEPTH} levels deep"
    match value:
        case Enum() | bool() | None | UUID() | date():
            return None
        case str():
            return _text_fault(value)
        case int() | float() | Decimal():
            return _number_fault(value)
    return _type_fault(value)


def _number_fault(value: float | Decimal) -> str | None:
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**64 else "is an integer beyond 64 bits; send it as a string"
    if not (value.is_finite() if isinstance(value, Decimal) else math.isfinite(value)):
        return f"is a {type(value).__name__} that is NaN or infinite; JSON has no such number"
    if isinstance(value, Decimal) and value.copy_abs() > _LARGEST:
        return "is a Decimal beyond what readers of JSON take as a number; send it as a string"
    return None


def _type_fault(value: object) -> str | None:
    if type(value) is time:
        return None if value.tzinfo is None else "is a time with a time zone, which has no JSON form; send a datetime"
    if isinstance(value, Mapping | list) or type(value) is tuple:
        return None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return None
    if isinstance(value, tuple):
        return f"is a named tuple ({type(value).__name__}), which could be an object or a list; convert it first"
    return f"is a {type(value).__name__}, which has no JSON form; convert it first"


def _text_fault(value: str) -> str | None:
    if "\x00" in value:
        return "contains a NUL character"
    if any("\ud800" <= character <= "\udfff" for character in value):
        return "contains a lone surrogate, which is not Unicode text"
    return None
