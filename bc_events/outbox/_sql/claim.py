"""ClaimableRows: the rows that a claim can have. They are locked; those that others have locked are passed over."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from . import claim_sql
from .job_order import SHARE, in_order, share
from .row_reading import open_row, read_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.sealing import Sealing
    from bc_events.outbox._store.store import Order

    from .dialect import Dialect
    from .job_turns import JobTurns

    Run = Callable[..., list[tuple[Any, ...]]]

_LOOKED_UP: Final = 500
"""In the order of jobs: the most ready rows for which a claim looks up, one by one, whether their job is held up. And
the most jobs that one statement looks up.
"""


class ClaimableRows:
    """`run` runs a statement in the claim's transaction, with its parameters, and returns its rows.

    No row that waits is below `floor`.
    """

    def __init__(self, dialect: Dialect, run: Run, floor: int, turns: JobTurns, sealing: Sealing) -> None:
        self._dialect = dialect
        self._sealing = sealing
        self._run = run
        self._floor = floor
        self._turns = turns
        self._unreadable: dict[int, Row] = {}

    @property
    def unreadable(self) -> list[Row]:
        """Rows that `rows` came upon and left out; locked."""
        return list(self._unreadable.values())

    def rows(self, limit: int, limits: Limits, order: Order) -> list[Row]:
        """Single rows and whole batches, ordered by `seq`: about `limit` rows, and about one request in bytes."""
        if self._dialect.forbid_sort:
            # PostgreSQL would sort a backlog: its statistics of a table that fills and empties are soon out of date.
            self._run(self._dialect.forbid_sort)
        if order == "time":
            return self._taken(self._oldest(limit), limit, limits)
        return self._rows_by_job(limit, limits)

    def _oldest(self, limit: int) -> list[tuple[Any, ...]]:
        dialect = self._dialect
        first, last = self._floor, None
        if dialect.locks_deleted_rows:  # as many again, because other claims have some
            first, last, _ = self._ready(2 * limit)
        return [] if first is None else self._run(claim_sql.claim_by_time(dialect, first, last), limit)

    def _ready(self, most: int) -> tuple[Any, ...]:
        return self._run(claim_sql.ready(self._dialect, self._floor), most)[0]

    def _rows_by_job(self, limit: int, limits: Limits) -> list[Row]:
        """Rows of jobs that are not held up. It looks among the oldest ready rows, and then from job to job."""
        first, last, count = self._ready(_LOOKED_UP)
        if first is None:
            return []
        heads = self._run(claim_sql.claim_by_job(self._dialect, first, last, self._floor), limit)
        rows = self._in_order(heads, limit, limits)
        if rows or count < _LOOKED_UP:
            return rows
        return next(filter(None, self._rows_of_next_jobs(limit, limits)), [])

    def _rows_of_next_jobs(self, limit: int, limits: Limits) -> Iterator[list[Row]]:
        """Rows of some jobs, and of the next ones, until all jobs have been looked up."""
        for jobs in self._turns.jobs(self._next_jobs):
            heads: list[tuple[Any, ...]] = []
            for job_id, first in jobs:
                if len(heads) >= SHARE:
                    break
                found = (job_id, first, job_id, limit)
                heads += self._run(claim_sql.claim_of_job(self._dialect), *found)
                self._turns.after = job_id
            yield self._in_order(heads, limit, limits)

    def _next_jobs(self, after: str) -> list[tuple[str, int, bool]]:
        found = self._run(claim_sql.jobs_after(self._dialect, self._floor), after, _LOOKED_UP)
        return [(_decoded(job_id), first, bool(is_ready)) for job_id, first, is_ready in found]

    def _in_order(self, heads: Sequence[tuple[Any, ...]], limit: int, limits: Limits) -> list[Row]:
        rows = self._taken(heads, limit, limits)
        if not rows:
            return []
        jobs = self._dialect.many(sorted({row.job_id for row in rows}))
        found = self._run(claim_sql.rows_of_jobs(self._dialect, self._floor), jobs, rows[-1].seq)
        return list(share(in_order(rows, found)))

    def _taken(self, heads: Sequence[tuple[Any, ...]], limit: int, limits: Limits) -> list[Row]:
        """As many rows as there is room for, ordered by `seq`."""
        rows = self._readable(heads)
        members = self._members([row for row in rows if _is_of_many(row)])
        single: list[Row] = []
        of_batches: list[Row] = []
        room = limits.bytes
        for row in rows:
            if limit <= 0 or room <= 0:
                break
            sizes = members[row.batch].values() if row.batch in members else (len(row.envelope),)
            limit, room = limit - len(sizes), room - sum(sizes)
            (of_batches if row.batch in members else single).append(row)
        batches = {row.batch: members[row.batch] for row in of_batches}
        return sorted([*single, *self._whole_batches(batches)], key=attrgetter("seq"))

    def _members(self, heads: Sequence[Row]) -> dict[UUID | None, dict[int, int]]:
        """Of the batches with these heads: the `seq` and the bytes of each row."""
        if not heads:
            return {}
        members: dict[UUID | None, dict[int, int]] = {}
        self._allow_sort()
        found = self._run(claim_sql.members(self._dialect, len(heads)), *claim_sql.batches(self._dialect, heads))
        for seq, batch, size in found:
            members.setdefault(_uuid(batch), {})[seq] = size
        return members

    def _whole_batches(self, batches: Mapping[UUID | None, Iterable[int]]) -> Iterable[Row]:
        """All rows of batches, given by the `seq` of each; locked.

        A batch that lacks a row leaves its rows unstamped. They are another request, and need another key: a server
        that knows the old key would answer with results for all rows, each time.
        """
        if not batches:
            return ()
        self._allow_sort()
        of_all = sorted(seq for seqs in batches.values() for seq in seqs)
        found = self._run(claim_sql.locked(self._dialect), self._dialect.many(of_all), self._dialect.many([*batches]))
        rows = self._readable(found)
        seqs = {row.seq for row in rows}
        incomplete = {row.batch for row in self._unreadable.values()}
        incomplete |= {row.batch for row in rows if not {row.batch_first, row.batch_last} <= seqs}
        return [row.unstamped if row.batch in incomplete else row for row in rows]

    def _allow_sort(self) -> None:
        if self._dialect.allow_sort:
            self._run(self._dialect.allow_sort)

    def _readable(self, found: Sequence[Sequence[Any]]) -> list[Row]:
        rows = [open_row(read_row(values), self._sealing) for values in found]
        self._unreadable |= {row.seq: row for row in rows if row.fault is not None}
        return [row for row in rows if row.fault is None]


def _is_of_many(row: Row) -> bool:
    """Whether its batch has other rows, or had some."""
    return row.batch is not None and row.batch_first != row.batch_last


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _decoded(job_id: str | bytes) -> str:
    return job_id.decode(errors="replace") if isinstance(job_id, bytes) else job_id
