"""Bindings: the database sessions and connections whose transactions an outbox follows."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect

from bc_events._ambient import frames, transactions

from . import connection_events, session_events
from .core_transactions import CoreTransactions, has_autocommit
from .engine import STORE_OPTION
from .joining_session import JoiningSession, outlasts_close, outlasts_commit
from .owners import Owners, root_of
from .savepoints import SavepointCommand

if TYPE_CHECKING:
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events._unit.unit_of_work import UnitOfWork

    from .followed_connection import FollowedConnection
    from .row_writer import RowWriter


class Bindings:
    """Those of one outbox. Threads share this object; each database session belongs to one thread at a time."""

    def __init__(self, writer: RowWriter) -> None:
        self._writer = writer
        self._lock = threading.RLock()
        self._class: type[Session] | None = None
        self.owners: Owners = Owners()
        self._followed: weakref.WeakKeyDictionary[Connection, JoiningSession] = weakref.WeakKeyDictionary()
        self._core = CoreTransactions(self.owners, self._writer)
        connection_events.listen_to_all(self)

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

    def _session(self, session: Session) -> JoiningSession:
        found: JoiningSession | None = session.info.get(self)
        if found is None:
            found = session.info[self] = JoiningSession(session, self.owners, self._writer)
        return found

    def _catch_up(self, session: Session, followed: JoiningSession) -> None:
        """With the transactions that were open before the session was bound."""
        transaction = session.get_nested_transaction() or session.get_transaction()
        chain = []
        while transaction is not None:
            chain.append(transaction)
            transaction = transaction.parent
        for one in reversed(chain):
            followed.begins(one)
            for connection in {found for found, *_ in one._connections.values()}:  # no public name does not connect
                self._catch_up_with(session, connection, followed)

    def _catch_up_with(self, session: Session, connection: Connection, followed: JoiningSession) -> None:
        """Where the connection was followed, what has run on it is known. Otherwise it may have written."""
        is_known = connection in self._followed or self._core.of(connection) is not None
        self._works_on(session, connection, followed)
        followed.has_run(has_written=not is_known)

    def begins(self, session: Session, transaction: SessionTransaction) -> None:
        if transaction.parent is not None and self not in session.info:
            return  # the transaction around it began before this outbox was there
        followed = self._session(session)
        followed.begins(transaction)
        if isinstance(session.bind, Connection):
            self._core.lend(session.bind, followed)
        unit = frames.unit_to_join()
        if unit is not None and transaction.parent is None:
            self.owners.follow(followed, unit)

    def connects(self, session: Session, transaction: SessionTransaction, connection: Connection) -> None:
        followed = self._session(session)
        self._works_on(session, connection, followed)
        if transaction.nested:
            followed.savepoints.forget_last()  # it is the session's own, which follows it as a level

    def _works_on(self, session: Session, connection: Connection, followed: JoiningSession) -> None:
        with self._lock:
            self._followed[connection] = followed
        if not self._writer.is_database_of(connection.engine):
            return
        if has_autocommit(connection):
            followed.has_autocommit()
        if isinstance(session.bind, Connection):
            self._core.lend(connection, followed)
        else:
            self._core.hand_over(connection, followed)

    def changes(self, session: Session, _instance: object) -> None:
        followed = self._session(session)
        transactions.note_use(followed)
        followed.writes()

    def detaches(self, session: Session, instance: object) -> None:
        """A session that is closed first parts with its objects, and with their changes."""
        if inspect(instance).modified:
            self._session(session).writes()

    def commits(self, session: Session) -> None:
        if not session.in_nested_transaction() and self._around(session) is None:
            self._session(session).commits()

    def flushed(self, session: Session, _context: object) -> None:
        self._session(session).write_rows()

    def committed(self, session: Session) -> None:
        around = None if session.in_nested_transaction() else self._around(session)
        followed = self._session(session)
        if around is None or not followed.joins(around):
            followed.committed()

    def _around(self, session: Session) -> FollowedConnection | None:
        """The transaction that decides about the events of this session after its commit, if any."""
        around = self._lender(session)
        if around is None or not around.decides_after_commit:
            return None
        return None if self._session(session).is_committing or not outlasts_commit(session) else around

    def _lender(self, session: Session) -> FollowedConnection | None:
        """The open transaction of the connection with which the session was made, as by `Session(connection)`."""
        return self._core.of(session.bind) if isinstance(session.bind, Connection) else None

    def rolls_back(self, session: Session) -> None:
        self._session(session).rolls_back()

    def ended(self, session: Session, transaction: SessionTransaction) -> None:
        followed, around = self._session(session), self._lender(session)
        is_closed = transaction.parent is None and followed.is_closed_unfinished and not followed.is_committing
        if around is not None and is_closed and outlasts_close(transaction):
            followed.joins(around)
        followed.ended(transaction)

    def connection_begins(self, connection: Connection) -> None:
        is_ours = STORE_OPTION in connection.get_execution_options()
        if not is_ours and self._writer.is_database_of(connection.engine) and not has_autocommit(connection):
            followed = self._core.begins(connection)
            unit = frames.unit_to_join()
            if unit is not None:
                self.owners.follow(followed, unit)

    def connection_runs(self, connection: Connection, statement: str) -> None:
        """Tells the transaction of the connection, and that of the session which works on it; each if it is open."""
        command = SavepointCommand.of(statement)
        for followed in (self._core.of(connection), self._followed.get(connection)):
            if followed is None or not followed.is_open:
                continue
            transactions.note_use(followed)
            followed.ran(statement)
            if command is not None:
                followed.runs_savepoint(command)

    def connection_commits(self, connection: Connection) -> None:
        self._core.commits_untold(connection)

    def connection_rolls_back(self, connection: Connection) -> None:
        followed = self._followed.get(connection)
        if followed is not None:
            followed.undo()
        self._core.rolls_back(connection)

    def transaction_commits(self, connection: Connection) -> None:
        self._core.commits(connection)

    def transaction_committed(self, connection: Connection) -> None:
        self._core.committed(connection)

    def transaction_ended(self, connection: Connection) -> None:
        self._core.ended(connection)
