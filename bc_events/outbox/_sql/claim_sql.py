"""The statements of a claim, one for each order, and what they are put together from.

In every statement `o` is the row that may be claimed, `e` a row of the same job, and `m` a member of the same batch.

A batch is the rows of one request that has no answer yet. Its rows go out together, so it is claimed through its head:
the first of its rows that is left. A row in no batch is its own head.

No index has a column that a claim changes. (PostgreSQL writes a new version of a row beside the old one, and leaves all
indexes alone, only where no indexed column changes.) So a batch is found through the index of jobs, between its first
and last `seq`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from . import schema
from .row_reading import selection

if TYPE_CHECKING:
    from .dialect import Dialect

_FAR: Final = 1e11
"""Seconds of the Unix epoch. No row waits until then, so a later time was written by mistake."""
_LEAST_SEQ: Final = -(2**63) + 1

_MEMBERS: Final = f"""FROM {schema.TABLE} m
    WHERE m.aggregateid = o.aggregateid AND m.seq BETWEEN o.batch_first AND o.batch_last  -- through the index of jobs
    AND m.batch = o.batch AND m.dead_at IS NULL"""

_IS_HEAD: Final = f"""(
    o.batch IS NULL  -- in no batch, or no earlier row of its batch is left
    OR (
        SELECT e.seq FROM {schema.TABLE} e
        WHERE e.aggregateid = o.aggregateid AND e.seq >= o.batch_first AND e.seq < o.seq  -- through the index of jobs
        AND e.batch = o.batch AND e.dead_at IS NULL
        ORDER BY e.seq LIMIT 1
    ) IS NULL
)"""


@cache
def claim_by_time(dialect: Dialect) -> str:
    """The oldest heads that are ready. Parameter: how many."""
    return f"""{_heads(dialect)}
WHERE {_is_ready(dialect)}
AND {_IS_HEAD}
ORDER BY o.seq  -- oldest first
LIMIT ?{dialect.skip_locked}"""


def claim_by_job_among_oldest(dialect: Dialect, end: int | None) -> str:
    """The oldest heads whose job is not held up, of the rows before `end` (None: of all rows). Parameter: how many.

    A job is held up while its first event is leased or waits. That is looked up for each row, so only for a few rows.
    """
    return f"""{_heads(dialect)}
WHERE {_is_ready(dialect)}
AND {_IS_HEAD}
AND {"true" if end is None else f"o.seq < {end}"}
AND {_first_of_job("o", dialect)} <= {dialect.now}  -- the job's first event is ready too
ORDER BY o.seq  -- oldest first
LIMIT ?{dialect.skip_locked}"""


@cache
def claim_by_job_without(dialect: Dialect) -> str:
    """The oldest heads of all jobs but some. Parameters: those jobs (`Dialect.many`), and how many heads."""
    return f"""{_heads(dialect)}
WHERE {_is_ready(dialect)}
AND {_IS_HEAD}
AND ({dialect.among("o.aggregateid")}) IS NOT TRUE  -- not of a job that is held up
ORDER BY o.seq  -- oldest first
LIMIT ?{dialect.skip_locked}"""


@cache
def held_up_jobs(dialect: Dialect) -> str:
    """The jobs whose first event is leased or waits."""
    return f"""SELECT {dialect.value("o.aggregateid")}
FROM (
    SELECT DISTINCT o.aggregateid FROM {schema.TABLE} o
    WHERE o.dead_at IS NULL AND {_available_at("o")} > {dialect.now}  -- some event is leased or waits
) o
WHERE {_first_of_job("o", dialect)} > {dialect.now}  -- and the first one is"""


@cache
def nth_ready(dialect: Dialect) -> str:
    """The `seq` of a ready row, by its place among all ready rows. Parameter: that place, from 0."""
    return f"SELECT o.seq FROM {schema.TABLE} o WHERE {_is_ready(dialect)} ORDER BY o.seq LIMIT 1 OFFSET ?"


@cache
def whole_batches(dialect: Dialect) -> str:
    """All rows of some batches, locked. Parameters: `Dialect.columns` of their jobs, keys, first and last `seq`."""
    return f"""SELECT {selection(dialect)}
FROM {dialect.table(job="text", batch="uuid", first="bigint", last="bigint")}
{dialect.then} {schema.TABLE} o
    ON o.aggregateid = n.job AND o.seq BETWEEN n.first AND n.last  -- through the index of jobs
    AND o.batch = n.batch AND o.dead_at IS NULL
ORDER BY o.seq{dialect.lock}"""


@cache
def rows_of_jobs(dialect: Dialect) -> str:
    """Of some jobs (`Dialect.many`), up to a `seq`: the `seq` of each row, its job, and whether it is ready."""
    return f"""SELECT o.seq, o.aggregateid, {_available_at("o")} <= {dialect.now}
FROM {schema.TABLE} o
WHERE o.dead_at IS NULL AND {dialect.among("o.aggregateid")} AND o.seq <= ?"""


@cache
def _heads(dialect: Dialect) -> str:
    """Selects heads, each with the number and the length of the rows that it stands for."""
    return f"""SELECT {selection(dialect)},
    CASE WHEN o.batch IS NULL THEN 1 ELSE (SELECT count(*) {_MEMBERS}) END,
    CASE WHEN o.batch IS NULL THEN {dialect.size("o.payload")}
    ELSE (SELECT coalesce(sum({dialect.size("m.payload")}), 0) {_MEMBERS}) END
FROM {schema.TABLE} o{dialect.with_index.format(index=schema.MARK)}"""


def _is_ready(dialect: Dialect) -> str:
    return f"o.dead_at IS NULL AND {_available_at('o')} <= {dialect.now}"


def _available_at(table: str) -> str:
    """From when on a row is ready. A time that never comes counts as now: nothing else would look at the row again.

    In SQLite's order, text and BLOBs come after all numbers. In PostgreSQL's, NaN does.
    """
    return f"CASE WHEN {table}.available_at > {_FAR} THEN 0 ELSE {table}.available_at END"


def _first_of_job(table: str, dialect: Dialect) -> str:
    """From when on the first event of a row's job is ready.

    Pairs are compared because only the index of jobs has them in order. For the first row of one job by `seq` alone,
    PostgreSQL would search all rows from the front if its statistics say that most rows are of one job. MySQL uses no
    index to compare pairs, but a statement can name the index.
    """
    if dialect.with_index:
        return f"""(
    SELECT {_available_at("e")} FROM {schema.TABLE} e{dialect.with_index.format(index=f"{schema.TABLE}_job")}
    WHERE e.aggregateid = {table}.aggregateid AND e.dead_at IS NULL
    ORDER BY e.seq LIMIT 1
)"""
    return f"""(
    SELECT {_available_at("e")} FROM {schema.TABLE} e
    WHERE (e.aggregateid, e.seq) >= ({table}.aggregateid, {_LEAST_SEQ}) AND e.dead_at IS NULL
    ORDER BY e.aggregateid, e.seq LIMIT 1
)"""
