"""Stats of the table: rows by their state, and what the database keeps of rows that are gone."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bc_events.errors import OutboxError
from bc_events.outbox._store.store import Stats

from . import schema

if TYPE_CHECKING:
    from .database import Database
    from .dialect import Dialect


def read_stats(database: Database) -> Stats:
    """Raises `OutboxError` if the rows cannot be counted."""
    with database.reading() as transaction:
        pending, leased, retried, dead, age = transaction.run(_counts(database.dialect))[0]
    # A value that is no time has no age. The next claim finds it.
    oldest_age = age if age is not None and 0.0 <= age < math.inf else 0.0
    old_versions, snapshot_age = _kept(database)
    return Stats(pending, leased, retried, dead, oldest_age, old_versions, snapshot_age)


def _counts(dialect: Dialect) -> str:
    return (
        "SELECT count(CASE WHEN o.dead_at IS NULL THEN 1 END), "
        f"count(CASE WHEN o.dead_at IS NULL AND o.lease IS NOT NULL AND o.available_at > {dialect.now} "
        "THEN 1 END), count(CASE WHEN o.dead_at IS NULL AND o.attempts > 0 THEN 1 END), count(o.dead_at), "
        f"{dialect.now} - min(CASE WHEN o.dead_at IS NULL THEN o.created_at END) FROM {schema.TABLE} o"
    )


def _kept(database: Database) -> tuple[int | None, float | None]:
    """Old versions, and the age of the oldest snapshot: None where the user may not see them."""
    found: list[tuple[Any, ...]] = []
    if database.dialect.kept:
        with suppress(OutboxError), database.reading() as transaction:
            found = transaction.run(database.dialect.kept)
    if not found:
        return None, None
    versions, age = found[0]
    return None if versions is None else int(versions), None if age is None else float(age)
