"""The outbox's table in a SQLite file: whether it is there, how it is made, and how it is looked at."""

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


def has_table(path: Path) -> bool:
    """Whether an outbox of the present version is in a file. Nothing is made or changed; one that is locked may be."""
    try:
        with closing(_existing(path, 0.0)) as connection:
            return _is_made(connection)
    except sqlite3.OperationalError:
        return path.is_file()
    except sqlite3.DatabaseError:
        return False


def make_table(connection: sqlite3.Connection, path: Path) -> None:
    """All of it or nothing, so that a table without this version's mark is of another version.

    Raises `OutboxError` for such a one: releases that know it differently must not write to it in turn.
    """
    if _is_made(connection):
        return
    connection.execute("BEGIN IMMEDIATE")  # ended by closing the connection, where it does not come to its end
    if not _is_made(connection):
        _refuse_other_version(connection, path)
        for statement in schema.creation(SQLITE):
            connection.execute(statement)
    connection.execute("COMMIT")


def _is_made(connection: sqlite3.Connection) -> bool:
    return connection.execute(schema.version_query(SQLITE)).fetchone() is not None


def _refuse_other_version(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute(_FIND_TABLE).fetchone() is not None:
        raise OutboxError(
            f"the outbox {path} was made by a release of bc_events that keeps another version of the table "
            f"(here it is {schema.VERSION}); let that release's relay empty it and remove it, or name a new file"
        )


def reader_of(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A connection to look at the outbox in a file, or at an empty one where there is none yet: nothing is made.

    Raises `OutboxError` for a table of another version, and SQLite's error where the folder is missing too.
    """
    if path.exists() or not path.parent.is_dir():
        connection = _existing(path, busy_timeout)
        try:
            if _is_made(connection):
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


def _existing(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """Not `mode=ro`: only one who may write removes the write-ahead log when it is the last to close the file."""
    return sqlite3.connect(
        f"{path.as_uri()}?mode=rw", uri=True, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
