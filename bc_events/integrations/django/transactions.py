"""Without an outbox in the database: an event is sent if, and only if, the transaction it was published in commits."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from bc_events._ambient.default_client import checked_client
from bc_events._delivery.by_job import by_job
from bc_events._django.transactions import Transactions
from bc_events._runtime import logs
from bc_events._unit.pending import in_order
from bc_events.errors import DeliveryError, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.delivery import Delivery, Runner
    from bc_events._unit.held import Held
    from bc_events.client import EventClient
    from bc_events.event import Event

_wrapping: Final = threading.Lock()


def follow_transactions(client: EventClient) -> EventClient:
    """Makes the client wait for Django's transactions; returns it.

    A client whose outbox already does so is left alone.
    """
    if checked_client(client, "follow_transactions").delivery.record is None:
        with _wrapping:
            if client.delivery.record is None:
                client.delivery = OnCommitDelivery(client.delivery)
    return client


class OnCommitDelivery:
    """Wraps another delivery. Events that were published in `atomic` go to it once the transaction has committed."""

    def __init__(self, inner: Delivery) -> None:
        self._inner = inner
        self._transactions = Transactions(lambda _connection: self, changed=lambda: None)

    @property
    def runner(self) -> Runner | None:
        return self._inner.runner

    def record(self, event: Event) -> bool:
        """Raises `ConfigurationError` where autocommit is off."""
        open_here = self._transactions.open_here()
        if open_here:
            self._transactions.hold(event, open_here)
        return bool(open_here)

    def discard(self, events: Sequence[Event]) -> None:
        self._inner.discard(events)

    def send(self, events: Sequence[Event]) -> None:
        self._transactions.confirm(events)
        self._inner.send(events)

    def close(self) -> None:
        self._inner.close()

    def committed(self, held: Held) -> None:
        """Called by `on_commit`, where an exception would reach nobody.

        So it is logged, with the undelivered events.
        """
        late = in_order(self._transactions.commit_to_scopes(held))
        if not late:
            return
        try:
            self.send(late)
        except Exception as error:  # noqa: BLE001  a delivery may raise anything
            outcomes = _outcomes(error, late)
            for job_id, undelivered in by_job(outcomes).items():
                logs.write(
                    logging.ERROR,
                    "%s of job %s, whose transaction has committed, could not be sent",
                    *(counted(len(undelivered), "event"), job_id),
                    exc_info=True,
                    bc_job_id=job_id,
                    bc_undelivered=[f"{event} {event.id} {outcomes[event]}" for event in undelivered],
                )

    def savepoint_rolled_back(self) -> None:
        """Does nothing: the savepoint's events were dropped, and nothing of them was stored."""

    def rolled_back(self) -> None:
        """Does nothing, for the same reason."""


def _outcomes(error: Exception, events: Sequence[Event]) -> dict[Event, str]:
    """Of the events that were not delivered."""
    if not isinstance(error, DeliveryError):
        return dict.fromkeys(events, "unknown")
    return {item.event: item.outcome for item in error.undelivered}
