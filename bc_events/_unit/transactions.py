"""The events of a unit of work that database transactions hold, at a flush and at a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from bc_events._delivery.observers import Rollback
from bc_events.errors import FailedWorkError

from .discard import discard_quietly
from .held import ScopeState, unentrusted
from .pending import Pending, in_order, part
from .savepoints import is_dropped

if TYPE_CHECKING:
    from collections.abc import Callable

    from bc_events.event import Event

    from .client import UnitClient

_LATE: Final = "its scope had been rolled back while it was published"


class Owner(Protocol):
    """The part of a unit of work that is used here."""

    @property
    def client(self) -> UnitClient: ...
    @property
    def pending(self) -> Pending: ...


def taken(pending: Pending, entries: list[Event]) -> tuple[list[Event], list[Event], list[Event]]:
    """For a flush: takes all pending events. From now on publishers append to `entries`. The caller has the lock.

    Takes events back from transactions that have only read so far. Returns three lists: the events to send; those of a
    savepoint that was rolled back while another thread published in it, to be dropped; and those that can no longer be
    rolled back.
    """
    if pending.held:
        pending.take_undecided(lambda event: published_in(pending, event))
    events = pending.take(entries)
    dropped: list[Event] = []
    if pending.has_dropped:
        events, dropped = part(events, is_dropped)
    return events, dropped, pending.take_committed() if pending.committed else []


def left_to_send(
    unit: Owner, events: list[Event], dropped: list[Event], committed: list[Event], rollback: Rollback | None = None
) -> list[Event]:
    """The events that this flush sends, in order: `committed`, and those that no open transaction takes over.

    `rollback` says why the others were dropped; None where they were published in a savepoint that had failed.

    The caller must not have the lock: a transaction holds its own lock when it asks for this one.
    """
    delivery, pending = unit.client.delivery, unit.pending
    if delivery.record is not None:
        events = unentrusted(events, delivery)
    if pending.held:
        with pending.lock:
            pending.note_held(lambda event: published_in(pending, event), ScopeState.FLUSHED)
    if dropped:
        discard_quietly(delivery, dropped, rollback or Rollback(_LATE))
    return in_order([*committed, *events]) if committed else events


def withdrawn(pending: Pending, is_own: Callable[[Event], bool], *, failure: BaseException | None) -> list[Event]:
    """The events that a rollback takes out of open transactions. The caller has the lock.

    Events that stay in a transaction are noted as those of a failed scope. All stay after a `FailedWorkError`.
    """
    if not pending.held:
        return []
    if not isinstance(failure, FailedWorkError):
        return pending.withdraw(is_own)
    pending.note_held(is_own, ScopeState.FAILED)
    return []


def published_in(pending: Pending, event: Event) -> bool:
    """Whether the event is from the unit of work with this buffer. A transaction may hold events of several units."""
    return getattr(event.origin, "pending", None) is pending
