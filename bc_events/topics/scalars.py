"""The exact JSON form of a text, number, date, time or UUID of any class.

A subclass may override any method. So each form is made with the methods of the standard class. They run no code of the
caller, except that of a time zone.
"""

from __future__ import annotations

import math
import re
import sys
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Scalar = str | int | float | Decimal | None

# Methods, because freezegun replaces the names of the classes `date` and `datetime` in every module.
_date_of, _time_of, _offset_of = datetime.date, datetime.time, datetime.utcoffset
_combined, _parsed = datetime.combine, datetime.fromisoformat
_date_text, _time_text = date.isoformat, time.isoformat
_zone_of: Final[Callable[[datetime], Any]] = datetime.__dict__["tzinfo"].__get__
_zone_of_time: Final[Callable[[time], Any]] = time.__dict__["tzinfo"].__get__
_number_of: Final[Callable[[UUID], Any]] = UUID.__dict__["int"].__get__

_FINER: Final = re.compile(r"[.,][0-9]{6,}[1-9]")
_MINUTE: Final = timedelta(minutes=1)
_LARGEST: Final = Decimal(sys.float_info.max)
_LARGEST_ID: Final = 2**128


class NoJSONFormError(Exception):
    """A value has no exact JSON form. `reason` completes a sentence whose subject is the value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def text(value: str) -> str:
    """A str as plain text. Like every function here, it raises `NoJSONFormError`."""
    exact = str.__str__(value)
    if "\x00" in exact:
        raise NoJSONFormError("contains a NUL character")
    if not exact.isascii() and any("\ud800" <= character <= "\udfff" for character in exact):
        raise NoJSONFormError("contains a lone surrogate, which is not Unicode text")
    return exact


def integer(value: int) -> int:
    exact = int.__int__(value)
    if -(2**63) <= exact < 2**64:
        return exact
    raise NoJSONFormError("is an integer beyond 64 bits; send it as a string")


def real(value: float) -> float:
    exact = float.__float__(value)
    if math.isfinite(exact):
        return exact
    raise NoJSONFormError("is a float that is NaN or infinite; JSON has no such number")


def decimal(value: Decimal) -> Decimal:
    exact = Decimal(value)
    if not exact.is_finite():
        raise NoJSONFormError("is a Decimal that is NaN or infinite; JSON has no such number")
    if exact.copy_abs() > _LARGEST:
        raise NoJSONFormError("is a Decimal beyond what readers of JSON take as a number; send it as a string")
    return exact


def identity(value: UUID) -> str:
    number = _number_of(value)
    if type(number) is not int or not 0 <= number < _LARGEST_ID:
        raise NoJSONFormError("is a UUID without a number of 128 bits; make it anew")
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def moment(value: datetime) -> str:
    """RFC 3339. Without an offset if it has no time zone. In UTC if its offset has seconds, which RFC 3339 lacks."""
    zone = _zone_of(value)
    if (zone is None or zone is UTC) and type(value) in FORMS:
        return value.isoformat()
    local = _combined(_date_of(value), _time_of(value))
    if zone is None:
        return _agreed(value, local.isoformat(), local)
    offset = _offset_of(local.replace(tzinfo=zone))
    if offset is None:
        raise NoJSONFormError("is a datetime whose time zone gives no UTC offset; convert it to UTC")
    offset = timedelta.__pos__(offset)  # makes an instance of the standard class
    zoned = local.replace(tzinfo=timezone(offset))
    exact = zoned.astimezone(UTC) if offset % _MINUTE else zoned
    return _agreed(value, exact.isoformat(), zoned)


def _agreed(value: datetime, form: str, exact: datetime) -> str:
    """The form, if the subclass shows the same moment. NaT of pandas has the fields of a date but is not one."""
    if type(value) in FORMS or _is_form_of(value.isoformat(), exact):
        return form
    raise NoJSONFormError("is a datetime whose isoformat() says another moment; convert it first")


def _is_form_of(shown: str, exact: datetime) -> bool:
    if shown == exact.isoformat():  # compared as text first: Python misreads an offset of microseconds
        return True
    if _FINER.search(shown):  # Python reads no nanoseconds
        return False
    try:
        return _parsed(shown) == exact
    except ValueError:
        return False


def day(value: date) -> str:
    form = _date_text(value)
    if type(value) in FORMS or value.isoformat() == form:
        return form
    raise NoJSONFormError("is a date whose isoformat() says another day; convert it first")


def clock_time(value: time) -> str:
    if _zone_of_time(value) is not None:
        raise NoJSONFormError("is a time with a time zone, which has no JSON form; send a datetime")
    form = _time_text(value)
    if type(value) in FORMS or value.isoformat() == form:
        return form
    raise NoJSONFormError("is a time whose isoformat() says another time; convert it first")


def _unchanged(value: bool | None) -> bool | None:
    return value


FORMS: Final[Mapping[type, Callable[[Any], Scalar]]] = {
    str: text,
    int: integer,
    bool: _unchanged,
    type(None): _unchanged,
    float: real,
    Decimal: decimal,
    datetime: moment,
    date: day,
    time: clock_time,
    UUID: identity,
}
"""The form of each standard class. A subclass takes that of the first class here from which it derives."""
