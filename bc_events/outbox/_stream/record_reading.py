"""Reads the row of an outbox from a record. Another program may have written anything into it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from bc_events.constants import MAX_REQUEST_EVENTS
from bc_events.outbox._store.envelope import fault_of
from bc_events.outbox._store.row import Row

from . import headers

if TYPE_CHECKING:
    from .record import StreamRecord, Text

_NEEDED: Final = (headers.ID, headers.REQUEST_KEY, headers.REQUEST_PLACE, headers.REQUEST_SIZE)
_CONFIGURE: Final = "set table.fields.additional.placement of the event router as the how-to shows"


class UnreadableRecordError(ValueError):
    """Its text says what is wrong. It shows no value."""


def row_of(record: StreamRecord) -> Row | None:
    """The row that a stream's outbox wrote. None for a row that a relay sends: it is in no request.

    `batch_first` is its place in its request, and `batch_last` the size of that. A row with a `fault` cannot be sent.
    Raises `UnreadableRecordError` for a record that does not say to which request it belongs.
    """
    found = _Headers(record)
    if found.absent:
        raise UnreadableRecordError(f"it has no header {found.absent[0]}; {_CONFIGURE}")
    if found.text(headers.REQUEST_KEY) is None:
        return None
    size = found.whole(headers.REQUEST_SIZE, MAX_REQUEST_EVENTS)
    row = Row(
        id=found.uuid(headers.ID),
        category="",
        job_id="",
        topic="",
        payload="",
        created_at=time.time(),
        service="",
        batch=found.uuid(headers.REQUEST_KEY),
        batch_first=found.whole(headers.REQUEST_PLACE, size),
        batch_last=size,
    )
    try:
        return _filled(row, record, found)
    except UnreadableRecordError as error:
        return replace(row, fault=str(error))


def _filled(row: Row, record: StreamRecord, found: _Headers) -> Row:
    payload = _needed(_text(record.payload, "payload"), "payload")
    fault = fault_of(payload)
    if fault is not None:
        raise UnreadableRecordError(f"its payload is not {fault}; the value.converter has to be StringConverter")
    return replace(
        row,
        job_id=_needed(_text(record.key, "key"), "key"),
        topic=found.text(headers.TOPIC) or "",
        payload=payload,
        service=found.text(headers.SERVICE) or "",
        trace=found.text(headers.TRACE),
    )


class _Headers:
    """`absent` are the names of needed headers that the record does not have at all."""

    def __init__(self, record: StreamRecord) -> None:
        given = record.headers
        self._found = dict(given.items() if isinstance(given, Mapping) else given)
        self.absent = [name for name in _NEEDED if name not in self._found]

    def text(self, name: str) -> str | None:
        return _text(self._found.get(name), f"header {name}")

    def uuid(self, name: str) -> UUID:
        """MariaDB and MySQL have UUIDs as 32 digits."""
        try:
            return UUID(self.text(name) or "")
        except ValueError as error:
            raise UnreadableRecordError(f"its header {name} is not a UUID") from error

    def whole(self, name: str, most: int) -> int:
        """A number from 1 to `most`."""
        text = self.text(name) or ""
        is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
        number = int(text) if is_number else 0
        if not 1 <= number <= most:
            raise UnreadableRecordError(f"its header {name} is not a number that is possible here")
        return number


def _text(value: Text, name: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise UnreadableRecordError(f"its {name} is not text") from error


def _needed(value: str | None, name: str) -> str:
    if value is None:
        raise UnreadableRecordError(f"it has no {name}")
    return value
