"""EventStore: received events and remembered answers, in SQLite."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bc_events._runtime.private_file import make_private
from bc_events.errors import ConfigurationError
from bc_events.event import Actor

from .query import read_query
from .received_event import ReceivedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_IN_MEMORY: Final = ":memory:"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, received TEXT NOT NULL, job_id TEXT NOT NULL,
    topic TEXT NOT NULL, category TEXT NOT NULL, entity TEXT NOT NULL, action TEXT NOT NULL,
    actor_id TEXT NOT NULL, actor_type TEXT NOT NULL, data TEXT NOT NULL,
    idempotency_key TEXT, traceparent TEXT, baggage TEXT
);
CREATE INDEX events_by_job ON events (job_id);
CREATE INDEX events_by_topic ON events (topic);
CREATE TABLE answers (idempotency_key TEXT PRIMARY KEY, status INTEGER NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
"""
_CLEAR: Final = "BEGIN; DELETE FROM events; DELETE FROM answers; DELETE FROM sqlite_sequence; COMMIT;"
_COLUMNS: Final = (
    "event_id, received, job_id, topic, category, entity, action, actor_id, actor_type, data, "
    "idempotency_key, traceparent, baggage"
)
_DELETE: Final = "DELETE FROM events WHERE {}"
_PARAMETERS: Final = ", ".join("?" * 13)
_INSERT: Final = f"INSERT INTO events ({_COLUMNS}) VALUES ({_PARAMETERS})"  # noqa: S608  two constants
_FORWARD: Final = f"SELECT seq, {_COLUMNS} FROM events WHERE seq > ? AND {{}} ORDER BY seq LIMIT ?"  # noqa: S608  a constant
_CUT: Final = _COLUMNS.replace("data", "substr(data, 1, ?)")
_BACKWARD: Final = f"SELECT seq, {_CUT} FROM events WHERE {{}} ORDER BY seq DESC LIMIT ?"  # noqa: S608  a constant


class EventStore:
    """Threads share it. Without a file name it is in memory."""

    def __init__(self, file: str | None = None) -> None:
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._database = _opened(file)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def add(self, events: Sequence[ReceivedEvent], answer: tuple[int, bytes] | None, key: str | None) -> None:
        """Stores events, and the answer to their request, in one transaction."""
        with self._lock, self._database:
            self._database.executemany(_INSERT, [_row(event) for event in events])
            if answer is not None and key is not None:
                self._database.execute("INSERT INTO answers VALUES (?, ?, ?)", (key, *answer))
        if events:
            self.wake()

    def answer(self, key: str) -> tuple[int, bytes] | None:
        """The 2xx answer to an earlier request with this key, if there was one."""
        with self._lock:
            rows = self._database.execute("SELECT status, body FROM answers WHERE idempotency_key = ?", (key,))
            found: tuple[int, bytes] | None = rows.fetchone()
        return found

    def events(self, q: str = "", *, after: int = 0, limit: int | None = None) -> list[ReceivedEvent]:
        """The events that match, in the order of receipt, whose `seq` is greater than `after`. Raises `QueryError`."""
        found = self._select(_FORWARD, q, before=(after,), behind=(-1 if limit is None else limit,))
        return [_event(row) for row in found]

    def latest(self, q: str, limit: int, most_data: int) -> list[ReceivedEvent]:
        """The latest events that match, newest first. Data is cut to `most_data` characters. Raises `QueryError`."""
        return [_event(row) for row in self._select(_BACKWARD, q, before=(most_data,), behind=(limit,))]

    def count(self, q: str = "") -> int:
        found: int = self._select("SELECT count(*) FROM events WHERE {}", q)[0][0]
        return found

    def delete(self, q: str = "") -> int:
        """Deletes the events that match, and returns how many. Answers stay: a repeated request is still recognised."""
        query = read_query(q)
        with self._lock, self._database:
            return self._database.execute(_DELETE.format(query.condition), query.parameters).rowcount

    def clear(self) -> None:
        """Deletes events and answers, and counts from 1 again."""
        with self._lock:
            self._database.executescript(_CLEAR)

    def _select(
        self, sql: str, q: str, *, before: tuple[Any, ...] = (), behind: tuple[Any, ...] = ()
    ) -> list[tuple[Any, ...]]:
        query = read_query(q)
        with self._lock:
            return self._database.execute(sql.format(query.condition), (*before, *query.parameters, *behind)).fetchall()

    @contextmanager
    def listening(self, listener: Callable[[], None]) -> Iterator[None]:
        """Calls `listener` each time events have been stored, on the thread that stored them."""
        with self._lock:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._lock:
                self._listeners.remove(listener)

    def wake(self) -> None:
        """Calls every listener."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener()


def _opened(file: str | None) -> sqlite3.Connection:
    if file and file != _IN_MEMORY:
        make_private(Path(file))
    try:
        database = sqlite3.connect(file or _IN_MEMORY, check_same_thread=False)
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"{file} cannot be opened ({error}); see that its folder exists and can be written to"
        ) from error
    try:
        _prepare(database, file)
    except sqlite3.DatabaseError as error:
        database.close()
        raise ConfigurationError(f"{file} cannot hold events ({error}); give the name of a new file") from error
    except ConfigurationError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, file: str | None) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    has_tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    is_new = version == 0 and not has_tables
    if not is_new and version != _VERSION:
        raise ConfigurationError(f"{file} is a database of something else; give the name of a new file")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    if is_new:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


def _row(event: ReceivedEvent) -> tuple[Any, ...]:
    return (
        *(event.event_id, event.received.isoformat(), event.job_id),
        *(event.topic, event.category, event.entity, event.action),
        *(event.actor.id, event.actor.type, event.raw.decode()),
        *(event.idempotency_key, event.traceparent, event.baggage),
    )


def _event(row: tuple[Any, ...]) -> ReceivedEvent:
    seq, event_id, received, job_id, topic, category, entity, action, actor_id, actor_type, data, *headers = row
    moment = datetime.fromisoformat(received).astimezone(UTC)
    actor = Actor(actor_id, actor_type)
    return ReceivedEvent(seq, event_id, moment, job_id, topic, category, entity, action, actor, data.encode(), *headers)
