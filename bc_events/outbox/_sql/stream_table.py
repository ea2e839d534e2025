"""StreamTable: rows that a stream takes from the log of the database, in transactions apart from the application's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events.errors import OutboxError
from bc_events.outbox._store.streamed import STREAMED, streamed

from . import schema
from .conflicts import repeated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.row import Row

    from .database import Database

_INSERT: Final = (
    f"INSERT INTO {schema.TABLE} ({', '.join(column.name for column in STREAMED)}) "
    f"VALUES ({', '.join('?' * len(STREAMED))})"
)
_DELETE: Final = f"DELETE FROM {schema.TABLE} WHERE id = ?"


class StreamTable:
    """No relay works on it: nobody but the transaction that inserts and deletes a row ever sees it."""

    def __init__(self, database: Database, limits: Limits) -> None:
        """`limits` are those of the requests that the rows are put into."""
        self._database = database
        self._limits = limits

    @repeated
    def add(self, rows: Sequence[Row]) -> None:
        """Inserts and deletes rows in one transaction: all or none. Raises `OutboxError`."""
        has_run = False
        one = self._database.dialect.one
        stamped = streamed(rows, self._limits)
        try:
            with self._database.transaction() as transaction:
                values = [[one(getattr(row, column.attribute)) for column in STREAMED] for row in stamped]
                transaction.run_many(self._sql(_INSERT), values)
                transaction.run_many(self._sql(_DELETE), [[one(row.id)] for row in stamped])
                has_run = True
        except OutboxError as error:
            error.may_be_stored = has_run  # then the commit failed, and its outcome is unknown
            raise

    def close(self) -> None:
        self._database.close()

    def _sql(self, sql: str) -> str:
        return sql.replace("?", self._database.placeholder)
