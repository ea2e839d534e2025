"""TableStore: the Store of every SQL database."""

from __future__ import annotations

import math
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import OutboxError
from bc_events.outbox._store.columns import GIVEN
from bc_events.outbox._store.store import Claim, Failure, Order, Settlement, Stats

from . import schema
from .batches import requests_of, stamps_of
from .claim import ClaimableRows
from .conflicts import repeated
from .floor import Floor
from .job_turns import JobTurns
from .row_reading import read_row, selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits, Request
    from bc_events.outbox._store.row import Row

    from .database import Database, Transaction

_INSERT: Final = (
    f"INSERT INTO {schema.TABLE} ({', '.join(column.name for column in GIVEN)}) VALUES ({', '.join('?' * len(GIVEN))})"
)
_NO_BATCH: Final = {"batch": "NULL", "batch_first": "NULL", "batch_last": "NULL"}
_UNSTAMPED: Final = ", ".join(f"{column} = {value}" for column, value in _NO_BATCH.items())


class TableStore:
    """Rows are locked in the order of `seq`, so that relays do not wait for each other in a circle.

    Delivered rows are deleted in the order of PostgreSQL's plan. If that makes a circle with a relay that has taken
    over an ended lease, PostgreSQL aborts one of the two, and its rows are sent again with the same keys.

    The rows of a batch are claimed through the first of them, so two relays never hold parts of one batch.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` says when it is time to look where waiting rows begin: see `Floor`."""
        self._database = database
        self._dialect = database.dialect
        self._floor = Floor(database.dialect, clock)
        self._turns = JobTurns()

    @repeated
    def add(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        has_run = False
        try:
            with self._database.transaction() as transaction:
                transaction.run_many(
                    self._sql(f"{_INSERT} {self._dialect.keep_stored}"),
                    [[self._dialect.one(value) for value in row.given] for row in rows],
                )
                has_run = True
        except OutboxError as error:
            error.may_be_stored = has_run  # then the commit failed, and its outcome is unknown
            raise

    @repeated
    def claim(self, *, limit: int, seconds: float, limits: Limits, order: Order = "time") -> Claim | None:
        until = time.monotonic() + seconds
        with self._database.transaction() as transaction:
            run = partial(self._run, transaction)
            claimable = ClaimableRows(self._dialect, run, self._floor.seq(run), self._turns)
            rows = claimable.rows(limit, limits, order)
            dead = tuple(self._mark_dead(transaction, claimable.unreadable))
            requests = tuple(requests_of(rows, limits, order))
            lease = uuid.uuid4()
            if requests:
                self._stamp(transaction, requests, lease, seconds)
        return Claim(lease, requests, until, order, dead) if requests or dead else None

    def sweep(self) -> None:
        self._floor.sweep()

    @repeated
    def settle(self, lease: UUID, settlement: Settlement) -> int:
        """A crash of the database may undo it: then the same requests are sent again, with the same keys."""
        with self._database.transaction() as transaction:
            if self._dialect.commit_softly:
                self._run(transaction, self._dialect.commit_softly)
            if settlement.failed:  # without this, the first row of a batch could be locked after the others
                self._held(transaction, lease, settlement.rows)
            settled = self._delete(transaction, lease, settlement.delivered)
            settled += self._fail(transaction, lease, settlement.failed)
        return len(settlement.rows) - settled

    @repeated
    def split(self, lease: UUID, requests: Sequence[Request[Row]]) -> bool:
        rows = [row for request in requests for row in request.events]
        with self._database.transaction() as transaction:
            if len(self._held(transaction, lease, rows)) < len(rows):
                return False
            self._stamp(transaction, requests, lease, None)
        return True

    @repeated
    def release(
        self,
        lease: UUID,
        rows: Sequence[Row],
        *,
        delay: float = 0.0,
        reason: str | None = None,
    ) -> None:
        dialect = self._dialect
        release = (
            f"UPDATE {schema.TABLE}{dialect.by_key} SET lease = NULL, available_at = {dialect.now} + ?, "
            f"last_error = coalesce(?, last_error) WHERE {dialect.among('seq')}"
        )
        with self._database.transaction() as transaction:
            held = dialect.many(sorted(self._held(transaction, lease, rows)))
            self._run(transaction, release, delay, reason, held)

    @repeated
    def stats(self) -> Stats:
        counts = (
            "SELECT count(CASE WHEN o.dead_at IS NULL THEN 1 END), "
            f"count(CASE WHEN o.dead_at IS NULL AND o.lease IS NOT NULL AND o.available_at > {self._dialect.now} "
            "THEN 1 END), count(CASE WHEN o.dead_at IS NULL AND o.attempts > 0 THEN 1 END), count(o.dead_at), "
            f"{self._dialect.now} - min(CASE WHEN o.dead_at IS NULL THEN o.created_at END) FROM {schema.TABLE} o"
        )
        with self._database.reading() as transaction:
            pending, leased, retried, dead, age = self._run(transaction, counts)[0]
        # A value that is no time has no age. The next claim finds it.
        return Stats(pending, leased, retried, dead, age if age is not None and 0.0 <= age < math.inf else 0.0)

    def show(self, *, dead: bool = False, limit: int = 100) -> list[Row]:
        condition = "IS NOT NULL" if dead else "IS NULL"
        return self._select(f"o.dead_at {condition} ORDER BY o.seq LIMIT ?", limit)

    def find(self, ids: Sequence[UUID]) -> list[Row]:
        return self._select(f"{self._dialect.among('o.id')} ORDER BY o.seq", self._dialect.many(ids))

    def replay(self, ids: Sequence[UUID] | None = None) -> int:
        ready = f"UPDATE {schema.TABLE} SET dead_at = NULL, available_at = 0, attempts = 0, lease = NULL, {_UNSTAMPED}"
        replayed = self._change_dead(ready, ids)
        self.sweep()
        return replayed

    def purge(self, ids: Sequence[UUID] | None = None) -> int:
        return self._change_dead(f"DELETE FROM {schema.TABLE}", ids)

    @repeated
    def check(self) -> None:
        with self._database.reading() as transaction:
            if self._run(transaction, schema.version_query(self._dialect)):
                return
        raise OutboxError(
            f"the database has no table {schema.TABLE} of version {schema.VERSION}; "
            "make it with your migrations or with what `bc-events outbox sql` prints"
        )

    def close(self) -> None:
        self._database.close()

    def __repr__(self) -> str:
        return f"<TableStore {self._database!r}>"

    def __str__(self) -> str:
        return str(self._database)

    def _held(self, transaction: Transaction, lease: UUID, rows: Sequence[Row]) -> set[int]:
        """The `seq` of these rows that still carry the lease's token; locked."""
        found = self._run(
            transaction,
            f"SELECT o.seq FROM {schema.TABLE} o{self._dialect.by_key} WHERE {self._dialect.among('o.seq')} "
            f"AND o.lease = ? ORDER BY o.seq{self._dialect.lock}",
            self._dialect.many([row.seq for row in rows]),
            self._dialect.one(lease),
        )
        return {seq for (seq,) in found}

    def _stamp(
        self, transaction: Transaction, requests: Sequence[Request[Row]], lease: UUID, seconds: float | None
    ) -> None:
        dialect = self._dialect
        changes = {"lease": "?", "batch": "n.batch", "batch_first": "n.first", "batch_last": "n.last"}
        if seconds is not None:
            changes["available_at"] = f"{dialect.now} + {float(seconds)!r}"
        given = dialect.table(seq="bigint", batch="uuid", first="bigint", last="bigint")
        columns = dialect.columns(*zip(*stamps_of(requests), strict=True))
        sql, parameters = dialect.update(schema.TABLE, changes, given, "true", ([dialect.one(lease)], columns, []))
        self._run(transaction, sql, *parameters)

    def _delete(self, transaction: Transaction, lease: UUID, rows: Sequence[Row]) -> int:
        """Returns how many rows the lease still had."""
        if not rows:
            return 0
        dialect = self._dialect
        delete = dialect.delete(schema.TABLE, f"{dialect.among('seq')} AND lease = ?")
        return self._count(transaction, delete, dialect.many([row.seq for row in rows]), dialect.one(lease))

    def _fail(self, transaction: Transaction, lease: UUID, failures: Sequence[Failure]) -> int:
        """Returns how many rows the lease still had."""
        if not failures:
            return 0
        dialect = self._dialect
        changes = {
            "attempts": "attempts + 1",
            "lease": "NULL",
            **_NO_BATCH,
            "last_error": "n.reason",
            "available_at": f"{dialect.now} + coalesce(n.delay, 0)",
            "dead_at": f"CASE WHEN n.delay IS NULL THEN {dialect.now} END",
        }
        given = dialect.table(seq="bigint", reason="text", delay="float8")
        columns = zip(*((failure.row.seq, failure.reason, failure.delay) for failure in failures), strict=True)
        values = dialect.columns(*columns)
        sql, parameters = dialect.update(schema.TABLE, changes, given, "lease = ?", ((), values, [dialect.one(lease)]))
        return self._count(transaction, sql, *parameters)

    def _mark_dead(self, transaction: Transaction, rows: Sequence[Row]) -> Iterator[Failure]:
        """Makes unreadable rows dead letters. All their columns can be read afterwards, except the payload."""
        dialect = self._dialect
        for row in rows:
            payload = "payload" if row.payload else dialect.as_bytes("payload")
            update = (
                f"UPDATE {schema.TABLE} SET id = ?, aggregatetype = ?, aggregateid = ?, type = ?, created_at = ?, "
                f"available_at = ?, attempts = ?, lease = NULL, {_UNSTAMPED}, service = ?, trace = ?, last_error = ?, "
                f"payload = {payload}, dead_at = {dialect.now} WHERE seq = ?"
            )
            values = (dialect.one(row.id), row.category, row.job_id, row.topic, row.created_at, row.available_at)
            self._run(transaction, update, *values, row.attempts, row.service, row.trace, row.fault, row.seq)
            yield Failure(row, str(row.fault))
        if batches := [row.batch for row in rows if row.batch is not None]:
            unstamp = f"UPDATE {schema.TABLE} SET {_UNSTAMPED} WHERE dead_at IS NULL AND {dialect.among('batch')}"
            self._run(transaction, unstamp, dialect.many(batches))

    @repeated
    def _select(self, condition: str, *parameters: object) -> list[Row]:
        select = f"SELECT {selection(self._dialect)} FROM {schema.TABLE} o WHERE {condition}"
        with self._database.reading() as transaction:
            return [read_row(values) for values in self._run(transaction, select, *parameters)]

    @repeated
    def _change_dead(self, change: str, ids: Sequence[UUID] | None) -> int:
        named = "" if ids is None else f" AND {self._dialect.among('id')}"
        parameters = [] if ids is None else [self._dialect.many(ids)]
        with self._database.transaction() as transaction:
            return self._count(transaction, f"{change} WHERE dead_at IS NOT NULL{named}", *parameters)

    def _run(self, transaction: Transaction, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return transaction.run(self._sql(sql), parameters)

    def _count(self, transaction: Transaction, sql: str, *parameters: object) -> int:
        return transaction.count(self._sql(sql), parameters)

    def _sql(self, sql: str) -> str:
        return sql.replace("?", self._database.placeholder)
