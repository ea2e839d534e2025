"""Binding: the events that wait for the transactions of one SQLAlchemy session."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import event as listening
from sqlalchemy.exc import SQLAlchemyError

from bc_events import observers
from bc_events.constants import LOGGER_NAME

from .engine import hide_values
from .row import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events.event import Event
    from bc_events.unit import UnitOfWork

    from .bindings import Bindings

_logger = logging.getLogger(LOGGER_NAME)
_ROLLED_BACK: Final = "a database transaction was rolled back with its events"
_CLOSED: Final = (
    "a database session was closed without a commit, so the events of its transaction were dropped; publish before the "
    "commit: to read what it has expired begins another transaction"
)


@dataclass(slots=True, eq=False)
class _Entry:
    """`transaction` None waits for the next one. `is_handed_over`: its unit of work has ended and no longer has it.

    `wake` tells the relay of the event's own client that something was committed.
    """

    root: UnitOfWork
    event: Event
    transaction: SessionTransaction | None
    wake: Callable[[], None]
    is_handed_over: bool = False
    is_written: bool = False


class Binding:
    """Rows are written at the outermost commit only: `before_commit` also fires when a savepoint is released, and what
    is written then can still be lost.

    A commit that has begun takes only what its own hooks publish from then on. What others publish while it runs, and
    whatever is published once it is done, is not tied to it: their unit of work keeps that.
    """

    def __init__(self, session: Session, engine: Engine, table: Table, bindings: Bindings) -> None:
        self._engine = engine
        self._table = table
        self._bindings = bindings
        self._lock = threading.RLock()
        self._entries: list[_Entry] = []
        self._committing: object = None
        self._has_committed = False
        self._has_rolled_back = False
        listening.listen(session, "after_transaction_create", self._begins)
        listening.listen(session, "before_commit", self._write)
        listening.listen(session, "after_commit", self._committed)
        listening.listen(session, "after_rollback", self._rolls_back)
        listening.listen(session, "after_soft_rollback", self._rolled_back)
        listening.listen(session, "after_transaction_end", self._ended)

    def add(self, root: UnitOfWork, event: Event, session: Session, wake: Callable[[], None]) -> None:
        """Ties an event to the innermost transaction that is open, or to the next one."""
        transaction = session.get_nested_transaction() or session.get_transaction()
        entry = _Entry(root, event, transaction, wake)
        with self._lock:
            is_late = self._committing is not None
            if self._has_committed or (is_late and not self._takes_more(session)):
                return
            self._entries.append(entry)
        if is_late:
            self._insert(session, [entry])

    def _takes_more(self, session: Session) -> bool:
        """Whether the commit that has begun is published into by its own hooks, and before it is done."""
        outermost = session.get_transaction()
        return self._committing == _here() and outermost is not None and outermost.is_active

    def remove(self, event: Event) -> None:
        with self._lock:
            self._entries = [entry for entry in self._entries if entry.event is not event]

    def hand_over(self, event: Event) -> bool:
        """Whether a transaction that is open decides about it; if not, it is no longer here."""
        with self._lock:
            entry = next((one for one in self._entries if one.event is event), None)
            if entry is None:
                return False
            entry.is_handed_over = entry.transaction is not None
            if not entry.is_handed_over:
                self._entries.remove(entry)
            return entry.is_handed_over

    def _begins(self, _session: Session, transaction: SessionTransaction) -> None:
        with self._lock:
            for entry in self._entries:
                if entry.transaction is None and transaction.parent is None:
                    entry.transaction = transaction

    def _write(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        session.flush()  # what is published while it flushes belongs to this commit
        with self._lock:
            entries = list(self._entries)
            self._committing = _here()
        self._insert(session, entries)

    def _insert(self, session: Session, entries: list[_Entry]) -> None:
        for entry in entries:
            entry.is_written = True
        rows = [_values(Row.of(entry.event, entry.root.client.service_name)) for entry in entries]
        if not rows:
            return
        try:
            # The outbox is one table, wherever the session's engine has put those of a tenant.
            untranslated = {"schema_translate_map": None}
            self._connection(session).execute(self._table.insert(), rows, execution_options=untranslated)
        except SQLAlchemyError as error:
            hide_values(error)
            error.add_note(
                f"{len(rows)} events were to be stored in {self._table.name} with this transaction; "
                "see that `bc-events outbox sql` has been applied to its database"
            )
            raise

    def _connection(self, session: Session) -> Connection:
        """The session's own connection to the outbox's database, and with it its own transaction there."""
        own = session.bind
        is_same = own is not None and _address(own.engine) == _address(self._engine)
        return session.connection(bind_arguments={"bind": own if is_same else self._engine})

    def _committed(self, session: Session) -> None:
        if session.in_nested_transaction():
            return
        with self._lock:
            self._has_committed, self._committing = True, None
        written = self._taken(lambda entry: entry.is_written)
        self._settle(written)
        if written:
            observers.confirmed([entry.event for entry in written])
            for wake in {entry.wake for entry in written}:
                wake()

    def _rolls_back(self, session: Session) -> None:
        self._has_rolled_back |= not session.in_nested_transaction()

    def _rolled_back(self, _session: Session, transaction: SessionTransaction) -> None:
        """A savepoint; the outermost transaction has ended by then."""
        if gone := self._drop(transaction):
            _logger.info(_ROLLED_BACK, extra={"bc_dropped": gone})

    def _ended(self, _session: Session, transaction: SessionTransaction) -> None:
        """One that is closed without a word was rolled back, and it may be that nobody meant that."""
        if transaction.parent is not None:
            return
        if not self._has_committed and (gone := self._drop(transaction)):
            is_meant = self._has_rolled_back or self._committing is not None
            _logger.log(
                logging.INFO if is_meant else logging.WARNING,
                _ROLLED_BACK if is_meant else _CLOSED,
                extra={"bc_dropped": gone},
            )
        with self._lock:
            self._has_committed, self._has_rolled_back, self._committing = False, False, None

    def _drop(self, transaction: SessionTransaction) -> int:
        """Returns how many events were tied to it."""
        gone = self._taken(lambda entry: _is_within(entry.transaction, transaction))
        self._settle(gone)
        if gone:
            events = [entry.event for entry in gone]
            observers.dropped(events)
        return len(gone)

    def _taken(self, is_taken: Callable[[_Entry], bool]) -> list[_Entry]:
        with self._lock:
            taken = [entry for entry in self._entries if is_taken(entry)]
            self._entries = [entry for entry in self._entries if not is_taken(entry)]
        return taken

    def _settle(self, entries: list[_Entry]) -> None:
        by_root: dict[UnitOfWork, list[Event]] = {}
        for entry in entries:
            if not entry.is_handed_over:
                by_root.setdefault(entry.root, []).append(entry.event)
        for root, events in by_root.items():
            self._bindings.settle(root, events)


def _address(engine: Engine) -> tuple[object, ...]:
    """Which database it is: the session's driver may be another, and async."""
    url = engine.url
    return engine.dialect.name, url.host, url.port, url.database, url.query.get("host")


def _values(row: Row) -> dict[str, object]:
    return {
        "id": row.id,
        "aggregatetype": row.category,
        "aggregateid": row.job_id,
        "type": row.topic,
        "payload": row.payload,
        "created_at": row.created_at,
        "service": row.service,
        "trace": row.trace,
    }


def _here() -> object:
    """This thread, and in it the greenlet: that is where an AsyncSession works, and no other task does."""
    greenlet = sys.modules.get("greenlet")
    return threading.get_ident(), greenlet and greenlet.getcurrent()


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None:
        if transaction is outer:
            return True
        transaction = transaction.parent
    return False
