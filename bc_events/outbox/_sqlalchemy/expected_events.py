"""ExpectedEvents: events that were published for the next transaction of a database session."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from bc_events._ambient import transactions

from . import late

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events._ambient.transactions import Subject
    from bc_events.event import Event


class ExpectedEvents:
    def __init__(self) -> None:
        self._wakes: weakref.WeakKeyDictionary[Event, Callable[[], None]] = weakref.WeakKeyDictionary()

    def add(self, event: Event, wake: Callable[[], None], session: Subject) -> None:
        """The next transaction takes it, if it still waits then, and the transaction begins where it was published."""
        self._wakes[event] = wake
        transactions.want(session)

    def move_to(self, session: Subject, add: Callable[[Event, Callable[[], None]], object]) -> None:
        """A transaction of the session begins here: it takes those that still wait in their units of work."""
        if not transactions.is_wanted(session):
            return
        wakes, self._wakes = self._wakes, weakref.WeakKeyDictionary()
        for event, wake in list(wakes.items()):
            if late.let_go(event):
                add(event, wake)
