"""Archive: the table of delivered events, which an outbox with a `keep` has moved there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bc_events.outbox._store.columns import SENT_COLUMNS

from . import partitions, schema
from .history_sql import HistoryQuery
from .row_reading import read_archived_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from bc_events.outbox._store.archived_row import ArchivedRow
    from bc_events.outbox._store.row import Row

    from .database import Database

    Run = Callable[..., list[tuple[Any, ...]]]

_AT_ONCE: Final = 1_000
"""Rows that one transaction deletes. Other relays may wait for it."""


class Archive:
    """`keep` is in seconds. A `run` runs a statement, with its parameters, in an open transaction."""

    def __init__(self, database: Database, keep: float | None) -> None:
        self._database = database
        self._dialect = database.dialect
        self.keep = keep

    def take(self, run: Run, lease: UUID, rows: Sequence[Row]) -> None:
        """Copies those rows that the lease still has, and locks them. The caller deletes them in this transaction."""
        if self.keep is None or not rows:
            return
        dialect = self._dialect
        values = {column.name: f"o.{column.name}" for column in SENT_COLUMNS}
        values["type"] = f"substr(o.type, 1, {schema.LONGEST_KEY})"
        values["sent_at"] = dialect.now
        values["attempts"] = "o.attempts + 1"
        values["idempotency_key"] = "o.batch"
        values["api_event_id"] = "n.api_event_id"
        given = dialect.columns([row.seq for row in rows], [row.api_event_id for row in rows])
        run(
            f"INSERT INTO {schema.SENT} ({', '.join(values)}) SELECT {', '.join(values.values())} "
            f"FROM {dialect.table(seq='bigint', api_event_id='text')} {dialect.then} {schema.TABLE} o ON o.seq = n.seq "
            f"WHERE o.lease = ? ORDER BY o.seq{dialect.lock}",
            *given,
            dialect.one(lease),
        )

    def history(
        self,
        *,
        ids: Sequence[UUID],
        job_id: str | None,
        topic: str | None,
        since: float | None,
        until: float | None,
        limit: int,
    ) -> list[ArchivedRow]:
        """See `Store.history`."""
        query = HistoryQuery.of(self._dialect, ids=ids, job_id=job_id, topic=topic, since=since, until=until)
        forbid_sort = self._dialect.forbid_sort
        with self._database.transaction() if forbid_sort else self._database.reading() as transaction:
            if forbid_sort:
                transaction.run(forbid_sort)  # PostgreSQL would sort a job, if it takes it for a short one
            found = transaction.run(self._sql(query.statement()), [*query.parameters, limit])
        return [read_archived_row(values) for values in found]

    def purge(self) -> bool:
        """See `Store.purge_sent`."""
        if self.keep is None:
            return False
        with self._database.transaction() as transaction:
            ((now,),) = transaction.run(f"SELECT {self._dialect.now}")
        table = schema.SENT
        if self._dialect.name == "postgresql":
            table = partitions.maintained(self._database, now, before=now - self.keep)
        with self._database.transaction() as transaction:
            return transaction.count(self._sql(self._deletion(table)), [now - self.keep]) > 0

    def _deletion(self, table: str) -> str:
        """Deletes the oldest rows before a time, its parameter."""
        old = f"SELECT {{}} FROM {table} WHERE sent_at < ? ORDER BY sent_at, seq LIMIT {_AT_ONCE}"
        if self._dialect.name == "mysql":
            return f"DELETE FROM {table} WHERE sent_at < ? ORDER BY sent_at, seq LIMIT {_AT_ONCE}"
        if self._dialect.name == "sqlite":
            return f"DELETE FROM {table} WHERE rowid IN ({old.format('rowid')})"
        key = ", ".join(schema.SENT_KEY)
        return f"DELETE FROM {table} WHERE ({key}) IN ({old.format(key)} FOR UPDATE SKIP LOCKED)"

    def _sql(self, sql: str) -> str:
        return sql.replace("?", self._database.placeholder)
