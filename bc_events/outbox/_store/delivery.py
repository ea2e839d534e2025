"""StoredDelivery: a flush stores a session's events as rows, in a separate transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from bc_events._delivery.request import Request
from bc_events.errors import DeliveryError, OutboxError, Undelivered

from .row import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.event import Event
    from bc_events.outbox._relay.embedded import EmbeddedRelay

    from .rehearsal import Rehearsal


class RowStore(Protocol):
    """What a delivery needs of a `Store`."""

    def add(self, rows: Sequence[Row]) -> None:
        """Stores rows in one transaction. Raises `OutboxError`."""

    def close(self) -> None:
        """Closes its connections."""


class StoredDelivery:
    """After `send` has returned, an event is lost only if the database is lost."""

    record = None
    runner = None

    def __init__(
        self, store: RowStore, service_name: str, relay: EmbeddedRelay | None, *, rehearsal: Rehearsal | None = None
    ) -> None:
        """Without a `relay` here, one must run elsewhere. `rehearsal` is used when a test has closed the network."""
        self._store = store
        self._service_name = service_name
        self._relay = relay
        self._rehearsal = rehearsal

    def discard(self, events: Sequence[Event]) -> None:
        """Nothing: events that are rolled back were never stored."""

    def send(self, events: Sequence[Event]) -> None:
        if self._rehearsal is not None and self._rehearsal.is_on:
            self._rehearsal.send(events)
            return
        try:
            self._store.add([Row.of(event, self._service_name) for event in events])
        except OutboxError as error:
            outcome: Literal["unknown", "unsent"] = "unknown" if error.may_be_stored else "unsent"
            undelivered = [Undelivered(event, str(error), outcome) for event in events]
            raise DeliveryError(undelivered, [Request.of(events)]) from error
        self.wake()

    def wake(self) -> None:
        """Tells the relay in this process, if there is one, that something was stored."""
        if self._relay is not None:
            self._relay.wake()

    def close(self) -> None:
        if self._relay is not None:
            self._relay.stop()
        self._store.close()
