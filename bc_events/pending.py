"""Pending: the events of one unit of work, waiting for its end.

Publishers append without a lock. A taker swaps in a new list and then appends a seal to the old one: what stands before
the seal is taken, and a publisher that finds the list swapped looks on which side of the seal its event fell.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, Final, NoReturn

from .errors import SessionClosedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .event import Event
    from .unit import UnitOfWork

ENDED: Final = (
    "the session this code belongs to has ended, and its events with it; publish before the scope is left, "
    "or open a session of its own for work that outlives it"
)
_SEAL: Final[Any] = object()
_numbers: Final = itertools.count(1)


class _Closed(list[Any]):
    """Stands where the list of a closed unit of work stood."""

    def append(self, _event: object) -> NoReturn:
        raise SessionClosedError(ENDED)


class Pending:
    """`entries` is where publishers append, then call `settle` if it is no longer the same list."""

    __slots__ = ("entries", "lock", "number")

    def __init__(self) -> None:
        self.number = next(_numbers)
        self.entries: list[Event] = []
        self.lock = threading.Lock()

    def settle(self, event: Event, entries: list[Event], unit: UnitOfWork) -> None:
        """Makes sure of an event whose list was taken, or whose scope ended, while it was appended.

        Afterwards it is pending or was taken. Raises SessionClosedError where it is neither and never will be.
        """
        with self.lock:
            if _SEAL in entries and event in entries[entries.index(_SEAL) :]:
                self.entries.append(event)
            if unit.is_closed and event in self.entries:
                self.entries.remove(event)
                raise SessionClosedError(ENDED)

    def take(self) -> list[Event]:
        """Everything pending, in order. Call it with the lock held."""
        return self._swap([])

    def close(self) -> list[Event]:
        """Like `take`, for the last time: from here on appending raises. Call it with the lock held."""
        return self._swap(_Closed())

    def drop(self, is_dropped: Callable[[Event], bool]) -> list[Event]:
        """Removes and returns some events; the others keep their order. Call it with the lock held."""
        if not self.entries:
            return []
        taken = self.take()
        self.entries[:0] = [event for event in taken if not is_dropped(event)]
        return [event for event in taken if is_dropped(event)]

    def restore(self, events: Sequence[Event]) -> bool:
        """Puts back what was dropped, first; False where it is closed. Call it with the lock held."""
        if isinstance(self.entries, _Closed):
            return False
        self.entries[:0] = events
        return True

    def _swap(self, fresh: list[Event]) -> list[Event]:
        old, self.entries = self.entries, fresh
        old.append(_SEAL)
        taken = len(old) - 1
        while old[taken] is not _SEAL:  # what was appended late stands behind it
            taken -= 1
        return old[:taken]
