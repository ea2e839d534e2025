"""What a flush, or a rollback, of a unit of work means for its events that database transactions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .discard import discard_quietly
from .held import ScopeState, unentrusted
from .pending import Pending, in_order, part
from .savepoints import is_dropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.event import Event

    from .client import UnitClient


class Owner(Protocol):
    """A unit of work, as far as transactions hold events of it."""

    @property
    def client(self) -> UnitClient: ...
    @property
    def pending(self) -> Pending: ...


def taken(pending: Pending, entries: list[Event]) -> tuple[list[Event], list[Event], list[Event]]:
    """Takes all that waits, for a flush, and puts `entries` in its place. The caller has the lock.

    Returns what is to be sent; what a savepoint published on another thread just when it was dropped; and what is
    beyond rollback. A transaction that has had no say so far holds nothing back.
    """
    if pending.held:
        pending.take_undecided(lambda event: published_in(pending, event))
    events = pending.take(entries)
    dropped: list[Event] = []
    if pending.has_dropped:
        events, dropped = part(events, is_dropped)
    return events, dropped, pending.take_committed() if pending.committed else []


def left_to_send(unit: Owner, events: list[Event], dropped: list[Event], committed: list[Event]) -> list[Event]:
    """What no database transaction has taken at this flush, with what is beyond rollback, in order.

    The caller does not have the lock, as a transaction has one that it holds when it asks for this one.
    """
    delivery, pending = unit.client.delivery, unit.pending
    if delivery.record is not None:
        events = unentrusted(events, delivery)
    if pending.held:
        with pending.lock:
            pending.note_held(lambda event: published_in(pending, event), ScopeState.FLUSHED)
    if dropped:
        discard_quietly(delivery, dropped)
    return in_order([*committed, *events]) if committed else events


def withdrawn(pending: Pending, is_own: Callable[[Event], bool], *, spares_held: bool) -> list[Event]:
    """What a rollback takes out of open transactions; the rest is noted as that of a scope that failed.

    `spares_held` leaves all to the transactions. The caller has the lock.
    """
    if not pending.held:
        return []
    if not spares_held:
        return pending.withdraw(is_own)
    pending.note_held(is_own, ScopeState.FAILED)
    return []


def published_in(pending: Pending, event: Event) -> bool:
    """Whether the event is of the unit of work with this buffer: a transaction may hold events of several."""
    return getattr(event.origin, "pending", None) is pending
