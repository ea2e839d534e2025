"""FollowedSession: the open transactions of one SQLAlchemy session, and the events that each of them holds."""

from __future__ import annotations

import itertools
import threading
import weakref
from typing import TYPE_CHECKING, Final

from bc_events._ambient import transactions
from bc_events._unit.held import Held

from . import late
from .effect import Effect
from .execution_place import execution_place, runs_a_loop
from .savepoints import SavepointStack
from .transaction_level import TransactionLevel

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session, SessionTransaction

    from bc_events._ambient.frames import Frame
    from bc_events._ambient.transactions import Note
    from bc_events.event import Event

    from .owner_choice import OwnerChoice
    from .row_writer import RowWriter
    from .savepoints import SavepointCommand

    _Waiting = weakref.WeakKeyDictionary[Event, Callable[[], None]]

_numbers: Final = itertools.count(1)
_CLOSED: Final = "the database session was closed without a commit; commit, or publish once the work is committed"


class FollowedSession:
    """Rows are written at the outermost commit only: `before_commit` also fires when a savepoint is released, and a row
    that is written then can still be lost.

    A commit that has begun takes only what its own hooks publish from then on. What others publish while it runs, and
    all that is published once it is done, stays with its unit of work.

    A transaction that has only read has no say: at its end each event goes back to its scope. One that was begun, and
    committed or rolled back without any statement, has.
    """

    def __init__(self, session: Session, outbox: object, writer: RowWriter) -> None:
        self.outbox = outbox
        self._session = weakref.ref(session)
        self._writer = writer
        self._lock = threading.RLock()
        self._levels: list[TransactionLevel] = []
        self._committing: object = None
        self._has_read = False
        self._rows: set[Event] = set()
        self._wakes: set[Callable[[], None]] = set()
        self.owner_choices: list[OwnerChoice] = []
        self.savepoints = SavepointStack()
        self.transaction_number = 0
        """Grows with each outermost transaction of the process; 0 while none is open."""
        self.scope: Frame | None = None
        """The innermost scope where it was bound, or its open transaction was begun."""
        self._begun: Note | None = None
        self._is_of_thread = False
        self._expected: _Waiting = weakref.WeakKeyDictionary()
        self._guests = Held(self._can_withdraw, has_say=self._has_say)
        self._rest = Held()
        weakref.finalize(session, self._forsaken).atexit = False

    @property
    def is_open(self) -> bool:
        return bool(self._levels)

    @property
    def has_written(self) -> bool:
        """Whether there is more in its open transaction than what it has read."""
        self._note_unflushed()
        return any(level.has_written for level in self._levels)

    @property
    def _is_untouched(self) -> bool:
        """Whether nothing at all has run in its open transaction."""
        return not self._has_read and not any(level.has_written for level in self._levels)

    def _has_say(self) -> bool:
        return self._committing is not None or self.has_written or self._is_untouched

    def _note_unflushed(self) -> None:
        session = self._session()
        if session is not None and _has_unflushed(session):
            self.writes()

    def add(self, event: Event, wake: Callable[[], None]) -> bool:
        """Whether the innermost transaction that is open holds the event from here on."""
        self._note_unflushed()
        with self._lock:
            is_late = self._committing is not None
            if not self._levels or self._levels[0].is_committed or (is_late and not self._takes_more()):
                return False
            self._wakes.add(wake)
            level = next((one for one in reversed(self._levels[1:]) if one.is_around), self._levels[0])
            if level.is_undone or level.has_ended_by_word:
                return False
            level.held.add(event)
        if is_late:
            self.write_rows()
        return True

    def release(self, event: Event) -> bool:
        """Takes an event out, for another transaction; False where it is not here any more."""
        with self._lock:
            return any(level.held.withdraw(lambda one: one is event) for level in self._levels)

    def expect(self, event: Event, wake: Callable[[], None]) -> None:
        """The next transaction takes the event, if that still waits then, and begins where it was published."""
        self._expected[event] = wake
        transactions.want(self)

    def miss(self, event: Event, wake: Callable[[], None]) -> bool:
        """An event of its scope, published by code that has not used this session; whether it is held here for now.

        A framework may run the call that begins a transaction, the work in it and its end in three contexts, each on a
        thread. So the event is this transaction's if another context ends it than began it. A sibling ends its own.
        """
        if not self._levels:
            self.expect(event, wake)
            return False
        with self._lock:
            if not self._is_of_thread or self._committing is not None or self._levels[0].is_committed:
                return False
            self._wakes.add(wake)
            self._guests.add(event)
        return True

    def _takes_more(self) -> bool:
        """Whether the commit that has begun is published into by its own hooks, and before it is done."""
        session = self._session()
        outermost = session.get_transaction() if session is not None else None
        return self._committing == execution_place() and outermost is not None and outermost.is_active

    def begins(self, transaction: SessionTransaction) -> None:
        if transaction.parent is not None and not transaction.nested:
            return  # it is part of the one around it
        with self._lock:
            level = TransactionLevel(transaction, Held(self._can_withdraw, has_say=self._has_say))
            self._levels.append(level)
            is_outermost = len(self._levels) == 1
        if is_outermost:
            self.transaction_number = next(_numbers)
            self._is_of_thread = not runs_a_loop()
            if transactions.is_wanted(self):
                self._adopt_expected()
            self._begun = transactions.note(self)
        else:
            transactions.note(level)

    def _adopt_expected(self) -> None:
        expected, self._expected = self._expected, weakref.WeakKeyDictionary()
        for event, wake in list(expected.items()):
            if late.let_go(event):
                self.add(event, wake)

    @property
    def _has_been_handed_over(self) -> bool:
        """Whether another context than this one began the open transaction."""
        return self._begun not in transactions.around()

    def _can_withdraw(self) -> bool:
        return self._committing is None

    def has_run(self, *, has_written: bool) -> None:
        """What came before it was followed."""
        self._has_read = True
        if has_written:
            self.writes()

    def ran(self, statement: str) -> None:
        if not self._levels or self._levels[-1].has_written:
            return
        effect = Effect.of(statement)
        self._has_read |= effect is Effect.READ
        if effect is Effect.WRITE:
            self.writes()

    def runs_savepoint(self, command: SavepointCommand) -> None:
        """One that the session does not know, as it was set on its connection."""
        with self._lock:
            undone = self.savepoints.undone(command, [level.held for level in self._levels])
        if undone is not None:
            undone.drop()

    def writes(self) -> None:
        """The innermost transaction has changed something."""
        if not self._levels or self._levels[-1].has_written:
            return
        is_first = not any(level.has_written for level in self._levels)
        self._levels[-1].has_written = True
        if is_first:
            for choice in list(self.owner_choices):
                choice.written_by(self)

    def commits(self) -> None:
        session = self._session()
        if session is None or session.in_nested_transaction():
            return
        if self._has_been_handed_over and self.has_written:
            self._guests.move_to(self._levels[0].held)
        with self._lock:
            self._committing = execution_place()
        self.write_rows()

    def write_rows(self) -> None:
        """Puts what it holds into its transaction, which is about to be committed."""
        session = self._session()
        if session is None or self._committing is None or not (self.has_written or self._is_untouched):
            return
        with self._lock:
            unwritten = [event for event in self._levels[0].held.events if event not in self._rows]
            self._rows.update(unwritten)
        if unwritten:
            self._writer.insert(session, unwritten)

    def committed(self) -> None:
        """The innermost transaction was."""
        level = self._levels[-1]
        with self._lock:
            level.is_committed = True
            self._committing = None
        if len(self._levels) > 1 or not (level.has_written or self._is_untouched):
            return
        for event in level.held.withdraw(lambda one: one not in self._rows):
            self._rest.add(event)  # a hook was the first to write, when its commit had already begun
        if level.held.confirm():
            for wake in self._wakes:
                wake()

    def rolls_back(self) -> None:
        """The innermost transaction is; work in it that was not flushed is still to be seen."""
        self._note_unflushed()
        if self._levels:
            self._levels[-1].has_ended_by_word = True

    def undo(self) -> None:
        """The connection rolls back, before any hook of the session is told."""
        for level in self._levels:
            level.is_undone = True

    def ended(self, transaction: SessionTransaction) -> None:
        level = next((one for one in self._levels if one.transaction() is transaction), None)
        if level is None:
            return
        if level is self._levels[0]:
            self._decide(level)
        else:
            self._end_savepoint(level)

    def _end_savepoint(self, level: TransactionLevel) -> None:
        outer = self._levels[self._levels.index(level) - 1]
        is_dropped = not level.is_committed and (level.has_ended_by_word or self.has_written)
        self._levels.remove(level)
        if is_dropped:
            level.held.drop()
        else:
            level.held.move_to(outer.held)
            outer.has_written |= level.has_written

    def _decide(self, level: TransactionLevel) -> None:
        is_meant = level.has_ended_by_word or self._committing is not None
        decides = level.has_written or (self._is_untouched and is_meant)
        if decides and not level.is_committed and self._has_been_handed_over:
            self._guests.move_to(level.held)
        if not decides:
            for choice in list(self.owner_choices):
                choice.left_by(self)
        self._reset()
        if decides:
            level.held.drop(*(() if is_meant else (_CLOSED,)))
        late.send([*level.held.give_back(), *self._guests.give_back(), *self._rest.commit_to_scopes()])

    def _reset(self) -> None:
        with self._lock:
            self._levels, self._committing, self._has_read, self.transaction_number = [], None, False, 0
            self._rows, self._wakes, self.owner_choices = set(), set(), []
            self.savepoints = SavepointStack()
            self.scope = None

    def _forsaken(self) -> None:
        """Nobody closed the session, and it is gone. Nothing may be sent from here: the garbage collector runs it."""
        levels, self._levels = self._levels, []
        has_written = any(level.has_written for level in levels)
        for level in levels:
            late.report([] if has_written else level.held.give_back())
        late.report(self._guests.give_back())


def _has_unflushed(session: Session) -> bool:
    try:
        return bool(session.new or session.deleted or session.dirty)
    except RuntimeError:  # another thread is changing it at this moment
        return True
