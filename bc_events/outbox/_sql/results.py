"""Results: what a relay's transaction writes of rows that it claims, that were delivered, failed, or cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bc_events.outbox._store.store import Failure

from . import schema
from .batches import stamps_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from bc_events._delivery.request import Request
    from bc_events.outbox._store.row import Row

    from .dialect import Dialect

NO_BATCH: Final = {"batch": "NULL", "batch_first": "NULL", "batch_last": "NULL"}
UNSTAMPED: Final = ", ".join(f"{column} = {value}" for column, value in NO_BATCH.items())


class Results:
    """`run` and `count` run a statement in the transaction. `count` returns the number of changed rows."""

    def __init__(self, dialect: Dialect, run: Callable[..., list[tuple[Any, ...]]], count: Callable[..., int]) -> None:
        self._dialect = dialect
        self._run = run
        self._count = count

    def stamp(self, requests: Sequence[Request[Row]], lease: UUID, seconds: float | None) -> None:
        dialect = self._dialect
        changes = {"lease": "?", "batch": "n.batch", "batch_first": "n.first", "batch_last": "n.last"}
        if seconds is not None:
            changes["available_at"] = f"{dialect.now} + {float(seconds)!r}"
        given = dialect.table(seq="bigint", batch="uuid", first="bigint", last="bigint")
        columns = dialect.columns(*zip(*stamps_of(requests), strict=True))
        sql, parameters = dialect.update(schema.TABLE, changes, given, "true", ([dialect.one(lease)], columns, []))
        self._run(sql, *parameters)

    def delete(self, lease: UUID, rows: Sequence[Row]) -> int:
        """Returns how many rows the lease still had."""
        if not rows:
            return 0
        dialect = self._dialect
        delete = dialect.delete(schema.TABLE, f"{dialect.among('seq')} AND lease = ?")
        return self._count(delete, dialect.many([row.seq for row in rows]), dialect.one(lease))

    def fail(self, lease: UUID, failures: Sequence[Failure]) -> int:
        """Returns how many rows the lease still had."""
        if not failures:
            return 0
        dialect = self._dialect
        changes = {
            "attempts": "attempts + 1",
            "lease": "NULL",
            **NO_BATCH,
            "last_error": "n.reason",
            "available_at": f"{dialect.now} + coalesce(n.delay, 0)",
            "dead_at": f"CASE WHEN n.delay IS NULL THEN {dialect.now} END",
        }
        given = dialect.table(seq="bigint", reason="text", delay="float8")
        columns = zip(*((failure.row.seq, failure.reason, failure.delay) for failure in failures), strict=True)
        values = dialect.columns(*columns)
        sql, parameters = dialect.update(schema.TABLE, changes, given, "lease = ?", ((), values, [dialect.one(lease)]))
        return self._count(sql, *parameters)

    def mark_dead(self, rows: Sequence[Row]) -> Iterator[Failure]:
        """Makes unreadable rows dead letters. All their columns can be read afterwards, except the payload."""
        dialect = self._dialect
        for row in rows:
            payload = "payload" if row.payload else dialect.as_bytes("payload")
            update = (
                f"UPDATE {schema.TABLE} SET id = ?, aggregatetype = ?, aggregateid = ?, type = ?, created_at = ?, "
                f"available_at = ?, attempts = ?, lease = NULL, {UNSTAMPED}, service = ?, trace = ?, last_error = ?, "
                f"payload = {payload}, dead_at = {dialect.now} WHERE seq = ?"
            )
            values = (dialect.one(row.id), row.category, row.job_id, row.topic, row.created_at, row.available_at)
            self._run(update, *values, row.attempts, row.service, row.trace, row.fault, row.seq)
            yield Failure(row, str(row.fault))
        if batches := [row.batch for row in rows if row.batch is not None]:
            unstamp = f"UPDATE {schema.TABLE} SET {UNSTAMPED} WHERE dead_at IS NULL AND {dialect.among('batch')}"
            self._run(unstamp, dialect.many(batches))
