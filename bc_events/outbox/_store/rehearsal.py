"""Rehearsal: the delivery that stands in for an outbox where a test has closed the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bc_events._delivery import networks
from bc_events._delivery.delivery import DirectDelivery, LogDelivery
from bc_events._delivery.request import Request
from bc_events.errors import DeliveryError, Undelivered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.delivery import Delivery
    from bc_events._delivery.request import Limits
    from bc_events.event import Event


class Rehearsal:
    """Stores nothing: a row would outlive the test, and wait for the next process, which may be no test."""

    def __init__(self, api: EventsAPI | None, limits: Limits, *, reason: str | None = None) -> None:
        """`reason` says why an event is not stored, where that has another cause than the closed network."""
        self._url = None if api is None else api.url
        self._delivery: Delivery = LogDelivery() if api is None else DirectDelivery(api, limits, 0.0)
        self._reason = None if api is None else reason

    @property
    def is_on(self) -> bool:
        return networks.current(self._url) is not None

    def send(self, events: Sequence[Event]) -> None:
        if self._reason is None or networks.current(self._url) is not networks.closed:
            self._delivery.send(events)
            return
        raise DeliveryError([Undelivered(event, self._reason, "unsent") for event in events], [Request.of(events)])
