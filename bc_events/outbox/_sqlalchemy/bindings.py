"""Bindings: to which transaction of which database session an event belongs."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import inspect

from bc_events._ambient import frames, transactions
from bc_events._runtime import logs

from . import session_events, unfollowed
from .engine import STORE_OPTION
from .followed import FollowedSession
from .owner_choice import OwnerChoice
from .row_writer import RowWriter
from .savepoints import SavepointCommand
from .unfollowed import Unfollowed, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events._ambient.transactions import Note
    from bc_events._unit.unit_of_work import UnitOfWork
    from bc_events.event import Event

_SEVERAL: Final = (
    "%d database sessions have written in the transactions that they have open here; an event belongs to the one begun "
    "last: call outbox.bind(session) to name another"
)


class Bindings:
    """Of one outbox. Threads share it; a database session, as always, belongs to one at a time."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._writer = RowWriter(engine, table)
        self._lock = threading.RLock()
        self._class: type[Session] | None = None
        self._of_unit: weakref.WeakKeyDictionary[UnitOfWork, weakref.WeakSet[FollowedSession]] = (
            weakref.WeakKeyDictionary()
        )
        self._followed: weakref.WeakKeyDictionary[Connection, FollowedSession] = weakref.WeakKeyDictionary()
        self._unfollowed: weakref.WeakKeyDictionary[Connection, Unfollowed] = weakref.WeakKeyDictionary()
        self._waiting: weakref.WeakKeyDictionary[UnitOfWork, Waiting] = weakref.WeakKeyDictionary()
        self._has_warned_of_several = False
        self._has_warned_of_unfollowed = False
        unfollowed.watch(self)

    def bind(self, unit: UnitOfWork, session: Session) -> None:
        """By hand: for this unit of work it comes before all others, also while no transaction is open."""
        is_new = self not in session.info
        followed = self._session(session)
        if is_new and not self._is_told_of(session):
            session_events.listen(session, self)
        if is_new:
            self._catch_up(session, followed)
        transactions.note(followed, _root(unit))
        self._belongs(followed, unit)

    def follow(self, session_class: type[Session]) -> None:
        """Each session of this class, which is a factory's own."""
        self._class = session_class
        session_events.listen(session_class, self)

    def follow_all(self) -> None:
        """Each session that is bound to the outbox's database, wherever it was made."""
        session_events.listen_to_all(self)

    def is_bound(self, session: Session) -> bool:
        """Whether a session works on the outbox's database, and is none of the factory's own."""
        if self._class is not None and isinstance(session, self._class):
            return False
        return session.bind is not None and self._writer.is_database_of(session.bind.engine)

    def _is_told_of(self, session: Session) -> bool:
        """Whether `session_events` tells of this session already."""
        return self.is_bound(session) or (self._class is not None and isinstance(session, self._class))

    def _session(self, session: Session) -> FollowedSession:
        found: FollowedSession | None = session.info.get(self)
        if found is None:
            found = session.info[self] = FollowedSession(session, self, self._writer)
        return found

    def _catch_up(self, session: Session, followed: FollowedSession) -> None:
        """With the transactions that were open before the session was bound."""
        transaction = session.get_nested_transaction() or session.get_transaction()
        chain = []
        while transaction is not None:
            chain.append(transaction)
            transaction = transaction.parent
        for one in reversed(chain):
            followed.begins(one)
            for connection in {found for found, *_ in one._connections.values()}:  # no public name does not connect
                self._catch_up_with(connection, followed)

    def _catch_up_with(self, connection: Connection, followed: FollowedSession) -> None:
        """What has run on it is known where it leads to the outbox's database."""
        with self._lock:
            before = self._unfollowed.pop(connection, None)
            is_known = before is not None or connection in self._followed
            self._followed[connection] = followed
        followed.has_run(has_written=before.has_written if before is not None else not is_known)

    def begins(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is not None and self not in session.info:
            return  # the one around it began before this outbox was there
        followed = self._session(session)
        followed.begins(transaction)
        unit = frames.unit_to_join()
        if unit is not None and transaction.parent is None:
            self._belongs(followed, unit)

    def _belongs(self, followed: FollowedSession, unit: UnitOfWork) -> None:
        followed.scope = _innermost()
        with self._lock:
            self._of_unit.setdefault(_root(unit), weakref.WeakSet()).add(followed)

    def connects(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        followed = self._session(session)
        with self._lock:
            self._unfollowed.pop(connection, None)
            self._followed[connection] = followed
        if transaction.nested:
            followed.savepoints.forget_last()  # it is the session's own, which follows it as a level

    def changes(self, session: Session, _instance: object) -> None:
        followed = self._session(session)
        transactions.note_use(followed)
        followed.writes()

    def detaches(self, session: Session, instance: object) -> None:
        """A session that is closed first parts with its objects, and with their changes."""
        if inspect(instance).modified:
            self._session(session).writes()

    def commits(self, session: Session) -> None:
        self._session(session).commits()

    def flushed(self, session: Session, _context: object) -> None:
        self._session(session).write_rows()

    def committed(self, session: Session) -> None:
        self._session(session).committed()

    def rolls_back(self, session: Session) -> None:
        self._session(session).rolls_back()

    def ended(self, session: Session, transaction: SessionTransaction) -> None:
        self._session(session).ended(transaction)

    def connection_begins(self, connection: Connection) -> None:
        is_ours = STORE_OPTION in connection.get_execution_options()
        if not is_ours and connection not in self._followed and self._writer.is_database_of(connection.engine):
            with self._lock:
                found = self._unfollowed[connection] = Unfollowed(connection, self)
            transactions.note(found)

    def connection_runs(self, connection: Connection, statement: str) -> None:
        followed = self._followed.get(connection)
        if followed is not None:
            transactions.note_use(followed)
            followed.ran(statement)
            command = SavepointCommand.of(statement)
            if command is not None:
                followed.runs_savepoint(command)
            return
        found = self._unfollowed.get(connection)
        if found is not None and found.ran(statement) and (found.has_events or self._is_waited_for()):
            self._warn_of_unfollowed()

    def connection_rolls_back(self, connection: Connection) -> None:
        followed = self._followed.get(connection)
        if followed is not None:
            followed.undo()

    def _is_waited_for(self) -> bool:
        """Whether an event that was published here while nothing was open is still pending."""
        subjects = (one.subject for one in transactions.followed_by(self))
        return any(isinstance(one, Waiting) and one.is_open for one in subjects)

    def record(self, event: Event, wake: Callable[[], None]) -> bool:
        """Whether a transaction that is open here holds the event; `wake` follows its commit."""
        root = _root(event.origin)
        notes = transactions.followed_by(self)
        sessions = _sessions_of(notes)
        named = [one for one, unit in sessions.items() if unit is root]
        if named:
            return self._record_named(event, named[-1], wake)
        open_ones = _open_ones(sessions)
        writers = [one for one in open_ones if one.has_written]
        subjects = [one.subject for one in notes]
        if not writers:
            self._note_beside(subjects)
        if open_ones:
            return self._record_among(event, open_ones, writers, wake)
        is_held = self._record_unseen(event, root, wake)
        if not is_held:
            self._note_waiting(root, subjects)
        return is_held

    def entrust(self, event: Event, wake: Callable[[], None]) -> bool:
        """At its flush: whether a transaction that is open here, and has written by now, holds the event from here."""
        root = _root(event.origin)
        sessions = _sessions_of(transactions.followed_by(self))
        writers = [one for one in _open_ones(sessions) if one.has_written]
        named = [one for one in writers if sessions[one] is root]
        if not writers:
            return False
        if not named:
            self._note_several(writers)
        return (named or writers)[-1].add(event, wake)

    def _record_named(self, event: Event, session: FollowedSession, wake: Callable[[], None]) -> bool:
        if session.is_open:
            return session.add(event, wake)
        session.expect(event, wake)
        return False

    def _record_among(
        self, event: Event, sessions: list[FollowedSession], writers: list[FollowedSession], wake: Callable[[], None]
    ) -> bool:
        self._note_several(writers)
        if not (writers or sessions)[-1].add(event, wake):
            return False
        if not writers and len(sessions) > 1:
            OwnerChoice(event, sessions, wake)
        return True

    def _note_several(self, writers: list[FollowedSession]) -> None:
        if len(writers) > 1 and not self._has_warned_of_several:
            self._has_warned_of_several = True
            logs.write(logging.WARNING, _SEVERAL, len(writers))

    def _record_unseen(self, event: Event, root: UnitOfWork, wake: Callable[[], None]) -> bool:
        with self._lock:
            sessions = list(self._of_unit.get(root, ()))
        scopes = {frame.opening for frame in frames.chain()}
        unseen = [one for one in sessions if one.scope in scopes]
        return any(one.miss(event, wake) for one in sorted(unseen, key=lambda one: -one.transaction_number))

    def _note_beside(self, subjects: list[object]) -> None:
        beside = [one for one in subjects if isinstance(one, Unfollowed) and one.is_open]
        for one in beside:
            one.has_events = True
        if any(one.has_written for one in beside):
            self._warn_of_unfollowed()

    def _note_waiting(self, root: UnitOfWork, subjects: list[object]) -> None:
        waiting = self._waiting.get(root)
        if waiting is None:
            with self._lock:
                waiting = self._waiting.setdefault(root, Waiting(root, self))
        if waiting not in subjects:
            transactions.note(waiting)

    def _warn_of_unfollowed(self) -> None:
        if not self._has_warned_of_unfollowed:
            self._has_warned_of_unfollowed = True
            unfollowed.warn()


def _sessions_of(notes: list[Note]) -> dict[FollowedSession, UnitOfWork | None]:
    """Each with the unit of work for which it was bound by hand, if it was."""
    return {one.subject: one.unit for one in notes if isinstance(one.subject, FollowedSession)}


def _open_ones(sessions: Iterable[FollowedSession]) -> list[FollowedSession]:
    """The one whose transaction was begun last at the end."""
    return sorted((one for one in sessions if one.is_open), key=lambda one: one.transaction_number)


def _innermost() -> frames.Frame | None:
    frame = frames.innermost()
    return frame.opening if frame is not None else None


def _root(origin: Any) -> UnitOfWork:
    unit: UnitOfWork = origin
    while unit.parent is not None:
        unit = unit.parent
    return unit
