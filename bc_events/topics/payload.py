"""An event's data to exact JSON bytes, once; or the list of what in it cannot be JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from bc_events.errors import Violation

from .plain import TOO_DEEP, PlainCopy, TooLargeError

if TYPE_CHECKING:
    from decimal import Decimal

OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
"""Only plain data is given to orjson. These see to it that it refuses what another thread puts there meanwhile."""


class UnserialisableError(Exception):
    """`violations` names every value in the data that JSON cannot carry exactly."""

    def __init__(self, violations: tuple[Violation, ...]) -> None:
        super().__init__("the data cannot be written as JSON")
        self.violations = violations


def to_json(data: Any) -> bytes:
    """The data's JSON. Decimals keep their digits; what JSON would silently change raises `UnserialisableError`."""
    return written(to_plain(data))


def written(plain: Any) -> bytes:
    """Plain data as JSON. Raises `UnserialisableError` if a part that stands in two places is too deep in one."""
    try:
        return orjson.dumps(plain, digits, OPTIONS)
    except orjson.JSONEncodeError as error:
        raise UnserialisableError((Violation("", "json", TOO_DEEP),)) from error


def to_plain(data: Any) -> Any:
    """The data in exact dicts, lists and scalars. Raises `UnserialisableError`."""
    try:
        copy = PlainCopy(data)
    except TooLargeError as error:
        fault = "is larger than a whole request may be; send less data, or a reference to it"
        raise UnserialisableError((Violation("", "size", fault),)) from error
    if copy.violations:
        raise UnserialisableError(tuple(copy.violations))
    return copy.data


def digits(value: Decimal) -> orjson.Fragment:
    """A Decimal of plain data, digit for digit."""
    return orjson.Fragment(str(value))
