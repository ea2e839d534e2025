"""CoreTransactions: those of connections without a session, of one outbox."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from .followed_connection import FollowedConnection

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from .followed import FollowedSession
    from .joining_session import JoiningSession
    from .row_writer import RowWriter


class CoreTransactions:
    def __init__(self, outbox: object, writer: RowWriter) -> None:
        self._outbox = outbox
        self._writer = writer
        self._lock = threading.RLock()
        self._followed: weakref.WeakKeyDictionary[Connection, FollowedConnection] = weakref.WeakKeyDictionary()

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

    def lend(self, connection: Connection, session: JoiningSession) -> None:
        """A session works on the connection, whose transaction goes on when the session has ended its own."""
        found = self.of(connection)
        if found is not None:
            found.lend_to(session)

    def commits(self, connection: Connection) -> None:
        """Its transaction tells of its commit, which is still to be done."""
        found = self.of(connection)
        if found is not None:
            found.commits()

    def committed(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is not None:
            found.has_committed()

    def ended(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is not None:
            found.has_ended()

    def commits_untold(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is not None:
            found.commits_untold()

    def rolls_back(self, connection: Connection) -> None:
        found = self.of(connection)
        if found is not None:
            found.undo()
            found.rolls_back_untold()


def has_autocommit(connection: Connection) -> bool:
    """Whether the database commits each statement by itself. The public names of SQLAlchemy may ask the database."""
    return connection._is_autocommit_isolation()
