"""The Delivery protocol, which is where events leave a session, and its direct and log forms."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

import orjson

from bc_events._runtime import logs
from bc_events.errors import printable

from . import observers
from .flush import Flush
from .wire import in_last_requests, requests_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bc_events.event import Event

    from .api import EventsAPI
    from .request import Limits, Request

_LOGGED: Final = "not sent, as there is no API: %s of job %s by %s %s"
_LOGGED_WITH_DATA: Final = "not sent, as there is no API: %s of job %s by %s %s: %s"
Runner = Callable[[Callable[[], None]], Awaitable[None]]


class Delivery(Protocol):
    """Where a session's events go. Threads share it."""

    @property
    def record(self) -> Callable[[Event], bool | None] | None:
        """Called with each event as it is published. None if the delivery does nothing then, which saves the call.

        A delivery with this method follows database transactions. It returns True if a transaction now holds the event,
        in a `Held`, in place of the unit of work. It calls `observers.confirmed` itself. It may also have a method
        `entrust`, which a flush calls with each event, and which returns the same.
        """

    @property
    def runner(self) -> Runner | None:
        """How an async scope runs `send` off its event loop; None for the library's own threads."""

    def discard(self, events: Sequence[Event]) -> None:
        """Undoes `record` for events that were rolled back. A transaction that held them has given them up already."""

    def send(self, events: Sequence[Event]) -> None:
        """Delivers the events. Returns once it is certain that they arrive; raises `DeliveryError` otherwise."""

    def close(self) -> None:
        """Called after the last event."""


class Outbox(Protocol):
    """Durable storage that events go to first; `EventClient(outbox=…)` takes one."""

    def delivery(self, service_name: str, api: EventsAPI | None, limits: Limits) -> Delivery:
        """The delivery of one client into this outbox. A relay may send to `api`, which is None where there is no API
        url.
        """
        ...


class DirectDelivery:
    """Sends to the Events API, now, on the calling thread."""

    record = None
    runner = None

    def __init__(self, api: EventsAPI, limits: Limits, retry_budget: float) -> None:
        self._api = api
        self._limits = limits
        self._retry_budget = retry_budget

    def discard(self, events: Sequence[Event]) -> None:
        """Does nothing: events that are rolled back were never sent."""

    def send(self, events: Sequence[Event]) -> None:
        Flush(self._api, self.requests(events), self._retry_budget).run()

    def requests(self, events: Sequence[Event]) -> Iterable[Request[Event]]:
        """The requests of these events. Events that an earlier flush could not deliver go first, in the same requests.

        Such events stand at the front of `events`.
        """
        if not events or events[0].last_request is None:
            return requests_for(events, self._limits)
        requests, others = in_last_requests(events, self._limits)
        return [*requests, *requests_for(others, self._limits)]

    def resend(self, requests: Iterable[Request[Event]]) -> None:
        """Sends ready-made requests: the same bytes with the same keys. Raises `DeliveryError`."""
        Flush(self._api, requests, self._retry_budget).run()

    def close(self) -> None:
        self._api.close()


class LogDelivery:
    """Logs what would be sent: for a service that runs where there is no Events API."""

    record = None
    runner = None

    def __init__(self, *, show_values: bool = False) -> None:
        """`show_values` logs the data too, which may be personal."""
        self._show_values = show_values

    def discard(self, events: Sequence[Event]) -> None:
        """Does nothing: events that are rolled back were never logged."""

    def send(self, events: Sequence[Event]) -> None:
        for event in events:
            self._log(event)
        observers.sent(events)

    def _log(self, event: Event) -> None:
        topic, job_id, actor = str(event), event.job_id, event.actor
        facts = [topic, job_id, actor.type, printable(actor.id)]
        extra: dict[str, Any] = {"bc_topic": topic, "bc_event_id": str(event.id), "bc_job_id": job_id}
        if self._show_values:
            extra["bc_data"] = event.data
            facts.append(orjson.dumps(extra["bc_data"]).decode())
        logs.write(
            logging.INFO,
            _LOGGED_WITH_DATA if self._show_values else _LOGGED,
            *facts,
            bc_actor_id=actor.id,
            bc_actor_type=actor.type,
            **extra,
        )

    def close(self) -> None:
        """Nothing is open."""
