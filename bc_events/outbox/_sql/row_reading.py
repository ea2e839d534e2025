"""Reads a `Row` from the columns of the table. Another program may have written anything into them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from bc_events.outbox._store.archived_row import ArchivedRow
from bc_events.outbox._store.columns import COLUMNS, NAMES, SENT_COLUMNS
from bc_events.outbox._store.envelope import fault_of
from bc_events.outbox._store.row import Row
from bc_events.outbox._store.sealing import UnopenableError, is_sealed

from .usual_row import usual_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.outbox._store.columns import TableColumn
    from bc_events.outbox._store.sealing import Sealing

    from .dialect import Dialect

_LONGEST_TEXT: Final = 10_000
_LARGEST_PAYLOAD: Final = 64 << 20
"""Bytes. No request holds more, and reading it would cost the relay its memory."""
_EARLIEST: Final = -62_135_596_800
_LATEST: Final = 253_402_300_799
"""Seconds of the Unix epoch between which a time is a date: of the years 1 and 9999."""
_MOST_ATTEMPTS: Final = 2**31 - 2  # PostgreSQL's integer has room for one more
_MOST_SEQ: Final = 2**63 - 1
_T = TypeVar("_T")


def selection(dialect: Dialect, columns: Sequence[TableColumn] = COLUMNS) -> str:
    """The columns of `o`, for `read_row` or `read_archived_row`. No driver fails on their values."""
    return ", ".join(_selected(dialect, column) for column in columns)


def _selected(dialect: Dialect, column: TableColumn) -> str:
    name = f"o.{column.name}"
    if column.name == "payload":
        return dialect.whole_text(name, _LARGEST_PAYLOAD)
    return dialect.text(name, _LONGEST_TEXT) if column.kind == "text" else dialect.value(name)


def read_row(values: Sequence[Any]) -> Row:
    """The row whose columns have the values of `selection`.

    A row with a value that cannot be read has a `fault`, and a harmless value in its place.
    """
    usual = usual_row(values)
    if usual is not None:
        return usual
    found = _Values(dict(zip(NAMES, values, strict=True)))
    seq: int = found.raw["seq"]
    payload = found.needed("payload", _text, None)
    if payload is not None and not is_sealed(payload):
        found.raw["payload"] = payload
        found.needed("payload", _check_envelope, None)
    batch = found.optional("batch", _uuid)
    return Row(
        id=found.needed("id", _uuid, UUID(int=abs(seq))),
        category=found.needed("aggregatetype", _text, ""),
        job_id=found.needed("aggregateid", _text, ""),
        topic=found.needed("type", _text, ""),
        payload=payload or "",
        created_at=found.needed("created_at", _time, 0.0),
        service=found.needed("service", _text, ""),
        trace=found.optional("trace", _text),
        seq=seq,
        available_at=found.needed("available_at", _time, 0.0),
        attempts=found.needed("attempts", _whole(0, _MOST_ATTEMPTS), 0),
        lease=found.optional("lease", _uuid),
        batch=batch,
        batch_first=None if batch is None else found.needed("batch_first", _whole(-_MOST_SEQ, seq), seq),
        batch_last=None if batch is None else found.needed("batch_last", _whole(seq, _MOST_SEQ), seq),
        last_error=found.optional("last_error", _text),
        dead_at=found.optional("dead_at", _time),
        fault=found.fault,
        is_sealed=payload is not None and is_sealed(payload),
    )


def open_row(row: Row, sealing: Sealing) -> Row:
    """The row with its envelope, ready to be sent; or with a `fault`, if the envelope cannot be opened.

    Raises `OutboxError` if there is no key now.
    """
    if not row.is_sealed or row.fault is not None:
        return row
    try:
        payload = sealing.opened(row.payload)
    except UnopenableError as error:
        return replace(row, fault=str(error))
    found = _Values({"payload": payload})
    found.needed("payload", _check_envelope, None)
    return replace(row, payload=payload, fault=found.fault)


def read_archived_row(values: Sequence[Any]) -> ArchivedRow:
    """The row of the archive whose columns have the values of `selection`. A value that cannot be read is left out."""
    found = _Values(dict(zip((column.name for column in SENT_COLUMNS), values, strict=True)))
    return ArchivedRow(
        id=found.needed("id", _uuid, UUID(int=0)),
        category=found.needed("aggregatetype", _text, ""),
        job_id=found.needed("aggregateid", _text, ""),
        topic=found.needed("type", _text, ""),
        payload=found.optional("payload", _text),
        created_at=found.needed("created_at", _time, 0.0),
        sent_at=found.needed("sent_at", _time, 0.0),
        attempts=found.needed("attempts", _whole(0, _MOST_SEQ), 0),
        idempotency_key=found.optional("idempotency_key", _uuid),
        api_event_id=found.optional("api_event_id", _text),
        service=found.needed("service", _text, ""),
        trace=found.optional("trace", _text),
    )


class _UnreadableError(ValueError):
    """Its text says what the value should be. It does not show the value."""


class _Values:
    """`faults` names the columns that could not be read."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.faults: list[str] = []

    @property
    def fault(self) -> str | None:
        return f"the row cannot be read: {', '.join(self.faults)}" if self.faults else None

    def needed(self, column: str, read: Callable[[Any], _T], stand_in: _T) -> _T:
        try:
            return read(self.raw[column])
        except _UnreadableError as error:
            self.faults.append(f"{column} is not {error}")
            return stand_in

    def optional(self, column: str, read: Callable[[Any], _T]) -> _T | None:
        return None if self.raw[column] is None else self.needed(column, read, None)


def _text(value: Any) -> str:
    """Text of SQLite is selected as bytes: see `Dialect.value`."""
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        raise _UnreadableError("text")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise _UnreadableError("text") from error


def _check_envelope(text: str) -> None:
    fault = fault_of(text)
    if fault is not None:
        raise _UnreadableError(fault)


def _uuid(value: Any) -> UUID:
    if isinstance(value, UUID):
        return value
    try:
        return UUID(_text(value))
    except ValueError as error:
        raise _UnreadableError("a UUID") from error


def _time(value: Any) -> float:
    is_number = isinstance(value, int | float)
    if not is_number or not _EARLIEST <= value <= _LATEST:  # NaN is in no range
        raise _UnreadableError("a time")
    return float(value)


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, int) or not least <= value <= most:
            raise _UnreadableError("a number that is possible here")
        return value

    return read
