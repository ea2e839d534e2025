"""Serialise an event's data to exact JSON, or list the values that have no exact JSON form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bc_events.errors import Violation

from .plain import TOO_DEEP, PlainCopy, TooLargeError

if TYPE_CHECKING:
    from decimal import Decimal

OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
"""orjson gets only plain data. With these options it refuses other values that another thread adds meanwhile."""


class UnserialisableError(Exception):
    """`violations` has one item for each value that JSON cannot carry exactly."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("the data cannot be written as JSON")
        self.violations = violations


def to_json(data: Any) -> bytes:
    """The data as JSON. Decimals keep their digits. A value that JSON would change raises `UnserialisableError`."""
    return written(to_plain(data))


def written(plain: Any) -> bytes:
    """Plain data as JSON. Raises `UnserialisableError` if a part that is used in two places is too deep in one."""
    try:
        return orjson.dumps(plain, digits, OPTIONS)
    except orjson.JSONEncodeError as error:
        raise UnserialisableError((Violation("", "json", TOO_DEEP),)) from error


def to_plain(data: Any) -> Any:
    """A copy of the data in exact dicts, lists and scalars. Raises `UnserialisableError`."""
    try:
        copy = PlainCopy(data)
    except TooLargeError as error:
        fault = "is larger than a whole request may be; send less data, or a reference to it"
        raise UnserialisableError((Violation("", "size", fault),)) from error
    if copy.violations:
        raise UnserialisableError(tuple(copy.violations))
    return copy.data


def digits(value: Decimal) -> orjson.Fragment:
    """A Decimal with all its digits, for orjson."""
    return orjson.Fragment(str(value))
