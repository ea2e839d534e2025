"""Pending: the events of one unit of work, waiting for its end.

Publishers append without a lock. A taker swaps in a new list and then appends a seal to the old one: what stands before
the seal is taken, and a publisher that finds the list swapped looks on which side of the seal its event fell.
"""

from __future__ import annotations

import itertools
import logging
import threading
import weakref
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from bc_events._runtime import forks, logs
from bc_events.errors import SessionClosedError, counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bc_events.event import Event

    from .held import Held, ScopeState

ENDED: Final = (
    "the session this code belongs to has ended, and its events with it; publish before the scope is left, "
    "or open a session of its own for work that outlives it"
)
_NEVER_LEFT: Final = "%s of job %s lost: the scope was entered and never left, so they were neither sent nor dropped"
_SEAL: Final[Any] = object()
_when_published: Final = attrgetter("_time_ns")
_numbers: Final = itertools.count(1)


class EndState(Protocol):
    """As much of a unit of work as tells whether its events still have an owner."""

    is_closed: bool
    is_dropped: bool


class _Closed(list[Any]):
    """Stands where the list of a closed unit of work stood."""

    def append(self, _event: object) -> NoReturn:
        raise SessionClosedError(ENDED)


class Pending:
    """`entries` is where publishers append, then call `settle` if it is no longer the same list.

    Each event is in one place: in `entries`, in `committed` (a database transaction has made it true, so it is beyond
    rollback), or in a `Held` of a transaction that is still open, of which this only knows.

    Whatever changes it holds the lock. The same thread may come in twice: in the middle of a change the garbage
    collector may close a generator, or a signal handler run, that ends a scope of its own. So each change is one step.
    """

    __slots__ = ("_changes", "committed", "entries", "has_dropped", "held", "lock", "number", "scoped_in")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.entries: list[Event] = []
        self.committed: list[Event] = []
        self.held: tuple[weakref.ref[Held], ...] = ()
        self.has_dropped = False
        self.scoped_in: object = None
        """The process, as a `forks.generation`, in which a scope is to end it; None where its owner flushes by hand."""
        self.lock = threading.RLock()
        self._changes = 0

    def __del__(self) -> None:
        if self.entries or self.committed:
            self.tell_never_left()

    def tell_never_left(self) -> None:
        """Warns of events that a scope was to send or drop, and no more can."""
        held, self.entries, self.committed = [*self.committed, *self.entries], _Closed(), []
        if held and self.scoped_in is forks.generation:
            logs.write(
                logging.WARNING,
                _NEVER_LEFT,
                counted(len(held), "event"),
                held[0].job_id,
                bc_job_id=held[0].job_id,
                bc_held=len(held),
            )

    def settle(self, event: Event, entries: list[Event], unit: EndState) -> None:
        """Makes sure of an event whose list was taken, or whose scope ended, while it was appended.

        Afterwards it is pending or was taken. Raises SessionClosedError where it is neither and never will be.
        """
        with self.lock:
            if _SEAL in entries and event in entries[entries.index(_SEAL) :]:
                self.entries.append(event)
            if unit.is_closed and (unit.is_dropped or event in self.entries):
                self.drop(lambda pending: pending is event)
                raise SessionClosedError(ENDED)

    @property
    def events(self) -> list[Event]:
        """All of them, in the order in which they were published. Call it with the lock held."""
        held = [event for one in self._alive() for event in one.events]
        return in_order([*held, *self.committed, *self.entries])

    def is_held_by(self, held: Held) -> None:
        """A transaction holds an event of this unit of work."""
        with self.lock:
            alive = self._alive()
            if held not in alive:
                self.held = tuple(weakref.ref(one) for one in (*alive, held))

    def _alive(self) -> list[Held]:
        return [one for reference in self.held if (one := reference()) is not None and len(one)] if self.held else []

    def note_held(self, is_meant: Callable[[Event], bool], state: ScopeState) -> None:
        """The scope of some events has ended, or was flushed; a transaction holds them."""
        for held in self._alive():
            held.note(is_meant, state)

    def withdraw(self, is_withdrawn: Callable[[Event], bool]) -> list[Event]:
        """Takes events of a scope that failed out of the transactions that hold them."""
        return [event for held in self._alive() for event in held.withdraw(is_withdrawn)]

    def take_undecided(self, is_mine: Callable[[Event], bool]) -> None:
        """At a flush: what transactions hold that have had no say so far waits like the others. With the lock held."""
        for held in self._alive():
            for event in held.take_undecided(is_mine):
                self.take_back(event)

    def commit(self, event: Event) -> bool:
        """The transaction that held it has made it true; False where the unit of work has ended."""
        with self.lock:
            is_open = not isinstance(self.entries, _Closed)
            if is_open:
                self.committed.append(event)
            return is_open

    def take_back(self, event: Event) -> bool:
        """The transaction that held it had no say: it waits like the others; False where the unit of work has ended."""
        with self.lock:
            while not isinstance(self.entries, _Closed):
                entries, changes = self.entries, self._changes
                seen = entries[:]
                ordered = in_order([*seen, event])
                if self._changes == changes:
                    entries[: len(seen)] = ordered  # what is appended meanwhile stands behind it
                    self._changes += 1
                    return True
            return False

    def take(self) -> list[Event]:
        """Everything that waits to be sent, in order, but for what is beyond rollback. Call it with the lock held."""
        return self._swap([])

    def close(self) -> list[Event]:
        """Like `take`, for the last time: from here on appending raises. Call it with the lock held."""
        return self._swap(_Closed())

    def take_committed(self) -> list[Event]:
        """What is beyond rollback. Call it with the lock held."""
        taken, self.committed = self.committed, []
        return taken

    def take_out_committed(self, event: Event) -> bool:
        """Takes out one event that is beyond rollback, to be sent elsewhere; False where it has been taken."""
        with self.lock:
            is_here = event in self.committed
            if is_here:
                self.committed.remove(event)
            return is_here

    def drop(self, is_dropped: Callable[[Event], bool]) -> list[Event]:
        """Removes and returns some events; the others keep their order. Call it with the lock held."""
        while True:
            entries, changes = self.entries, self._changes
            seen = entries[:]
            kept, dropped = part(seen, is_dropped)
            whole = slice(len(seen))  # what is appended meanwhile stands behind it
            if self._changes == changes:
                entries[whole] = kept
                self._changes += 1
                return dropped

    def _swap(self, entries: list[Event]) -> list[Event]:
        old, self.entries = self.entries, entries
        self._changes += 1
        old.append(_SEAL)
        taken = len(old) - 1
        while old[taken] is not _SEAL:  # what was appended late stands behind it
            taken -= 1
        return old[:taken]


def in_order(events: list[Event]) -> list[Event]:
    """In the order of publishing: those of one instant stay as they are."""
    return sorted(events, key=_when_published)


def part(events: Sequence[Event], is_dropped: Callable[[Event], bool]) -> tuple[list[Event], list[Event]]:
    """Those that are kept, and those that are dropped."""
    kept: list[Event] = []
    dropped: list[Event] = []
    for event in events:
        (dropped if is_dropped(event) else kept).append(event)
    return kept, dropped
