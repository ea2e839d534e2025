"""The row of an event: to and from `ReceivedEvent`."""

from __future__ import annotations

from typing import Any, Final

from bc_events.event import Actor

from .query import microseconds, moment_of
from .received_event import ReceivedEvent

COLUMNS: Final = (
    "status, event_id, received, job_id, topic, category, entity, action, actor_id, actor_type, data, reason, service, "
    "idempotency_key, traceparent, baggage"
)
INSERT: Final = f"INSERT INTO events ({COLUMNS}) VALUES ({', '.join('?' * 16)})"  # noqa: S608  a constant


def row_of(event: ReceivedEvent) -> tuple[Any, ...]:
    return (
        *(event.status, event.event_id, microseconds(event.received), event.job_id),
        *(event.topic, event.category, event.entity, event.action),
        *(event.actor.id, event.actor.type, event.raw.decode(), event.reason, event.service),
        *(event.idempotency_key, event.traceparent, event.baggage),
    )


def event_of(row: tuple[Any, ...]) -> ReceivedEvent:
    """Of `seq` and the columns."""
    seq, status, event_id, received, job_id, topic, category, entity, action, actor_id, actor_type, data, *rest = row
    reason, service, *headers = rest
    actor, moment = Actor(actor_id, actor_type), moment_of(received)
    names = (job_id, topic, category, entity, action)
    return ReceivedEvent(seq, event_id, moment, *names, actor, data.encode(), *headers, status, reason, service)  # type: ignore[call-arg]  # the headers are three
