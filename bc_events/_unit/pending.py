"""Pending: the events of one unit of work, waiting for its end.

Publishers append without a lock, because one would make a call about 10 % slower (`python -m tests.benchmarks` measures
that). A seal takes its place. This is why each event is taken exactly once, or its publisher knows that it was not:

- A publisher reads `entries`, appends its event to that list, and then compares the list with `entries` once more.
- A taker holds the lock. It replaces `entries` by a new list, appends the seal to the old one, and takes all that
  stands before the seal. An old list never comes back.
- `list.append` is one step. So each event stands either before the seal or behind it.
- Before the seal: the event has been taken. That is all.
- Behind the seal: the taker has left the event out. But `entries` was replaced before the seal was appended, so the
  publisher finds another list there and calls `settle`. That waits for the lock, sees the event behind the seal, and
  appends it to the present list. The list of an ended unit of work refuses it, so the publisher's call raises.

`tests/unit/test_pending.py` runs a publisher at each of these moments.
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
    "this session has ended; publish and flush before its scope ends, or open a new session for work that outlives it"
)
_NEVER_LEFT: Final = "%s of job %s lost: the scope was entered and never left, so they were neither sent nor dropped"
_SEAL: Final[Any] = object()
_when_published: Final = attrgetter("_time_ns")
_numbers: Final = itertools.count(1)
_RLock: Final = type(threading.RLock())
"""The class of the lock. `threading.RLock` is a function, which costs a call more."""


class EndState(Protocol):
    """Whether a unit of work has ended, and how."""

    is_closed: bool
    is_dropped: bool


class Closed(list[Any]):
    """The list of a unit of work that has ended. It refuses every event."""

    def append(self, _event: object) -> NoReturn:
        raise SessionClosedError(ENDED)


CLOSED: Final = Closed()


class Pending:
    """Publishers append to `entries`, and call `settle` where it is no longer the same list afterwards.

    Each event is in one of three places:
    - in `entries`;
    - in `committed`: its database transaction has committed, so it can no longer be rolled back;
    - in a `Held`: a database transaction that is still open holds it. This only has a reference to the `Held`.

    All other changes need the lock. It is reentrant, because code that ends a scope may run on the same thread in the
    middle of a change: a signal handler, or a generator that the garbage collector closes. So a change prepares its
    result first and then writes it in one step. Where `_changes` shows another change in between, it starts again.
    """

    __slots__ = ("_changes", "_number", "committed", "entries", "has_dropped", "held", "lock", "scoped_in")

    def __init__(self) -> None:
        self._number = 0
        self.entries: list[Event] = []
        self.committed: list[Event] = []
        self.held: tuple[weakref.ref[Held], ...] = ()
        self.has_dropped: bool = False
        self.scoped_in: object = None
        """The `forks.generation` of the process whose scope ends it; None where its owner flushes by hand."""
        self.lock: threading.RLock = _RLock()
        self._changes = 0

    def __del__(self) -> None:
        if self.entries or self.committed:
            self.tell_never_left()

    def tell_never_left(self) -> None:
        """Warns of the events of a scope that was never left. No code can send or drop them any more."""
        held, self.entries, self.committed = [*self.committed, *self.entries], CLOSED, []
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
        """Decides about an event whose list was taken, or whose scope ended, while it was appended.

        Afterwards it is pending, or it has been taken. Raises `SessionClosedError` where it is dropped instead.
        """
        with self.lock:
            if _SEAL in entries and event in entries[entries.index(_SEAL) :]:
                self.entries.append(event)
            if unit.is_closed and (unit.is_dropped or event in self.entries):  # too late for an ended savepoint
                self.drop(lambda pending: pending is event)
                raise SessionClosedError(ENDED)

    @property
    def number(self) -> int:
        """A number that no other buffer of this process has: it tells the sessions in a log apart."""
        with self.lock:
            self._number = self._number or next(_numbers)
        return self._number

    @property
    def events(self) -> list[Event]:
        """All of them, those in database transactions included, in the order of publishing. Needs the lock."""
        held = [event for one in self._alive() for event in one.events]
        return in_order([*held, *self.committed, *self.entries])

    def is_held_by(self, held: Held) -> None:
        """Notes that a database transaction now holds an event of this unit of work."""
        with self.lock:
            alive = self._alive()
            if held not in alive:
                self.held = tuple(weakref.ref(one) for one in (*alive, held))

    def _alive(self) -> list[Held]:
        return [one for reference in self.held if (one := reference()) is not None and len(one)] if self.held else []

    def note_held(self, is_meant: Callable[[Event], bool], state: ScopeState) -> None:
        """Notes that the scope of some events that transactions hold has ended, or was flushed."""
        for held in self._alive():
            held.note(is_meant, state)

    def withdraw(self, is_withdrawn: Callable[[Event], bool]) -> list[Event]:
        """Takes events of a scope that failed out of the transactions that hold them."""
        return [event for held in self._alive() for event in held.withdraw(is_withdrawn)]

    def take_undecided(self, is_mine: Callable[[Event], bool]) -> None:
        """At a flush: takes events back from transactions that have written nothing so far. Needs the lock."""
        for held in self._alive():
            for event in held.take_undecided(is_mine):
                self.take_back(event)

    def commit(self, event: Event) -> bool:
        """Takes an event whose transaction has committed. Returns False if the unit of work has ended."""
        with self.lock:
            is_open = not isinstance(self.entries, Closed)
            if is_open:
                self.committed.append(event)
            return is_open

    def take_back(self, event: Event) -> bool:
        """Takes back an event whose transaction has only read. Returns False if the unit of work has ended."""
        with self.lock:
            while not isinstance(self.entries, Closed):
                entries, changes = self.entries, self._changes
                seen = entries[:]
                ordered = in_order([*seen, event])
                if self._changes == changes:
                    entries[: len(seen)] = ordered  # publishers may have appended behind it
                    self._changes += 1
                    return True
            return False

    def take_committed(self) -> list[Event]:
        """Takes the events that can no longer be rolled back. Needs the lock."""
        taken, self.committed = self.committed, []
        return taken

    def take_out_committed(self, event: Event) -> bool:
        """Takes one event out of `committed`, because other code sends it. Returns False if it is no longer there."""
        with self.lock:
            is_here = event in self.committed
            if is_here:
                self.committed.remove(event)
            return is_here

    def drop(self, is_dropped: Callable[[Event], bool]) -> list[Event]:
        """Removes and returns some events; the others keep their order. Needs the lock."""
        while True:
            entries, changes = self.entries, self._changes
            seen = entries[:]
            kept, dropped = part(seen, is_dropped)
            prefix = slice(len(seen))  # publishers may have appended behind it
            if self._changes == changes:
                entries[prefix] = kept
                self._changes += 1
                return dropped

    def take(self, entries: list[Event]) -> list[Event]:
        """Takes all that waits, in order, except `committed`. Needs the lock.

        `entries` is where publishers append from here on: an empty list, or `CLOSED` where no more may come.
        """
        old, self.entries = self.entries, entries
        self._changes += 1
        old.append(_SEAL)
        taken = len(old) - 1
        while old[taken] is not _SEAL:  # late events stand behind it
            taken -= 1
        return old[:taken]


def in_order(events: list[Event]) -> list[Event]:
    """The events in the order of publishing. Events of the same instant keep their order."""
    return sorted(events, key=_when_published)


def part(events: Sequence[Event], is_dropped: Callable[[Event], bool]) -> tuple[list[Event], list[Event]]:
    """Two lists: the events that are kept, and those that are dropped."""
    kept: list[Event] = []
    dropped: list[Event] = []
    for event in events:
        (dropped if is_dropped(event) else kept).append(event)
    return kept, dropped
