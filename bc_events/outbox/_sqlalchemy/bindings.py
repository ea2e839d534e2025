"""Bindings: the database sessions and connections whose transactions an outbox follows."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from sqlalchemy import inspect

from bc_events._ambient import frames, transactions

from . import session_events, unfollowed
from .engine import STORE_OPTION
from .followed import FollowedSession
from .owners import Owners, root_of
from .row_writer import RowWriter
from .savepoints import SavepointCommand
from .unfollowed import Unfollowed

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events._unit.unit_of_work import UnitOfWork


class Bindings:
    """Of one outbox. Threads share it; a database session, as always, belongs to one at a time."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._writer = RowWriter(engine, table)
        self._lock = threading.RLock()
        self._class: type[Session] | None = None
        self.owners: Owners = Owners()
        self._followed: weakref.WeakKeyDictionary[Connection, FollowedSession] = weakref.WeakKeyDictionary()
        self._unfollowed: weakref.WeakKeyDictionary[Connection, Unfollowed] = weakref.WeakKeyDictionary()
        unfollowed.watch(self)

    def bind(self, unit: UnitOfWork, session: Session) -> None:
        """By hand: for this unit of work it comes before all others, also while no transaction is open."""
        is_new = self not in session.info
        followed = self._session(session)
        if is_new and not self._is_told_of(session):
            session_events.listen(session, self)
        if is_new:
            self._catch_up(session, followed)
        transactions.note(followed, root_of(unit))
        self.owners.follow(followed, unit)

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
            found = session.info[self] = FollowedSession(session, self.owners, self._writer)
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
            self.owners.follow(followed, unit)

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
                found = self._unfollowed[connection] = Unfollowed(connection, self.owners)
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
        if found is not None and found.ran(statement):
            self.owners.unfollowed_writes(found)

    def connection_rolls_back(self, connection: Connection) -> None:
        followed = self._followed.get(connection)
        if followed is not None:
            followed.undo()
