"""Pending: the events of one unit of work, waiting for its end.

Publishers append without a lock. A taker swaps in a new list and then appends a seal to the old one: what stands before
the seal is taken, and a publisher that finds the list swapped looks on which side of the seal its event fell.
"""

from __future__ import annotations

import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn

from . import forks
from .constants import LOGGER_NAME
from .errors import SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .event import Event
    from .unit import UnitOfWork

ENDED: Final = (
    "the session this code belongs to has ended, and its events with it; publish before the scope is left, "
    "or open a session of its own for work that outlives it"
)
_NEVER_LEFT: Final = "a scope was entered and never left; its events were neither sent nor dropped"
_logger = logging.getLogger(LOGGER_NAME)
_SEAL: Final[Any] = object()
_numbers: Final = itertools.count(1)


class _Closed(list[Any]):
    """Stands where the list of a closed unit of work stood."""

    def append(self, _event: object) -> NoReturn:
        raise SessionClosedError(ENDED)


class Pending:
    """`entries` is where publishers append, then call `settle` if it is no longer the same list.

    Whatever changes it holds the lock. The same thread may come in twice: in the middle of a change the garbage
    collector may close a generator, or a signal handler run, that ends a scope of its own. So each change is one step.
    """

    __slots__ = ("_changes", "entries", "has_dropped", "lock", "number", "scoped_in")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.entries: list[Event] = []
        self.has_dropped = False
        self.scoped_in: object = None
        """The process, as a `forks.generation`, in which a scope is to end it; None where its owner flushes by hand."""
        self.lock = threading.RLock()
        self._changes = 0

    def __del__(self) -> None:
        if self.entries:
            self.tell_never_left()

    def tell_never_left(self) -> None:
        """Warns of events that a scope was to send or drop, and no more can."""
        held, self.entries = self.entries, _Closed()
        if held and self.scoped_in is forks.generation:
            _logger.warning(_NEVER_LEFT, extra={"bc_job_id": held[0].job_id, "bc_held": len(held)})

    def settle(self, event: Event, entries: list[Event], unit: UnitOfWork) -> None:
        """Makes sure of an event whose list was taken, or whose scope ended, while it was appended.

        Afterwards it is pending or was taken. Raises SessionClosedError where it is neither and never will be.
        """
        with self.lock:
            if _SEAL in entries and event in entries[entries.index(_SEAL) :]:
                self.entries.append(event)
            if unit.is_closed and (unit.is_dropped or event in self.entries):
                self.drop(lambda pending: pending is event)
                raise SessionClosedError(ENDED)

    def take(self) -> list[Event]:
        """Everything pending, in order. Call it with the lock held."""
        return self._swap([])

    def close(self) -> list[Event]:
        """Like `take`, for the last time: from here on appending raises. Call it with the lock held."""
        return self._swap(_Closed())

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

    def restore(self, events: Sequence[Event]) -> bool:
        """Puts back what was dropped, first; False where it is closed. Call it with the lock held."""
        if isinstance(self.entries, _Closed):
            return False
        self.entries[:0] = events
        self._changes += 1
        return True

    def _swap(self, fresh: list[Event]) -> list[Event]:
        old, self.entries = self.entries, fresh
        self._changes += 1
        old.append(_SEAL)
        taken = len(old) - 1
        while old[taken] is not _SEAL:  # what was appended late stands behind it
            taken -= 1
        return old[:taken]


def part(events: Sequence[Event], is_dropped: Callable[[Event], bool]) -> tuple[list[Event], list[Event]]:
    """Those that are kept, and those that are dropped."""
    kept: list[Event] = []
    dropped: list[Event] = []
    for event in events:
        (dropped if is_dropped(event) else kept).append(event)
    return kept, dropped
