"""UnitClient: the part of `EventClient` that a unit of work uses. `EventClient` itself is in a layer above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bc_events._delivery.delivery import Delivery
    from bc_events.event import Actor, Event, Publisher
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic


class UnitClient(Protocol):
    """The configuration of one service that is read when its events are recorded and sent."""

    topic_table: TopicTable
    delivery: Delivery
    max_request_bytes: int
    baggage_key: str
    write_baggage: bool
    on_invalid: Literal["raise", "log"]
    open_unit: Callable[..., Any]
    """Makes a unit of work, as its class does."""

    @property
    def enrichers(self) -> Sequence[object]: ...

    @property
    def service_actor(self) -> Actor: ...

    def get_topic(self, category: str | None, entity: str, action: str) -> Topic:
        """Raises `UnknownTopicError`."""
        ...

    def enriched(self, topic: Topic, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data after every enricher."""
        ...

    def send(self, events: Sequence[Event], *, again: Sequence[Event] = ()) -> None:
        """Takes over the events and delivers them. Raises `DeliveryError`, which then owns those not delivered."""

    def session_of(self, unit: Any) -> Publisher:
        """The session through which users hold this unit of work."""
        ...
