"""Guests: events that an open transaction may turn out to own, published by code that has not used its session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events._ambient import transactions
from bc_events._unit.held import Held

from .execution_place import runs_a_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events._ambient.transactions import Note, Subject
    from bc_events.event import Event


class Guests:
    """A framework may run the call that begins a transaction, the work in it and its end in three contexts, each on a
    thread. So the events are the transaction's if another context ends it than began it. A sibling ends its own.
    """

    def __init__(self, can_withdraw: Callable[[], bool], *, has_say: Callable[[], bool]) -> None:
        self._held = Held(can_withdraw, has_say=has_say)
        self._begun: Note | None = None
        self.are_welcome = False
        """Whether the transaction was begun on a thread without an event loop."""

    def transaction_begins(self, session: Subject) -> None:
        self.are_welcome = not runs_a_loop()
        self._begun = transactions.note(session)

    def add(self, event: Event) -> None:
        self._held.add(event)

    def join_if_handed_over(self, transaction: Held) -> None:
        """Where another context than this one began the transaction, it holds them from here on."""
        if self._begun not in transactions.around():
            self._held.move_to(transaction)

    def give_back(self) -> list[Event]:
        """See `Held.give_back`."""
        return self._held.give_back()
