"""The SQLite database of received events: its schema, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from bc_events._runtime.private_file import make_private
from bc_events.errors import ConfigurationError

from .searched_text import has_value, searchable

IN_MEMORY: Final = ":memory:"
_VERSION: Final = 2
_TABLES: Final = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT NOT NULL, event_id TEXT NOT NULL, received INTEGER NOT NULL,
    job_id TEXT NOT NULL, topic TEXT NOT NULL, category TEXT NOT NULL, entity TEXT NOT NULL, action TEXT NOT NULL,
    actor_id TEXT NOT NULL, actor_type TEXT NOT NULL, data TEXT NOT NULL, reason TEXT, service TEXT,
    idempotency_key TEXT, traceparent TEXT, baggage TEXT
);
CREATE INDEX events_by_id ON events (event_id);
CREATE INDEX events_by_time ON events (received, status);
CREATE INDEX events_by_job ON events (job_id, status);
CREATE INDEX events_by_topic ON events (topic, status);
CREATE INDEX events_by_actor ON events (actor_id, status);
CREATE INDEX events_by_job_and_topic ON events (job_id, topic, status);
CREATE INDEX events_not_accepted ON events (status) WHERE status <> 'accepted';
CREATE TABLE answers (
    number INTEGER PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, received INTEGER NOT NULL,
    status INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE TABLE indexed (seq INTEGER NOT NULL);
INSERT INTO indexed VALUES (0);
CREATE VIRTUAL TABLE texts USING fts5(text, content='', tokenize='trigram', detail=none, columnsize=0);
"""
_CREATE: Final = f"BEGIN; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;"
_CLEAR: Final = f"BEGIN; DROP TABLE texts; DROP TABLE indexed; DROP TABLE events; DROP TABLE answers; {_TABLES} COMMIT;"


def opened(file: str | None) -> sqlite3.Connection:
    """The database of a file, or a new one in memory. Raises `ConfigurationError`."""
    if file and file != IN_MEMORY:
        make_private(Path(file))
    database = _connected(file or IN_MEMORY)
    try:
        _prepare(database, file)
    except sqlite3.DatabaseError as error:
        database.close()
        raise ConfigurationError(f"{file} cannot hold events ({error}); give the name of a new file") from error
    except ConfigurationError:
        database.close()
        raise
    return database


def reader(file: str) -> sqlite3.Connection:
    """A second connection to the database of a file, on which long queries keep no one from writing."""
    database = _connected(file)
    database.execute("PRAGMA query_only = ON")
    return database


def clear(database: sqlite3.Connection) -> None:
    """Deletes everything, and counts from 1 again."""
    database.executescript(_CLEAR)


def _connected(file: str) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(file, check_same_thread=False)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{file} cannot be opened ({error}); see that its folder exists and can be written to"
        ) from error
    database.create_function("searchable", 5, searchable, deterministic=True)
    database.create_function("has_value", 3, has_value, deterministic=True)
    return database


def _prepare(database: sqlite3.Connection, file: str | None) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    has_tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    is_new = version == 0 and not has_tables
    if not is_new and version != _VERSION:
        raise ConfigurationError(
            f"{file} is a database of something else, or of another version; give the name of a new file"
        )
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if is_new:
        database.executescript(_CREATE)
