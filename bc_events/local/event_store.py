"""EventStore: received events and remembered answers, in SQLite."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from . import database, event_row
from .query import microseconds
from .retention import Retention
from .selection import Selection
from .text_index import TextIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .received_event import ReceivedEvent
    from .selection import Statement

_CHOSEN: Final = "seq IN (SELECT seq FROM chosen)"
_DELETE: Final = f"DELETE FROM events WHERE {_CHOSEN}"  # noqa: S608  a constant
_FIRST: Final = "SELECT seq FROM events ORDER BY seq LIMIT ?"
_FIRST_ANSWERS: Final = "DELETE FROM answers WHERE number <= (SELECT max(number) FROM answers) - ?"
_OLD: Final = "SELECT seq FROM events WHERE received < ?"


_SCANNED: Final = 2_000
"""So few events are searched one by one, sooner than the full-text index is brought up to date."""


class EventStore:
    """Threads share it. Without a file name it is in memory."""

    def __init__(self, file: str | None = None, retention: Retention | None = None) -> None:
        self._lock = threading.RLock()
        self._listeners: list[Callable[[], None]] = []
        self._retention = retention or Retention()
        self._database = database.opened(file)
        is_shared = not file or file == database.IN_MEMORY
        self._reader = self._database if is_shared else database.reader(str(file))
        self._reading = self._lock if is_shared else threading.RLock()
        self._texts = TextIndex(self._database)
        self.generation: int = 0
        """How often it has been cleared."""
        self._size: int = self._database.execute("SELECT count(*) FROM events").fetchone()[0]
        self.last_seq: int = self._database.execute("SELECT ifnull(max(seq), 0) FROM events").fetchone()[0]

    def close(self) -> None:
        with self._lock, self._reading:
            self._reader.close()
            self._database.close()

    def add(
        self, events: Sequence[ReceivedEvent], answer: tuple[int, bytes] | None = None, key: str | None = None
    ) -> None:
        """Stores events, and the answer to their request, in one transaction. Drops what need not be kept."""
        with self._lock, self._database:
            self._database.executemany(event_row.INSERT, map(event_row.row_of, events))
            if answer is not None and key is not None:
                self._database.execute(
                    "INSERT INTO answers (idempotency_key, received, status, body) VALUES (?, ?, ?, ?)",
                    (key, microseconds(datetime.now(UTC)), *answer),
                )
            if events:
                self._size += len(events)
                self.last_seq = self._database.execute("SELECT max(seq) FROM events").fetchone()[0]
                self._texts.follow(self.last_seq)
            self._drop()
        if events:
            self.wake()

    def add_missing(self, events: Sequence[ReceivedEvent]) -> int:
        """Stores those whose id is not known yet, and returns how many there were."""
        find = "SELECT 1 FROM events WHERE event_id = ?"
        with self._lock:
            unique = {event.event_id: event for event in events}
            missing = [one for one in unique.values() if not self._database.execute(find, (one.event_id,)).fetchone()]
            self.add(missing)
        return len(missing)

    def _drop(self) -> None:
        kept, age = self._retention.count, self._retention.age
        if kept is not None and self._size > kept:
            self._delete(_FIRST, (self._size - kept,))
            self._database.execute(_FIRST_ANSWERS, (kept,))
        if age is not None:
            oldest = microseconds(datetime.now(UTC) - age)
            self._delete(_OLD, (oldest,))
            self._database.execute("DELETE FROM answers WHERE received < ?", (oldest,))

    def drop_old(self) -> None:
        """Drops what is too old by now. Each question does so first."""
        if self._retention.age is not None:
            with self._lock, self._database:
                self._drop()

    def answer(self, key: str) -> tuple[int, bytes] | None:
        """The 2xx answer to an earlier request with this key, if there was one."""
        with self._lock:
            rows = self._database.execute("SELECT status, body FROM answers WHERE idempotency_key = ?", (key,))
            found: tuple[int, bytes] | None = rows.fetchone()
        return found

    def events(self, q: str = "", *, after: int = 0, limit: int | None = None) -> list[ReceivedEvent]:
        """The events that match, in the order of receipt, whose `seq` is greater than `after`. Raises `QueryError`."""
        return self.page(q, limit, after=after)

    def latest(
        self, q: str = "", limit: int | None = None, *, before: int | None = None, most_data: int | None = None
    ) -> list[ReceivedEvent]:
        """The latest events that match, newest first, whose `seq` is less than `before`.

        Data is cut to `most_data` characters. Raises `QueryError`.
        """
        selection = Selection.of(q, before=before)
        return self._events(selection.page(limit, is_newest_first=True, cut=most_data))

    def page(
        self,
        q: str,
        limit: int | None,
        *,
        after: int = 0,
        before: int | None = None,
        is_newest_first: bool = False,
    ) -> list[ReceivedEvent]:
        """The first `limit` events that match between two values of `seq`, without these. Raises `QueryError`."""
        is_near = self.last_seq - after <= _SCANNED and not is_newest_first
        selection = Selection.of(q, after=after, before=before, by_table=is_near)
        return self._events(selection.page(limit, is_newest_first=is_newest_first))

    def _events(self, statement: Statement) -> list[ReceivedEvent]:
        return [event_row.event_of(row) for row in self.rows(statement)]

    def count(self, q: str = "", most: int | None = None, *, after: int = 0) -> int:
        """How many match whose `seq` is greater than `after`; with `most`, counting ends there. Raises `QueryError`."""
        found: int = self.rows(Selection.of(q, after=after).count(most))[0][0]
        return found

    def rows(self, statement: Statement) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        self.drop_old()
        if "texts" in statement[0]:
            with self._lock, self._database:
                self._texts.catch_up(self.last_seq)
        with self._reading:
            return self._reader.execute(*statement).fetchall()

    def delete(self, q: str = "") -> int:
        """Deletes what matches, whatever its status, and returns how many there were.

        Answers stay: a repeated request is still recognised. Raises `QueryError`.
        """
        chosen = Selection.of(q, status=None).columns("e.seq", None)
        with self._lock, self._database:
            self._texts.catch_up(self.last_seq)
            return self._delete(*chosen)

    def _delete(self, chosen: str, parameters: tuple[Any, ...]) -> int:
        """Deletes the events whose `seq` a statement chooses."""
        # A table keeps them, because what the index has lost would not be chosen a second time.
        self._database.execute("CREATE TEMP TABLE IF NOT EXISTS chosen (seq INTEGER PRIMARY KEY)")
        self._database.execute(f"INSERT INTO chosen {chosen}", parameters)
        self._texts.forget(_CHOSEN)
        deleted = self._database.execute(_DELETE).rowcount
        self._database.execute("DELETE FROM chosen")
        self._size -= deleted
        return deleted

    def clear(self) -> None:
        """Deletes events and answers, and counts from 1 again."""
        with self._lock, self._reading:
            database.clear(self._database)
            self._size = self.last_seq = 0
            self.generation += 1
        self.wake()

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
