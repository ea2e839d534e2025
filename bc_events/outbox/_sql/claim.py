"""ClaimableRows: the rows that a claim can have. They are locked; those that others have locked are passed over."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from . import claim_sql
from .job_order import in_order, share
from .row_reading import read_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.store import Order

    from .dialect import Dialect

    Run = Callable[..., list[tuple[Any, ...]]]

_LOOKED_UP: Final = 500
"""In the order of jobs: the most ready rows for which a claim looks up, one by one, whether their job is held up."""


class ClaimableRows:
    """`run` runs a statement in the claim's transaction, with its parameters, and returns its rows."""

    def __init__(self, dialect: Dialect, run: Run) -> None:
        self._dialect = dialect
        self._run = run
        self._unreadable: dict[int, Row] = {}

    @property
    def unreadable(self) -> list[Row]:
        """Rows that `rows` came upon and left out; locked."""
        return list(self._unreadable.values())

    def rows(self, limit: int, limits: Limits, order: Order) -> list[Row]:
        """Single rows and whole batches, ordered by `seq`: about `limit` rows, and about one request in bytes."""
        if order == "time":
            return self._taken(self._heads(claim_sql.claim_by_time(self._dialect), limit), limit, limits)
        return self._rows_by_job(limit, limits)

    def _rows_by_job(self, limit: int, limits: Limits) -> list[Row]:
        """Rows of jobs that are not held up. It looks among the oldest ready rows, and then among all others."""
        dialect = self._dialect
        beyond = self._run(claim_sql.nth_ready(dialect), _LOOKED_UP)
        end = beyond[0][0] if beyond else None
        rows = self._by_job(claim_sql.claim_by_job_among_oldest(dialect, end), limit, limits)
        if rows or end is None:
            return rows
        return self._by_job(claim_sql.claim_by_job_without(dialect), limit, limits, dialect.many(self._held_up_jobs()))

    def _by_job(self, claim: str, limit: int, limits: Limits, *parameters: object) -> list[Row]:
        rows = self._taken(self._heads(claim, *parameters, limit), limit, limits)
        if not rows:
            return []
        jobs = self._dialect.many(sorted({row.job_id for row in rows}))
        return list(share(in_order(rows, self._run(claim_sql.rows_of_jobs(self._dialect), jobs, rows[-1].seq))))

    def _held_up_jobs(self) -> list[str]:
        found = self._run(claim_sql.held_up_jobs(self._dialect))
        return [job_id.decode(errors="replace") if isinstance(job_id, bytes) else job_id for (job_id,) in found]

    def _heads(self, claim: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Reads heads without a sort. PostgreSQL would sort a backlog, because its statistics of a table that fills and
        empties are soon out of date.
        """
        if self._dialect.forbid_sort:
            self._run(self._dialect.forbid_sort)
        return self._run(claim, *parameters)

    def _taken(self, heads: Sequence[tuple[Any, ...]], limit: int, limits: Limits) -> list[Row]:
        """As many rows as there is room for, ordered by `seq`."""
        single: list[Row] = []
        of_batches: list[Row] = []
        room = limits.bytes
        for *values, count, size in heads:
            if limit <= 0 or room <= 0:
                break
            limit, room = limit - count, room - int(size)
            for row in self._readable([values]):
                (single if row.batch is None else of_batches).append(row)
        return sorted([*single, *self._whole_batches(of_batches)], key=attrgetter("seq")) if of_batches else single

    def _whole_batches(self, heads: Sequence[Row]) -> list[Row]:
        """All rows of the batches with these heads; locked.

        A batch that lacks a row leaves its rows unstamped. They are another request, and need another key: a server
        that knows the old key would answer with results for all rows, each time.
        """
        dialect = self._dialect
        if dialect.allow_sort:
            self._run(dialect.allow_sort)
        batches = [(row.job_id, row.batch, row.batch_first, row.batch_last) for row in heads]
        found = self._run(claim_sql.whole_batches(dialect), *dialect.columns(*zip(*batches, strict=True)))
        rows = self._readable(found)
        seqs = {row.seq for row in rows}
        incomplete = {row.batch for row in self._unreadable.values()}
        incomplete |= {row.batch for row in rows if not {row.batch_first, row.batch_last} <= seqs}
        return [row.unstamped if row.batch in incomplete else row for row in rows]

    def _readable(self, found: Sequence[Sequence[Any]]) -> list[Row]:
        rows = [read_row(values) for values in found]
        self._unreadable |= {row.seq: row for row in rows if row.fault is not None}
        return [row for row in rows if row.fault is None]
