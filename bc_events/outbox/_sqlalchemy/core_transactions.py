"""CoreTransactions: those of connections without a session, of one outbox."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from .followed_connection import FollowedConnection

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .followed import FollowedSession
    from .row_writer import RowWriter


class CoreTransactions:
    def __init__(self, outbox: object, writer: RowWriter) -> None:
        self._outbox = outbox
        self._writer = writer
        self._lock = threading.RLock()
        self._followed: weakref.WeakKeyDictionary[Connection, FollowedConnection] = weakref.WeakKeyDictionary()
        self._leaving: dict[int, FollowedConnection] = {}
        """By the `id` of the driver's connection, which is what a pool gets back."""

    def of(self, connection: Connection) -> FollowedConnection | None:
        """The transaction that it has open without a session, if any."""
        found = self._followed.get(connection)
        return found if found is not None and found.is_open else None

    def begins(self, connection: Connection) -> FollowedConnection:
        found = self._followed.get(connection)
        if found is None:
            with self._lock:
                found = self._followed[connection] = FollowedConnection(connection, self._outbox, self._writer)
        found.opens(connection)
        return found

    def hand_over(self, connection: Connection, session: FollowedSession) -> None:
        """A session works on the connection, and ends its transaction."""
        found = self.of(connection)
        if found is not None:
            with self._lock:
                del self._followed[connection]
            found.hand_over(session)

    def lend(self, connection: Connection, session: FollowedSession) -> None:
        """A session works on the connection, whose transaction goes on when the session has ended its own."""
        found = self.of(connection)
        if found is not None:
            found.lend_to(session)

    def commits(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is None:
            return
        self._leaves(connection, found)
        try:
            found.commits()
        except BaseException:
            found.fails()
            raise

    def rolls_back(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is not None:
            self._leaves(connection, found)
            found.rolls_back()

    def fails(self, connection: Connection) -> None:
        """A statement on it has failed, or its commit."""
        found = self.of(connection)
        if found is not None:
            found.fails()

    def returns_to_pool(self, driver_connection: object) -> None:
        found = self._leaving.pop(id(driver_connection), None)
        if found is not None:
            found.settle()

    def _leaves(self, connection: Connection, found: FollowedConnection) -> None:
        if not connection.invalidated:
            self._leaving[id(connection.connection.dbapi_connection)] = found


def has_autocommit(connection: Connection) -> bool:
    """Whether the database commits each statement by itself. The public names of SQLAlchemy may ask the database."""
    return connection._is_autocommit_isolation()
