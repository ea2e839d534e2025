"""The statements of a claim, one for each order, and what they are put together from.

In every statement `o` is the row that may be claimed, and `e` another row of the same job.

A batch is the rows of one request that has no answer yet. Its rows go out together, so it is claimed through its head:
the first of its rows that is left. A row in no batch is its own head.

No index has a column that a claim changes. (PostgreSQL writes a new version of a row beside the old one, and leaves all
indexes alone, only where no indexed column changes.) So a batch is found through the index of jobs, between its first
and last `seq`.

MySQL and MariaDB search an index between two values only if both are in the statement: values that another row has do
not count. A statement that locks reads, and locks, whatever lies between, deleted rows too while a snapshot keeps them.
So a statement that does not lock looks for the values first.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from . import schema
from .row_reading import selection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.outbox._store.row import Row

    from .dialect import Dialect

LEAST_SEQ: Final = -(2**63) + 1
_FAR: Final = 1e11
"""Seconds of the Unix epoch. No row waits until then, so a later time was written by mistake."""
_JOB: Final = f"{schema.TABLE}_job"

_IS_HEAD: Final = f"""(
    o.batch IS NULL OR o.seq = o.batch_first  -- in no batch, or the first row of it
    OR (
        (
            SELECT e.seq FROM {schema.TABLE} e
            WHERE e.seq = o.batch_first AND e.batch = o.batch AND e.dead_at IS NULL
        ) IS NULL  -- that row is gone
        AND (
            SELECT e.seq FROM {schema.TABLE} e
            WHERE e.aggregateid = o.aggregateid AND e.seq >= o.batch_first AND e.seq < o.seq  -- index of jobs
            AND e.batch = o.batch AND e.dead_at IS NULL
            ORDER BY e.seq LIMIT 1
        ) IS NULL  -- and so is every other before this one
    )
)"""


def claim_by_time(dialect: Dialect, first: int, last: int | None) -> str:
    """The oldest heads that are ready, from a `seq` up to another (None: to the end). Parameter: how many."""
    return f"""{_heads(dialect)}
WHERE {_is_ready(dialect)}
AND {_IS_HEAD}
AND {_between(first, last)}
ORDER BY o.seq  -- oldest first
LIMIT ?{dialect.skip_locked}"""


def claim_by_job(dialect: Dialect, first: int, last: int, floor: int) -> str:
    """The oldest heads whose job is not held up, from a `seq` up to another. Parameter: how many.

    A job is held up while its first event is leased or waits. That is looked up for each row, so only for a few rows.
    """
    return f"""{_heads(dialect)}
WHERE {_is_ready(dialect)}
AND {_IS_HEAD}
AND {_between(first, last)}
AND {_first_of_job("o.aggregateid", _available_at("e"), dialect, floor)} <= {dialect.now}  -- its first event is ready
ORDER BY o.seq  -- oldest first
LIMIT ?{dialect.skip_locked}"""


@cache
def claim_of_job(dialect: Dialect) -> str:
    """The oldest heads of one job. Parameters: the job, the `seq` of its first event, the job again, and how many."""
    index = dialect.with_index.format(index=_JOB)
    is_of_job = "o.aggregateid = ? AND o.seq >= ?" if index else "(o.aggregateid, o.seq) >= (?, ?)"
    return f"""SELECT {selection(dialect)} FROM {schema.TABLE} o{index}
WHERE {is_of_job} AND o.aggregateid <= ?  -- through the index of jobs
AND {_is_ready(dialect)}
AND {_IS_HEAD}
ORDER BY o.aggregateid, o.seq
LIMIT ?{dialect.skip_locked}"""


def ready(dialect: Dialect, floor: int) -> str:
    """Of the oldest ready rows: the first `seq`, the last one, and their number. Parameter: how many at most.

    Locks nothing.
    """
    return f"""SELECT min(o.seq), max(o.seq), count(*) FROM (
    SELECT o.seq FROM {schema.TABLE} o{dialect.with_index.format(index=schema.READY)}
    WHERE {_is_ready(dialect)} AND o.seq >= {floor}
    ORDER BY o.seq LIMIT ?
) o"""


def jobs_after(dialect: Dialect, floor: int) -> str:
    """The next jobs by name, each with the `seq` of its first event and whether that is ready. Locks nothing.

    Parameters: the name after which they come, and how many at most.
    It goes from job to job by the index of jobs, so its cost does not grow with the events of a job.
    """
    index = dialect.with_index.format(index=_JOB)
    if index:  # MariaDB and MySQL do that for GROUP BY
        return f"""SELECT n.job, o.seq, {_available_at("o")} <= {dialect.now}
FROM (
    SELECT o.aggregateid AS job, min(o.seq) AS seq FROM {schema.TABLE} o{index}
    WHERE o.dead_at IS NULL AND o.aggregateid > ?
    GROUP BY o.aggregateid ORDER BY o.aggregateid LIMIT ?
) n {dialect.then} {schema.TABLE} o ON o.seq = n.seq"""

    def next_after(job: str) -> str:
        return f"""(
        SELECT o.aggregateid FROM {schema.TABLE} o
        WHERE o.dead_at IS NULL AND o.aggregateid > {job} AND o.seq >= {floor}
        ORDER BY o.aggregateid, o.seq LIMIT 1
    )"""

    return f"""WITH RECURSIVE n(job) AS (
    SELECT {next_after("?")}
    UNION ALL
    SELECT {next_after("n.job")} FROM n WHERE n.job IS NOT NULL
)
SELECT {dialect.value("n.job")}, {_first_of_job("n.job", "e.seq", dialect, floor)},
    {_first_of_job("n.job", _available_at("e"), dialect, floor)} <= {dialect.now}
FROM n WHERE n.job IS NOT NULL LIMIT ?"""


def members(dialect: Dialect, count: int) -> str:
    """The rows of so many batches: the `seq` of each, its batch and its bytes. Parameters: `batches`. Locks nothing."""
    columns = f"o.seq, o.batch, coalesce({dialect.size('o.payload')}, 0)"
    if dialect.with_index:
        batch = "(o.aggregateid = ? AND o.seq BETWEEN ? AND ? AND o.batch = ?)"
        return f"""SELECT {columns} FROM {schema.TABLE} o{dialect.with_index.format(index=_JOB)}
WHERE o.dead_at IS NULL AND ({" OR ".join([batch] * count)})"""
    return f"""SELECT {columns}
FROM {dialect.table(job="text", batch="uuid", first="bigint", last="bigint")}
{dialect.then} {schema.TABLE} o
    ON o.aggregateid = n.job AND o.seq BETWEEN n.first AND n.last  -- through the index of jobs
    AND o.batch = n.batch AND o.dead_at IS NULL"""


def batches(dialect: Dialect, heads: Sequence[Row]) -> list[object]:
    """The batches of these heads, as parameters."""
    given = [(row.job_id, row.batch, row.batch_first, row.batch_last) for row in heads]
    if dialect.with_index:
        return [dialect.one(value) for job, batch, first, last in given for value in (job, first, last, batch)]
    return dialect.columns(*zip(*given, strict=True))


@cache
def locked(dialect: Dialect) -> str:
    """Rows of batches, locked. Parameters, each made by `Dialect.many`: the `seq` of the rows, and the batches.

    It names each row, because MySQL waits for a row between two others that somebody has inserted but not committed.
    """
    return f"""SELECT {selection(dialect)} FROM {schema.TABLE} o{dialect.by_key}
WHERE {dialect.among("o.seq")} AND {dialect.among("o.batch")} AND o.dead_at IS NULL
ORDER BY o.seq{dialect.lock}"""


def rows_of_jobs(dialect: Dialect, floor: int) -> str:
    """Of some jobs (`Dialect.many`), up to a `seq`: the `seq` of each row, its job, and whether it is ready."""
    return f"""SELECT o.seq, o.aggregateid, {_available_at("o")} <= {dialect.now}
FROM {schema.TABLE} o
WHERE o.dead_at IS NULL AND {dialect.among("o.aggregateid")} AND o.seq >= {floor} AND o.seq <= ?"""


def first_live(floor: int) -> str:
    """The `seq` of the first row that is no dead letter, from a `seq` on."""
    return f"SELECT o.seq FROM {schema.TABLE} o WHERE o.dead_at IS NULL AND o.seq >= {floor} ORDER BY o.seq LIMIT 1"


@cache
def _heads(dialect: Dialect) -> str:
    return f"SELECT {selection(dialect)} FROM {schema.TABLE} o{dialect.with_index.format(index=schema.READY)}"


def _between(first: int, last: int | None) -> str:
    return f"o.seq >= {first}" if last is None else f"o.seq BETWEEN {first} AND {last}"


def _is_ready(dialect: Dialect) -> str:
    return f"o.dead_at IS NULL AND {_available_at('o')} <= {dialect.now}"


def _available_at(table: str) -> str:
    """From when on a row is ready. A time that never comes counts as now: nothing else would look at the row again.

    In SQLite's order, text and BLOBs come after all numbers. In PostgreSQL's, NaN does.
    """
    return f"CASE WHEN {table}.available_at > {_FAR} THEN 0 ELSE {table}.available_at END"


def _first_of_job(job: str, value: str, dialect: Dialect, floor: int) -> str:
    """A value of the first event of a job, `e`.

    Pairs are compared because only the index of jobs has them in order. For the first row of one job by `seq` alone,
    PostgreSQL would search all rows from the front if its statistics say that most rows are of one job. MySQL uses no
    index to compare pairs, but a statement can name the index.
    """
    if dialect.with_index:
        return f"""(
    SELECT {value} FROM {schema.TABLE} e{dialect.with_index.format(index=_JOB)}
    WHERE e.aggregateid = {job} AND e.dead_at IS NULL
    ORDER BY e.seq LIMIT 1
)"""
    return f"""(
    SELECT {value} FROM {schema.TABLE} e
    WHERE (e.aggregateid, e.seq) >= ({job}, {floor}) AND e.dead_at IS NULL
    ORDER BY e.aggregateid, e.seq LIMIT 1
)"""
