"""EventClient: the configuration of one service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from ._config import arguments, enrichers as enriching, following
from ._delivery import observers, stopped_flush, telemetry
from ._delivery.api import EventsAPI
from ._delivery.delivery import Delivery, DirectDelivery, LogDelivery, Outbox
from ._runtime import argument_checks as check, job_ids, keywords, suggestions
from ._unit.retries import Resend
from .constants import (
    ACTOR_TYPE_SERVICE,
    ACTOR_TYPE_THIRD_PARTY,
    ACTOR_TYPE_USER,
    BAGGAGE_KEY,
    BULK_PATH,
    EVENTS_PATH,
    LOG_ONLY,
    MAX_REQUEST_BYTES,
    MAX_REQUEST_EVENTS,
)
from .errors import ConfigurationError, DeliveryError
from .event import Actor, Event
from .session import EventSession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import requests
    from requests.auth import AuthBase

    from ._config.settings import Enricher
    from ._delivery.request import Limits
    from ._unit.unit_of_work import UnitOfWork
    from .topics.definitions import Definitions
    from .topics.table import TopicTable
    from .topics.topic import Topic


class EventClient:
    """Makes the sessions of one service and delivers their events. Create one per process. Threads may share it."""

    @keywords.checked
    def __init__(
        self,
        api_url: str | None,
        service_name: str,
        topic_definitions: Definitions | TopicTable,
        *,
        auth: AuthBase | Callable[[], str] | None = None,
        timeout: tuple[float, float] = (3.05, 10),
        retry_budget: float = 5.0,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        max_request_events: int = MAX_REQUEST_EVENTS,
        enrichers: Sequence[Enricher] = (),
        http: requests.Session | None = None,
        outbox: str | Outbox | None = None,
        delivery: Delivery | None = None,
        baggage_key: str = BAGGAGE_KEY,
        write_baggage: bool = True,
        show_values: bool = False,
        on_invalid: Literal["raise", "log"] = "raise",
    ) -> None:
        """`api_url` "log:" logs events, and sends and stores none. So do None and "", but an outbox stores them.

        Args:
            auth: a requests `AuthBase`, or a callable that returns a bearer token; it is asked again after a 401.
            timeout: seconds to connect, and to wait for each part of an answer; an attempt takes their sum at most.
            retry_budget: seconds that the retries of one flush, and the waits before them, may take.
            max_request_bytes: the most bytes in the body of a request; a larger flush is split into several.
            max_request_events: the most events in a request; the API takes no more than 250.
            enrichers: called in order with (topic, data) before the check; each returns the data to use.
            http: a ready `requests.Session`, for CA bundles, proxies or client certificates.
            outbox: stores events until a relay has sent them: a file name such as "events.db", or an outbox.
            delivery: replaces the delivery that `api_url` gives.
            baggage_key: the key of the job id in OpenTelemetry baggage.
            write_baggage: whether a live session puts its job id into baggage.
            show_values: lets errors, and the log of a client without an API, show values, which may be personal data.
            on_invalid: "log" logs the violations of an invalid event, and drops it, where the call would raise.

        Raises `ConfigurationError`, of which a `TopicDefinitionError` is one.
        """
        self.service_actor: Actor = arguments.service_actor(service_name)
        self._third_party_actor = Actor(service_name, ACTOR_TYPE_THIRD_PARTY)
        arguments.http(http)
        checked_auth = arguments.auth(auth)
        self._api_url = arguments.api_url(api_url, has_auth=arguments.has_auth(auth, http))
        self.limits: Limits = arguments.limits(max_request_events, max_request_bytes)
        timeout, retry_budget = arguments.timeout(timeout), arguments.retry_budget(retry_budget)
        self.topic_table: TopicTable = arguments.topic_table(topic_definitions, show_values=show_values)
        self.max_request_bytes = max_request_bytes
        self.enrichers: tuple[Enricher, ...] = enriching.checked(enrichers)
        self.baggage_key: str = arguments.baggage_key(baggage_key)
        self.on_invalid: Literal["raise", "log"] = check.one_of("on_invalid", on_invalid, "raise", "log")
        self.write_baggage: bool = check.flag("write_baggage", write_baggage)
        self._api: EventsAPI | None = None
        self._direct: DirectDelivery | None = None
        if self._api_url is not None:
            self._api = EventsAPI(self._api_url, auth=checked_auth, timeout=timeout, http=http)
            self._direct = DirectDelivery(self._api, self.limits, retry_budget)
        self.open_unit: Callable[..., UnitOfWork] = following.units_of(self._api_url)
        job_ids.prepare()
        telemetry.refresh()
        given_outbox = arguments.outbox(outbox, delivery)
        self.outbox: Outbox | None = None if api_url == LOG_ONLY else given_outbox
        stored = None if self.outbox is None else self.outbox.delivery(self.service_name, self._api, self.limits)
        self.delivery: Delivery = (
            arguments.delivery(delivery) or stored or self._direct or LogDelivery(show_values=show_values)
        )

    @property
    def api_url(self) -> str | None:
        """The URL of the Events API, without a slash at its end; None where there is none."""
        return self._api_url

    @property
    def service_name(self) -> str:
        return self.service_actor.id

    @property
    def default_category(self) -> str | None:
        """The definitions' `DefaultCategory`; None where they have none."""
        return self.topic_table.default_category or None

    @property
    def publish_url(self) -> str | None:
        """The URL for a request with one event; None without an API."""
        return None if self._api_url is None else f"{self._api_url}{EVENTS_PATH}"

    @property
    def publish_bulk_url(self) -> str | None:
        """The URL for a request with several events; None without an API."""
        return None if self._api_url is None else f"{self._api_url}{BULK_PATH}"

    @property
    def third_party_actor(self) -> Actor:
        return self._third_party_actor

    def get_topic(self, category: str | None, entity: str, action: str) -> Topic:
        """Without a category: the topic of the default category, else the only topic with these names.

        Raises `UnknownTopicError`.
        """
        return self.topic_table.find(category, entity, action)

    @keywords.checked
    def user_session(self, user_id: str, job_id: str | None = None) -> EventSession:
        """A session made by hand, for a user (their Cognito user id). Only a call of `flush` sends its events."""
        return EventSession(user_id, ACTOR_TYPE_USER, job_id, self)

    @keywords.checked
    def service_session(self, job_id: str | None = None) -> EventSession:
        """Like `user_session`, for this service itself."""
        return EventSession(self.service_name, ACTOR_TYPE_SERVICE, job_id, self)

    @keywords.checked
    def third_party_session(self, job_id: str | None = None) -> EventSession:
        """Like `service_session`, but the service acts as a third party."""
        return EventSession(self.service_name, ACTOR_TYPE_THIRD_PARTY, job_id, self)

    def session_of(self, unit: UnitOfWork) -> EventSession:
        """The session of a unit of work of this client."""
        return EventSession.of(unit)

    def enriched(self, topic: Topic, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data after every enricher. They get a shallow copy, so that the caller's dict does not change."""
        if isinstance(data, dict):
            data = dict(data)
        for enricher in self.enrichers:
            data = enriching.applied(enricher, topic, data)
        return data

    def send(self, events: Sequence[Event], *, again: Sequence[Event] = ()) -> None:
        """Delivers events that a session has handed over. Raises `DeliveryError` with those that were not delivered.

        `again` are events that an earlier flush could not deliver. They are sent first. An exception from outside that
        stops the flush, such as KeyboardInterrupt, propagates. Its cause is then a DeliveryError.
        """
        new, events = events, [*again, *events] if again else events
        if not events:
            return
        try:
            with telemetry.flushing(events, self._api_url):
                if self.delivery.record is None:
                    observers.confirmed(new)
                self.delivery.send(events)
        except DeliveryError as error:
            stopped_flush.tell(error)
            raise
        except BaseException as stop:
            told = stopped_flush.error_of(stop, events, self.limits)
            stopped_flush.tell(told)
            raise stop from told

    def resend(self, error: DeliveryError) -> None:
        """Sends the undelivered events of a flush again, with the same bytes and keys. May raise `DeliveryError` again.

        A session made by hand keeps its undelivered events, too. This leaves out those that the session has sent
        meanwhile, and the session does not send again what is sent here.

        With an outbox it stores the events again. No event is stored twice. But a relay may already have sent an event
        whose outcome is unknown, and would then send it again: check first whether the API has it.
        """
        if self.outbox is None and self._direct is None:
            raise ConfigurationError("this client has no api_url, so it cannot resend; use one that has")
        resend = Resend(error)
        try:
            self._resend(resend)
        except BaseException as stop:
            resend.give_back(stop)
            if isinstance(stop, DeliveryError):
                stopped_flush.tell(stop)
            raise

    def _resend(self, resend: Resend) -> None:
        if self._direct is None or self.outbox is not None:
            self.delivery.send([*(event for request in resend.requests for event in request.events), *resend.events])
        else:
            self._direct.resend([*resend.requests, *self._direct.requests(resend.events)])

    def close(self) -> None:
        """Closes the connections. A later flush raises `DeliveryError`."""
        self.delivery.close()
        if self._direct is not None:
            self._direct.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # type checkers find the mistake themselves

        def __getattr__(self, name: str) -> Any:
            from ._config.settings import ClientSettings  # noqa: PLC0415  needed only to explain a mistake

            raise suggestions.not_of_a_client(name, dir(EventClient), ClientSettings.__annotations__)

    def __repr__(self) -> str:
        return f"<EventClient {self.service_name} at {self.api_url or 'no API (log only)'}>"
