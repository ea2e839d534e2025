"""UnitClient: what a unit of work needs of its `EventClient`, which stands in a layer above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bc_events._delivery.delivery import Delivery
    from bc_events.event import Actor, Event, Publisher
    from bc_events.topics.table import TopicTable
    from bc_events.topics.topic import Topic


class UnitClient(Protocol):
    """The configuration of one service, as far as recording and sending its events reads it."""

    topic_table: TopicTable
    delivery: Delivery
    max_request_bytes: int
    baggage_key: str
    write_baggage: bool

    @property
    def enrichers(self) -> Sequence[object]: ...

    @property
    def service_actor(self) -> Actor: ...

    def get_topic(self, category: str | None, entity: str, action: str) -> Topic:
        """Raises `UnknownTopicError`."""
        ...

    def enriched(self, topic: Topic, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The data after every enricher has seen it."""
        ...

    def send(self, events: Sequence[Event], *, again: Sequence[Event] = ()) -> None:
        """Delivers events that nobody else owns any more. Raises `DeliveryError`, which then owns the rest."""

    def session_of(self, unit: Any) -> Publisher:
        """A unit of work as its users hold it."""
        ...
