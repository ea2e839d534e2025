"""Partitions: the months of the archive on PostgreSQL. One is dropped in no time, however many rows it has."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bc_events._runtime import logs
from bc_events.errors import OutboxError

from . import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .database import Database, Transaction

_WAIT: Final = "SET LOCAL lock_timeout = '200ms'"
"""While a statement waits for the whole archive, behind a long query, no relay can settle."""
_ARCHIVE: Final = f"""SELECT n.nspname, pg_has_role(c.relowner, 'USAGE') AND has_schema_privilege(n.oid, 'CREATE')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass('{schema.SENT}') AND c.relkind = 'p'"""
_PARTITIONS: Final = f"""SELECT c.relname, c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT'
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass('{schema.SENT}')"""
_ONE_AT_A_TIME: Final = f"SELECT pg_try_advisory_xact_lock(hashtext('{schema.SENT}'))"
_MONTH: Final = re.compile(rf"{schema.SENT}_(\d{{4}})_(\d{{2}})").fullmatch
_NOT_OURS: Final = (
    "this relay may not make or drop partitions of %s, so sent events go to its default partition, to be purged row "
    "by row; make the relay's role the table's owner, and let it create tables in its schema"
)
_warned: Final[set[str]] = set()
_logger = logs.logger


def maintained(database: Database, now: float, *, before: float) -> str:
    """Makes the partitions of this month and the next. Drops those that ended `before` a time.

    Returns the table whose rows are to be deleted one by one: that of the rows that have no month, or the whole
    archive where the relay's role may not change it. Raises `OutboxError`.
    """
    with database.transaction() as transaction:
        archive = transaction.run(_ARCHIVE)
        partitions = transaction.run(_PARTITIONS)
    if not archive:  # somebody has made it without partitions
        return schema.SENT
    ((schema_name, is_ours),) = archive
    if not is_ours:
        _warn(str(database))
        return schema.SENT
    default = next((name for _, name, is_default in partitions if is_default), None)
    have = {month: name for relname, name, _ in partitions if (month := _month_of(relname)) is not None}
    for month, name in sorted(have.items()):
        if _bounds(month)[1] <= before:
            _try(database, f"DROP TABLE IF EXISTS {name}")
    this = datetime.fromtimestamp(now, UTC)
    for month in ((this.year, this.month), _after(this.year, this.month)):
        if month not in have:
            _make(database, schema_name, month, default)
    return default or schema.SENT


def _make(database: Database, schema_name: str, month: tuple[int, int], default: str | None) -> None:
    """Attaches it, which other relays hardly notice. They would wait for a CREATE TABLE … PARTITION OF."""
    first, end = _bounds(month)
    name = f'"{schema_name.replace(chr(34), chr(34) * 2)}".{schema.SENT}_{month[0]:04}_{month[1]:02}'
    if default is not None and _has_rows(database, default, first, end):
        return  # of a month in which relays had no partition; these rows are deleted one by one
    _try(
        database,
        f"CREATE TABLE {name} (LIKE {schema.SENT} INCLUDING ALL)",
        f"ALTER TABLE {schema.SENT} ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({end})",
    )


def _has_rows(database: Database, table: str, first: float, end: float) -> bool:
    with database.reading() as transaction:
        return bool(transaction.run(f"SELECT 1 FROM {table} WHERE sent_at >= {first} AND sent_at < {end} LIMIT 1"))


def _try(database: Database, *statements: str) -> None:
    """In one transaction, and only where no other relay does the same. A lock that is not to be had is had later."""
    try:
        with database.transaction() as transaction:
            for statement in _statements(transaction, statements):
                transaction.run(statement)
    except OutboxError as error:
        _logger.debug("a partition of the archive was left for later: %s", error)


def _statements(transaction: Transaction, statements: tuple[str, ...]) -> Iterator[str]:
    ((is_alone,),) = transaction.run(_ONE_AT_A_TIME)
    if is_alone:
        yield _WAIT
        yield from statements


def _month_of(name: str) -> tuple[int, int] | None:
    found = _MONTH(name)
    return None if found is None else (int(found[1]), int(found[2]))


def _bounds(month: tuple[int, int]) -> tuple[float, float]:
    """Its first second and the first one after it, in UTC, of the Unix epoch."""
    year, number = month
    return datetime(year, number, 1, tzinfo=UTC).timestamp(), datetime(*_after(year, number), 1, tzinfo=UTC).timestamp()


def _after(year: int, number: int) -> tuple[int, int]:
    return (year + 1, 1) if number == 12 else (year, number + 1)  # noqa: PLR2004


def _warn(database: str) -> None:
    if database not in _warned:
        _warned.add(database)
        _logger.warning(_NOT_OURS, schema.SENT)
