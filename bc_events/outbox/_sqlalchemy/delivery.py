"""SQLAlchemyDelivery: events that follow the application's database transaction, or else get one of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bc_events._delivery import observers
from bc_events.outbox._store.delivery import StoredDelivery
from bc_events.outbox._store.rehearsal import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Limits
    from bc_events.event import Event
    from bc_events.outbox._relay.embedded import EmbeddedRelay
    from bc_events.outbox._store.delivery import RowStore

    from .bindings import Bindings

_OUTSIDE: Final = (
    "it was published outside of a transaction that the outbox follows, and under pytest such an event is not stored, "
    "because it would outlive the test; publish it in a transaction of the outbox's session factory, call "
    "outbox.bind(session) first, or let the test use the captured_events fixture"
)


def rehearsal_apart(api: EventsAPI | None, limits: Limits) -> Rehearsal:
    """In a test, for events that no transaction of the application's decides about."""
    return Rehearsal(api, limits, reason=_OUTSIDE)


class SQLAlchemyDelivery:
    """An event belongs to the transaction that was open when it was published: that commits it or drops it."""

    runner = None

    def __init__(
        self,
        store: RowStore,
        service_name: str,
        relay: EmbeddedRelay | None,
        bindings: Bindings,
        *,
        rehearsal: Rehearsal,
    ) -> None:
        """`rehearsal` takes what no transaction of the application's decides about where a test has closed the network:
        such rows would outlive the test, and wait for the locks of a transaction that the test holds open.
        """
        self._apart = StoredDelivery(store, service_name, relay, rehearsal=rehearsal)
        self._bindings = bindings
        self._rehearsal = rehearsal

    def record(self, event: Event) -> bool:
        return self._bindings.owners.record(event, self._apart.wake, in_rehearsal=self._rehearsal.is_on)

    def entrust(self, event: Event) -> bool:
        """Whether a transaction that is open where this event is flushed has written by now, and holds it from here on.

        It was published before that began, mostly. To store it beside that would part it from the work, and would wait
        on SQLite for the very lock that the transaction has.
        """
        return self._bindings.owners.entrust(event, self._apart.wake, in_rehearsal=self._rehearsal.is_on)

    def discard(self, events: Sequence[Event]) -> None:
        """Nothing: no row of an event that a scope may still drop has been written."""

    def send(self, events: Sequence[Event]) -> None:
        """In a transaction of their own: none of the application's decides about them."""
        self._apart.send(events)
        observers.confirmed(events)

    def close(self) -> None:
        self._apart.close()
