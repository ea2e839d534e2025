"""FollowedSession: the open transactions of one SQLAlchemy session, and the events that each of them holds."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING

from bc_events._ambient import transactions
from bc_events._unit.held import Held

from . import late
from .expected_events import ExpectedEvents
from .guests import Guests
from .running_commit import RunningCommit
from .savepoints import SavepointStack
from .transaction_level import TransactionLevel
from .transaction_levels import TransactionLevels
from .transaction_rows import TransactionRows
from .unflushed import has_unflushed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events._ambient.frames import Frame
    from bc_events.event import Event

    from .owner_choice import OwnerChoice
    from .row_writer import RowWriter
    from .savepoints import SavepointCommand


class FollowedSession:
    """Rows are written at the outermost commit only: `before_commit` also fires when a savepoint is released, and a row
    that is written then can still be lost.

    A transaction that has only read has no say: its events go back to their scopes. One without any statement has.
    """

    def __init__(self, session: Session | Connection, outbox: object, writer: RowWriter) -> None:
        self.outbox = outbox
        self._session = weakref.ref(session)
        self._lock = threading.RLock()
        self._levels = TransactionLevels()
        self._committing: RunningCommit | None = None
        self._rows = TransactionRows(writer)
        self._wakes: set[Callable[[], None]] = set()
        self.owner_choices: list[OwnerChoice] = []
        self.savepoints: SavepointStack = SavepointStack()
        self.scope: Frame | None = None
        """The innermost scope where it was bound, or its open transaction was begun."""
        self._expected = ExpectedEvents()
        self._guests = Guests(self._can_withdraw, has_say=self.has_say)
        self._rest = Held()
        weakref.finalize(session, self._collected).atexit = False

    @property
    def is_open(self) -> bool:
        return bool(self._levels)

    @property
    def transaction_number(self) -> int:
        return self._levels.number

    @property
    def has_written(self) -> bool:
        """Whether there is more in its open transaction than what it has read."""
        self._note_unflushed()
        return self._levels.has_written

    def may_hold(self, *, in_rehearsal: bool) -> bool:  # noqa: ARG002  of a connection
        """Whether its open transaction can be the owner of an event."""
        return self.is_open

    def has_say(self) -> bool:
        """Whether the end of its open transaction decides about the events in it."""
        return self._committing is not None or self.has_written or self._levels.is_untouched

    def _note_unflushed(self) -> None:
        if has_unflushed(self._session()):
            self.writes()

    def add(self, event: Event, wake: Callable[[], None]) -> bool:
        """Whether the innermost transaction that is open holds the event from here on."""
        self._note_unflushed()
        with self._lock:
            commit = self._committing
            is_over = not self._levels or self._levels.outermost.is_committed
            if is_over or not (commit is None or commit.takes_more(self._session())):
                return False
            self._wakes.add(wake)
            level = self._levels.around
            if level.is_undone or level.has_explicit_rollback:
                return False
            level.held.add(event)
            self.savepoints.note(event)
        if commit is not None:
            self.write_rows()
        return True

    def release(self, event: Event) -> bool:
        """Takes an event out, for another transaction; False where it is not here any more."""
        with self._lock:
            return any(level.held.withdraw(lambda one: one is event) for level in self._levels)

    def expect(self, event: Event, wake: Callable[[], None]) -> None:
        """See `ExpectedEvents.add`."""
        self._expected.add(event, wake, self)

    def hold_for_now(self, event: Event, wake: Callable[[], None]) -> bool:
        """Whether it holds an event for now that code in its scope published without this session: see `Guests`."""
        if not self._levels:
            self.expect(event, wake)
            return False
        with self._lock:
            if not self._guests.are_welcome or self._committing is not None or self._levels.outermost.is_committed:
                return False
            self._wakes.add(wake)
            self._guests.add(event)
        return True

    def begins(self, transaction: SessionTransaction) -> None:
        if transaction.parent is None or transaction.nested:  # otherwise it is a part of its parent
            self._begins(transaction)

    def _begins(self, transaction: SessionTransaction | Connection) -> None:
        with self._lock:
            level = TransactionLevel(transaction, Held(self._can_withdraw, has_say=self.has_say))
            self._levels.add(level)
        if level is self._levels.outermost:
            self._expected.move_to(self, self.add)
            self._guests.transaction_begins(self)
        else:
            transactions.note(level)

    def _can_withdraw(self) -> bool:
        return self._committing is None

    def has_run(self, *, has_written: bool) -> None:
        """Notes what ran in the transaction before it was followed."""
        self._levels.read()
        if has_written:
            self.writes()

    def has_autocommit(self) -> None:
        self._levels.autocommit()

    def ran(self, statement: str) -> None:
        self._work(lambda: self._levels.run(statement))

    def runs_savepoint(self, command: SavepointCommand) -> None:
        """A savepoint of the connection, set by a statement: the session does not know it."""
        with self._lock:
            undone = self.savepoints.undone(command, [level.held for level in self._levels])
        if undone is not None:
            undone.drop()

    def writes(self) -> None:
        """The innermost transaction has changed something."""
        self._work(self._levels.write)

    def _work(self, work: Callable[[], None]) -> None:
        if not self._levels or (self._levels.innermost.has_written and self._levels.has_sent):
            return
        had_written = self._levels.has_written
        work()
        if self._levels.has_written and not had_written:
            for choice in list(self.owner_choices):
                choice.written_by(self)

    def commits(self) -> None:
        """The outermost transaction is about to be committed."""
        if self.has_written:
            self._guests.join_if_handed_over(self._levels.outermost.held)
        with self._lock:
            self._committing = RunningCommit()
        try:
            self.write_rows()
        except BaseException:
            self._committing = None  # its transaction is open: it may be rolled back, or committed once more
            raise

    def write_rows(self) -> None:
        """Puts what it holds into its transaction, which is about to be committed."""
        session = self._session()
        if session is None or self._committing is None or not (self.has_written or self._levels.is_untouched):
            return
        with self._lock:
            missing = self._rows.note(self._levels.outermost.held.events)
        self._rows.insert(session, missing)

    def committed(self) -> None:
        """The innermost transaction was committed."""
        level = self._levels.innermost
        with self._lock:
            level.is_committed = True
            self._committing = None
        if len(self._levels) > 1 or not (level.has_written or self._levels.is_untouched):
            return
        for event in level.held.withdraw(self._rows.lack):
            self._rest.add(event)  # a hook was the first to write, when its commit had already begun
        for wake in self._wakes if level.held.confirm() else ():
            wake()

    def rolls_back(self) -> None:
        """The innermost transaction is rolled back. Its session still shows the work that was not flushed."""
        self._note_unflushed()
        if self._levels:
            self._levels.innermost.has_explicit_rollback = True

    def undo(self) -> None:
        """The connection rolls back, before any hook of the session is told."""
        self._levels.undo()

    def ended(self, transaction: SessionTransaction) -> None:
        level = self._levels.find(transaction)
        if level is not None and level is self._levels.outermost:
            self._decide(level)
        elif level is not None:
            self._levels.end_savepoint(level)

    def _decide(self, level: TransactionLevel) -> None:
        """The outermost transaction has ended. It decides if it has written, or if its session meant to end it."""
        is_explicit = level.has_explicit_rollback or self._committing is not None
        decides = level.has_written or (self._levels.is_untouched and is_explicit)
        if decides and not level.is_committed:
            self._guests.join_if_handed_over(level.held)
        elif not decides:
            for choice in list(self.owner_choices):
                choice.left_by(self)
        self._reset()
        if decides:
            level.drop(is_explicit=is_explicit)
        late.send([*level.held.give_back(), *self._guests.give_back(), *self._rest.commit_to_scopes()])

    def _reset(self) -> None:
        with self._lock:
            self._levels, self.savepoints = TransactionLevels(), SavepointStack()
            self._committing = self.scope = None
            self._rows, self._wakes, self.owner_choices = self._rows.of_next(), set(), []

    def _collected(self) -> None:
        """The session was never closed, and the garbage collector has taken it. Nothing may be sent from here."""
        levels, self._levels = self._levels, TransactionLevels()
        for level in levels:
            late.report([] if levels.has_written else level.held.give_back())
        late.report(self._guests.give_back())
