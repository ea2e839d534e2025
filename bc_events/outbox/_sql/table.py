"""TableStore: the Store of every SQL database."""

from __future__ import annotations

import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bc_events.errors import OutboxError
from bc_events.outbox._store.columns import GIVEN
from bc_events.outbox._store.sealing import PLAIN
from bc_events.outbox._store.store import Claim, Order, Settlement

from . import schema
from .archive import Archive
from .batches import requests_of
from .claim import ClaimableRows
from .conflicts import repeated
from .floor import Floor
from .job_turns import JobTurns
from .results import UNSTAMPED, Results
from .row_reading import read_row, selection
from .stats import read_stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits, Request
    from bc_events.outbox._store.archived_row import ArchivedRow
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.sealing import Sealing
    from bc_events.outbox._store.store import Stats

    from .database import Database, Transaction

_INSERT: Final = (
    f"INSERT INTO {schema.TABLE} ({', '.join(column.name for column in GIVEN)}) VALUES ({', '.join('?' * len(GIVEN))})"
)


class TableStore:
    """Rows are locked in the order of `seq`, so that relays do not wait for each other in a circle.

    Delivered rows are deleted in the order of PostgreSQL's plan. If that makes a circle with a relay that has taken
    over an ended lease, PostgreSQL aborts one of the two, and its rows are sent again with the same keys.

    The rows of a batch are claimed through the first of them, so two relays never hold parts of one batch.
    """

    def __init__(
        self,
        database: Database,
        *,
        keep: float | None = None,
        sealing: Sealing = PLAIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keep` is in seconds. `clock` is that of the `Floor`."""
        self._database = database
        self._dialect = database.dialect
        self._archive = Archive(database, keep)
        self.sealing = sealing
        self._floor = Floor(database.dialect, clock)
        self._turns = JobTurns()

    @property
    def keep(self) -> float | None:
        return self._archive.keep

    def add(self, rows: Sequence[Row]) -> None:
        if rows:
            self._add([self.sealing.sealed(row) for row in rows])

    @repeated
    def _add(self, rows: Sequence[Row]) -> None:
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
            claimable = ClaimableRows(self._dialect, run, self._floor.seq(run), self._turns, self.sealing)
            rows = claimable.rows(limit, limits, order)
            dead = tuple(self._results(transaction).mark_dead(claimable.unreadable))
            requests = tuple(requests_of(rows, limits, order))
            lease = uuid.uuid4()
            if requests:
                self._results(transaction).stamp(requests, lease, seconds)
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
            self._archive.take(partial(self._run, transaction), lease, settlement.delivered)
            results = self._results(transaction)
            settled = results.delete(lease, settlement.delivered) + results.fail(lease, settlement.failed)
        return len(settlement.rows) - settled

    @repeated
    def split(self, lease: UUID, requests: Sequence[Request[Row]]) -> bool:
        rows = [row for request in requests for row in request.events]
        with self._database.transaction() as transaction:
            if len(self._held(transaction, lease, rows)) < len(rows):
                return False
            self._results(transaction).stamp(requests, lease, None)
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
        return read_stats(self._database)

    def show(self, *, dead: bool = False, limit: int = 100) -> list[Row]:
        condition = "IS NOT NULL" if dead else "IS NULL"
        return self._select(f"o.dead_at {condition} ORDER BY o.seq LIMIT ?", limit)

    def find(self, ids: Sequence[UUID]) -> list[Row]:
        return self._select(f"{self._dialect.among('o.id')} ORDER BY o.seq", self._dialect.many(ids))

    def replay(self, ids: Sequence[UUID] | None = None) -> int:
        ready = f"UPDATE {schema.TABLE} SET dead_at = NULL, available_at = 0, attempts = 0, lease = NULL, {UNSTAMPED}"
        replayed = self._change_dead(ready, ids)
        self.sweep()
        return replayed

    def purge(self, ids: Sequence[UUID] | None = None) -> int:
        return self._change_dead(f"DELETE FROM {schema.TABLE}", ids)

    def history(
        self,
        *,
        ids: Sequence[UUID] = (),
        job_id: str | None = None,
        topic: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
    ) -> list[ArchivedRow]:
        return self._archive.history(ids=ids, job_id=job_id, topic=topic, since=since, until=until, limit=limit)

    def opened(self, payload: str) -> str:
        return self.sealing.opened(payload)

    def purge_sent(self) -> bool:
        return self._archive.purge()

    @repeated
    def check(self) -> None:
        with self._database.reading() as transaction:
            found = {
                version: self._run(transaction, schema.version_query(self._dialect, version))
                for version in schema.MARKS
            }
        if all(found.values()):
            return
        raise OutboxError(
            f"the database has no table {schema.TABLE} of version {schema.VERSION}; make it with your migrations "
            f"or with what `bc-events outbox sql{' --from-version 1' if found[1] else ''}` prints"
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

    def _results(self, transaction: Transaction) -> Results:
        return Results(self._dialect, partial(self._run, transaction), partial(self._count, transaction))

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
