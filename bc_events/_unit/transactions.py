"""What a flush, or a rollback, of a unit of work means for its events that database transactions hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .held import ScopeState, unentrusted
from .pending import Pending, in_order

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


def left_to_send(unit: Owner, events: list[Event], committed: list[Event]) -> list[Event]:
    """What no database transaction has taken at this flush, with what is beyond rollback, in order.

    It is asked without the lock, as a transaction has one that it holds when it asks for this one.
    """
    events = unentrusted(events, unit.client.delivery)
    pending = unit.pending
    if pending.held:
        with pending.lock:
            pending.note_held(lambda event: published_in(pending, event), ScopeState.FLUSHED)
    return in_order([*committed, *events]) if committed else events


def take_undecided(pending: Pending) -> None:
    """Takes back what a transaction holds that has had no say so far: a flush sends it. The caller has the lock."""
    if pending.held:
        pending.take_undecided(lambda event: published_in(pending, event))


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
