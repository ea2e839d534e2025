"""The statements that write the rows of events as part of a transaction: rows that stay, or rows of a stream."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam

from bc_events.outbox._store.columns import GIVEN
from bc_events.outbox._store.row import Row
from bc_events.outbox._store.sealing import PLAIN, Sealing
from bc_events.outbox._store.streamed import STREAMED, streamed

if TYPE_CHECKING:
    from sqlalchemy import Executable, Table

    from bc_events.event import Event
    from bc_events.outbox._store.columns import TableColumn

Parameters = list[dict[str, object]]
Statements = Callable[["Table", Sequence["Event"]], "list[tuple[Executable, Parameters]]"]
"""Each statement is executed once for each row of its parameters."""


def stored_rows(
    table: Table, events: Sequence[Event], *, sealing: Sealing = PLAIN
) -> list[tuple[Executable, Parameters]]:
    """Rows that stay until a relay has sent them. Raises `OutboxError` if one cannot be sealed."""
    return [(table.insert(), [_values(sealing.sealed(row), GIVEN) for row in _rows(events)])]


def streamed_rows(table: Table, events: Sequence[Event]) -> list[tuple[Executable, Parameters]]:
    """Rows that are in the log of the database alone: the transaction that inserts them deletes them too."""
    rows = streamed(_rows(events), _unit(events[0]).client.limits)
    # Each DELETE names one row, which is found through the index of the ids. For a list of ids, MySQL may read the
    # whole table, and would wait for rows that other transactions have inserted.
    delete = table.delete().where(table.c.id == bindparam("row_id"))
    return [
        (table.insert(), [_values(row, STREAMED) for row in rows]),
        (delete, [{"row_id": row.id} for row in rows]),
    ]


def _rows(events: Sequence[Event]) -> list[Row]:
    return [Row.of(event, _unit(event).client.service_name) for event in events]


def _values(row: Row, columns: Sequence[TableColumn]) -> dict[str, object]:
    return {column.name: getattr(row, column.attribute) for column in columns}


def _unit(event: Event) -> Any:
    return event.origin
