"""The outbox's table in a SQLite file: finds it, makes it, and opens it for reading."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from bc_events.errors import OutboxError
from bc_events.outbox._sql import schema
from bc_events.outbox._sql.dialect import SQLITE

if TYPE_CHECKING:
    from pathlib import Path

_FIND_TABLE: Final = f"SELECT 1 FROM sqlite_master WHERE name = '{schema.TABLE}'"
_IN_MEMORY: Final = {
    "CREATE TABLE IF NOT EXISTS ": "CREATE TEMP TABLE ",
    "CREATE INDEX IF NOT EXISTS ": "CREATE INDEX temp.",
}


def has_table(path: Path) -> bool:
    """Whether a file has an outbox that this version can read. A locked file counts as one. Nothing is changed."""
    try:
        with closing(_existing(path, 0.0)) as connection:
            return _is_made(connection) or _is_made(connection, 1)
    except sqlite3.OperationalError:
        return path.is_file()
    except sqlite3.DatabaseError:
        return False


def make_table(connection: sqlite3.Connection, path: Path) -> None:
    """Makes the tables of this version, or brings those of version 1 up to it: all or nothing.

    Raises `OutboxError` for a table that has the mark of neither.
    """
    if _is_made(connection):
        return
    connection.execute("BEGIN IMMEDIATE")  # if this fails, closing the connection ends it
    if not _is_made(connection):
        is_older = _is_made(connection, 1)
        if not is_older:
            _refuse_other_version(connection, path)
        for statement in schema.upgrade(SQLITE, 1) if is_older else schema.creation(SQLITE):
            connection.execute(statement)
    connection.execute("COMMIT")


def _is_made(connection: sqlite3.Connection, version: int = schema.VERSION) -> bool:
    queries = [schema.version_query(SQLITE, one) for one in schema.MARKS if one <= version]
    return all(connection.execute(query).fetchone() is not None for query in queries)


def _refuse_other_version(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute(_FIND_TABLE).fetchone() is not None:
        raise OutboxError(
            f"the outbox {path} has another version of the table than this release of bc_events ({schema.VERSION}); "
            "let the relay of the release that made it send its events, then remove it, or name a new file"
        )


def reader_of(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A connection that reads the outbox in a file, or an empty outbox if there is no file yet. Nothing is made.

    Beside a table of version 1 it has an empty archive in memory. Raises `OutboxError` for a table of another version,
    and SQLite's error if the folder is missing.
    """
    if path.exists() or not path.parent.is_dir():
        connection = _existing(path, busy_timeout)
        try:
            if _is_made(connection):
                return connection
            if _is_made(connection, 1):
                _add_in_memory(connection)
                return connection
            _refuse_other_version(connection, path)
        except BaseException:
            connection.close()
            raise
        connection.close()
    empty = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in schema.creation(SQLITE):
        empty.execute(statement)
    return empty


def _add_in_memory(connection: sqlite3.Connection) -> None:
    """Adds what version 1 lacks, for this connection alone."""
    connection.execute("PRAGMA temp_store=MEMORY")
    for statement in schema.upgrade(SQLITE, 1):
        for stored, temporary in _IN_MEMORY.items():
            statement = statement.replace(stored, temporary)  # noqa: PLW2901
        connection.execute(statement)


def _existing(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Opened for writing: a reader that closes the file last would leave the write-ahead log beside it."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
