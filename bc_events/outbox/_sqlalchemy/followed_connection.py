"""FollowedConnection: the open transaction of a connection that works without a session, such as `engine.begin()`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from .followed import FollowedSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from bc_events.event import Event

    from .row_writer import RowWriter


class FollowedConnection(FollowedSession):
    """SQLAlchemy tells of a commit or a rollback of a connection before it is done, and not afterwards.

    So a transaction that is being ended is settled once its connection has left it. Whoever comes next looks: the pool
    that gets the connection back, its next transaction, or an event that is published or flushed where it was begun.
    """

    def __init__(self, connection: Connection, outbox: object, writer: RowWriter) -> None:
        super().__init__(connection, outbox, writer)
        self._connection = weakref.ref(connection)
        self._borrower: FollowedSession | None = None
        self._is_leaving = False

    @property
    def is_open(self) -> bool:
        return super().is_open and not self.has_left

    @property
    def has_left(self) -> bool:
        """Whether its transaction was committed or rolled back, and awaits its settlement."""
        connection = self._connection()
        return self._is_leaving and (connection is None or connection.get_transaction() is None)

    def may_hold(self, *, in_rehearsal: bool) -> bool:
        """Not while a session that was made with the connection has written: that speaks for the transaction.

        In a rehearsal, not if it was begun outside of every scope: then a test has begun it, to roll back what the
        service under test commits.
        """
        is_lent = self._borrower is not None and self._borrower.is_open and self._borrower.has_written
        return self.is_open and not is_lent and not (in_rehearsal and self.scope is None)

    def miss(self, event: Event, wake: Callable[[], None]) -> bool:
        """As for a session, but nobody waits for the next transaction of a connection."""
        return self.is_open and super().miss(event, wake)

    def lend_to(self, session: FollowedSession) -> None:
        self._borrower = session

    def hand_over(self, session: FollowedSession) -> None:
        """Its transaction is the session's from here on, and so are the events in it."""
        levels, wakes = self._levels, list(self._wakes)
        self._reset()
        if not levels.is_untouched:
            session.has_run(has_written=levels.has_written)
        for event in levels.outermost.held.withdraw(lambda _: True):
            session.add(event, *wakes[:1])

    def opens(self, connection: Connection) -> None:
        self.settle()
        self._begins(connection)

    def commits(self) -> None:
        self._is_leaving = True
        super().commits()

    def rolls_back(self) -> None:
        super().rolls_back()
        connection = self._connection()
        if self.has_say() or connection is None or connection.invalidated:
            self._end()
        else:  # the events that it gives back cannot be stored on SQLite before the file is free
            self._is_leaving = True

    def fails(self) -> None:
        """Its commit has failed, if it was under way."""
        if self._committing is not None:
            self._committing = None
            self.rolls_back()

    def settle(self) -> None:
        if self._levels and self.has_left:
            if self._committing is not None:
                self.committed()
            self._end()

    def _end(self) -> None:
        self._is_leaving = False
        self._borrower = None
        self._decide(self._levels.outermost)

    def _forsaken(self) -> None:
        if self._committing is not None and self._levels:
            self._levels.outermost.held.confirm()  # it was done: whatever fails in it is told of before
        super()._forsaken()
