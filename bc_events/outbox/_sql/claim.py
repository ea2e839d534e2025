"""Ready: which rows a claim can have. Its transaction locks them, and passes over those that others have locked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from . import schema
from .row_reading import read_row, selection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bc_events._delivery.request import Limits
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.store import Order

    from .dialect import Dialect

    Run = Callable[..., list[tuple[Any, ...]]]

_FAR: Final = 1e11
_LEAST_SEQ: Final = -(2**63) + 1


def _due(table: str) -> str:
    """When a row is ready. What is no time, or none that comes, is ready now: nothing else would ever look at it.

    By SQLite's order text and BLOBs come after all numbers, and by PostgreSQL's so does NaN.
    """
    return f"CASE WHEN {table}.available_at > {_FAR} THEN 0 ELSE {table}.available_at END"


# No index has a column that a claim changes, or stamping a row would touch every index (PostgreSQL keeps a new version
# beside the old one only where no indexed column changes). So a batch is found by its job, between first and last row.
_FIRST_OF_BATCH: Final = (
    f"(o.batch IS NULL OR (SELECT e.seq FROM {schema.TABLE} e WHERE e.aggregateid = o.aggregateid "
    "AND e.seq >= o.batch_first AND e.seq < o.seq AND e.batch = o.batch AND e.dead_at IS NULL "
    "ORDER BY e.seq LIMIT 1) IS NULL)"
)
_OF_BATCH: Final = (
    f"FROM {schema.TABLE} m WHERE m.aggregateid = o.aggregateid AND m.seq BETWEEN o.batch_first AND o.batch_last "
    "AND m.batch = o.batch AND m.dead_at IS NULL"
)
# Pairs, because only the index of jobs has them in order. The first row of one job by `seq` PostgreSQL would look for
# among all rows, through whatever comes before, where by its statistics most are of one job.
_FIRST_OF_JOB: Final = (
    f"(SELECT {_due('e')} FROM {schema.TABLE} e WHERE (e.aggregateid, e.seq) >= (o.aggregateid, {_LEAST_SEQ}) "
    "AND e.dead_at IS NULL ORDER BY e.aggregateid, e.seq LIMIT 1)"
)
_GLANCE: Final = 500
"""In the order of jobs: ready rows of which a claim asks one by one whether their job is held up."""
_SHARE: Final = 50
"""In the order of jobs: rows after which a claim leaves other jobs to other workers."""


class Ready:
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
        """By `seq`: loose rows and whole batches, no more than a claim should hold."""
        return self._taken(self._firsts(limit), limit, limits) if order == "time" else self._of_jobs(limit, limits)

    def _of_jobs(self, limit: int, limits: Limits) -> list[Row]:
        """Of jobs that are not held up by their first event, which somebody has or which has to wait."""
        dialect, end = self._dialect, self._end_of_a_glance()
        is_near = "true" if end is None else f"o.seq < {end}"
        near = self._in_turn(self._firsts(limit, f"{is_near} AND {_FIRST_OF_JOB} <= {dialect.now}"), limit, limits)
        if near or end is None:
            return near
        others = self._firsts(limit, f"NOT {dialect.among('o.aggregateid')}", dialect.many(self._held_up()))
        return self._in_turn(others, limit, limits)

    def _end_of_a_glance(self) -> int | None:
        """Where ready rows are left unseen; None where they are few."""
        found = self._run(
            f"SELECT o.seq FROM {schema.TABLE} o WHERE {self._is_ready} ORDER BY o.seq LIMIT 1 OFFSET {_GLANCE}"
        )
        return found[0][0] if found else None

    def _held_up(self) -> list[str]:
        """The jobs whose first event is not ready."""
        dialect = self._dialect
        found = self._run(
            f"SELECT {dialect.value('o.aggregateid')} FROM (SELECT DISTINCT o.aggregateid FROM {schema.TABLE} o "
            f"WHERE o.dead_at IS NULL AND {_due('o')} > {dialect.now}) o WHERE {_FIRST_OF_JOB} > {dialect.now}"
        )
        return [job_id.decode(errors="replace") if isinstance(job_id, bytes) else job_id for (job_id,) in found]

    @property
    def _is_ready(self) -> str:
        return f"o.dead_at IS NULL AND {_due('o')} <= {self._dialect.now}"

    def _firsts(self, limit: int, condition: str = "true", *parameters: object) -> list[tuple[Any, ...]]:
        """Those that stand alone and the first of each batch; with count and length of what they stand for."""
        dialect = self._dialect
        length = "octet_length" if dialect.name == "postgresql" else "length"
        if dialect.in_order:  # by the old statistics of a table that fills and empties, a backlog would be sorted
            self._run(dialect.in_order)
        return self._run(
            f"SELECT {selection(dialect)}, CASE WHEN o.batch IS NULL THEN 1 ELSE (SELECT count(*) {_OF_BATCH}) END, "
            f"CASE WHEN o.batch IS NULL THEN {length}(o.payload) "
            f"ELSE (SELECT coalesce(sum({length}(m.payload)), 0) {_OF_BATCH}) END "
            f"FROM {schema.TABLE} o WHERE {self._is_ready} AND {_FIRST_OF_BATCH} AND {condition} "
            f"ORDER BY o.seq LIMIT ?{dialect.lock_free}",
            *parameters,
            limit,
        )

    def _taken(self, found: Sequence[tuple[Any, ...]], limit: int, limits: Limits) -> list[Row]:
        """As many as there is room for, by `seq`."""
        loose: list[Row] = []
        firsts: list[Row] = []
        room = limits.bytes
        for *values, count, size in found:
            if limit <= 0 or room <= 0:
                break
            limit, room = limit - count, room - int(size)
            for row in self._readable([values]):
                (loose if row.batch is None else firsts).append(row)
        return sorted([*loose, *self._whole(firsts)], key=_place) if firsts else loose

    def _in_turn(self, found: Sequence[tuple[Any, ...]], limit: int, limits: Limits) -> list[Row]:
        """The same of each job without a gap, and not all of it."""
        rows = self._taken(found, limit, limits)
        return list(_shared(self._unbroken(rows))) if rows else []

    def _whole(self, firsts: Sequence[Row]) -> list[Row]:
        """All rows of the batches of which these are the first; locked."""
        dialect = self._dialect
        if dialect.by_plan:
            self._run(dialect.by_plan)
        batches = [(row.job_id, row.batch, row.batch_first, row.batch_last) for row in firsts]
        found = self._run(
            f"SELECT {selection(dialect)} "
            f"FROM {dialect.table(job='text', batch='uuid', first='bigint', last='bigint')} "
            f"JOIN {schema.TABLE} o ON o.aggregateid = n.job AND o.seq BETWEEN n.first AND n.last "
            f"AND o.batch = n.batch AND o.dead_at IS NULL ORDER BY o.seq{dialect.lock}",
            *dialect.columns(*zip(*batches, strict=True)),
        )
        rows = self._readable(found)
        seqs = {row.seq for row in rows}
        # A batch that lacks a row is another request, and needs another key: a server that knows the key would answer
        # with results for all rows, each time.
        torn = {row.batch for row in self._unreadable.values()}
        torn |= {row.batch for row in rows if not {row.batch_first, row.batch_last} <= seqs}
        return [row.unstamped if row.batch in torn else row for row in rows]

    def _readable(self, found: Sequence[Sequence[Any]]) -> list[Row]:
        rows = [read_row(values) for values in found]
        self._unreadable |= {row.seq: row for row in rows if row.fault is not None}
        return [row for row in rows if row.fault is None]

    def _unbroken(self, rows: Sequence[Row]) -> list[Row]:
        """Of each job what comes before all that is not ours: another claim may have locked that while we looked.

        A batch goes whole all the same, ahead of what lies between its rows, unless that has to be waited for: there
        may be more ready rows between than a claim has room for.
        """
        dialect = self._dialect
        found = self._run(
            f"SELECT o.seq, o.aggregateid, {_due('o')} <= {dialect.now} FROM {schema.TABLE} o "
            f"WHERE o.dead_at IS NULL AND {dialect.among('o.aggregateid')} AND o.seq <= ?",
            dialect.many(sorted({row.job_id for row in rows})),
            rows[-1].seq,
        )
        ours = {row.seq for row in rows}
        ends: dict[str, int] = {}
        waits: dict[str, int] = {}
        for seq, job_id, is_ready in found:
            if seq not in ours:
                ends[job_id] = min(seq, ends.get(job_id, seq))
                if not is_ready:
                    waits[job_id] = min(seq, waits.get(job_id, seq))
        starts: dict[object, int] = {}
        for row in rows:
            starts.setdefault(row.batch or row.seq, row.seq)
        placed = [(starts[row.batch or row.seq], row) for row in rows]
        torn = {row.job_id for start, row in placed if start < waits.get(row.job_id, start) < row.seq}
        return [row for start, row in placed if row.job_id not in torn and start <= ends.get(row.job_id, start)]


def _shared(rows: Sequence[Row]) -> Iterator[Row]:
    """The jobs that begin within the share of one claim, as far as they were found."""
    jobs: dict[str, list[Row]] = {}
    for row in rows:
        jobs.setdefault(row.job_id, []).append(row)
    taken = 0
    for of_job in jobs.values():
        if taken >= _SHARE:
            return
        yield from of_job
        taken += len(of_job)


def _place(row: Row) -> int:
    return row.seq
