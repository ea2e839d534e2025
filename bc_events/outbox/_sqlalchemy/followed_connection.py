"""FollowedConnection: the open transaction of a connection that works without a session, such as `engine.begin()`."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from . import late
from .followed import FollowedSession
from .telling_transaction import make_tell, tells

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from bc_events._unit.held import Held
    from bc_events.event import Event

    from .joining_session import JoiningSession
    from .row_writer import RowWriter


class FollowedConnection(FollowedSession):
    """Its transaction tells of its end from its first statement or event on: see `TellingTransaction`."""

    def __init__(self, connection: Connection, outbox: object, writer: RowWriter) -> None:
        super().__init__(connection, outbox, writer)
        self._connection = weakref.ref(connection)
        self._borrowers: weakref.WeakSet[JoiningSession] = weakref.WeakSet()

    def may_hold(self, *, in_rehearsal: bool) -> bool:
        """Not while a session that was made with the connection has written: then that session holds the events.

        In a rehearsal, not if it was begun outside of every scope: then a test has begun it, to roll back what the
        service under test commits.
        """
        is_lent = any(one.is_open and one.has_written for one in list(self._borrowers))
        return self.is_open and not is_lent and not (in_rehearsal and self.scope is None)

    def add(self, event: Event, wake: Callable[[], None]) -> bool:
        """As for a session. What a listener publishes while the transaction begins is not in it yet."""
        return make_tell(self._connection()) and super().add(event, wake)

    def hold_for_now(self, event: Event, wake: Callable[[], None]) -> bool:
        """As for a session, but nobody waits for the next transaction of a connection."""
        return self.is_open and make_tell(self._connection()) and super().hold_for_now(event, wake)

    def ran(self, statement: str) -> None:
        make_tell(self._connection())
        super().ran(statement)

    def lend_to(self, session: JoiningSession) -> None:
        self._borrowers.add(session)

    @property
    def decides_after_commit(self) -> bool:
        """Whether it has a say over events of sessions that have committed in it.

        Not if it was begun outside of every scope, as by a test that rolls back in the end what the service commits:
        then their rows are in it, and nobody waits for its end.
        """
        return self.scope is not None

    def take_over(self, held: Held, wakes: set[Callable[[], None]]) -> None:
        make_tell(self._connection())
        with self._lock:
            self._wakes |= wakes
        for event in held.events:
            self.savepoints.note(event)
        held.move_to(self._levels.outermost.held)

    def hand_over(self, session: FollowedSession) -> None:
        """Its transaction is the session's from here on, and so are the events in it."""
        levels, wakes = self._levels, list(self._wakes)
        self._reset()
        if not levels.is_untouched:
            session.has_run(has_written=levels.has_written)
        for event in levels.outermost.held.withdraw(lambda _: True):
            session.add(event, *wakes[:1])

    def opens(self, connection: Connection) -> None:
        self._reset()  # of one that could not be begun
        self._begins(connection)

    def commits_untold(self) -> None:
        """SQLAlchemy commits it. If it does not tell of its end, nothing has run in it.

        A listener may have published in it just now: such events follow their scope.
        """
        if self._committing is not None:
            return
        held = self._levels.outermost.held
        self._reset()
        late.send(held.give_back())

    def rolls_back_untold(self) -> None:
        """SQLAlchemy rolls it back. If it does not tell of its end, nothing has run or was published in it."""
        if not tells(self._connection()):
            self._reset()

    def has_committed(self) -> None:
        self.committed()
        self._end()

    def has_ended(self) -> None:
        """It was rolled back, or a commit of it has failed; and with it the work of sessions that have joined it."""
        self.rolls_back()
        for one in list(self._borrowers):
            one.starts_over()
        self._end()

    def _end(self) -> None:
        self._borrowers.clear()
        self._decide(self._levels.outermost)
