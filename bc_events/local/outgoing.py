"""Outgoing: a received event on its way to another Events API, by the library's own rules of delivery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bc_events.errors import DeliveryError

    from .received_event import ReceivedEvent


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the delivery needs of an event."""

    event: ReceivedEvent

    @property
    def envelope(self) -> bytes:
        """The event as it was received, its data byte for byte."""
        event = self.event
        return orjson.dumps(
            {
                "action": event.action,
                "category": event.category,
                "entity": event.entity,
                "data": orjson.Fragment(event.raw),
                "actor": {"id": event.actor.id, "type": event.actor.type},
            }
        )

    @property
    def job_id(self) -> str:
        return self.event.job_id

    @property
    def id(self) -> str:
        return self.event.event_id

    def __str__(self) -> str:
        return self.event.topic


def outgoing(events: Sequence[ReceivedEvent]) -> list[Any]:
    return [Outgoing(event) for event in events]


def failures(error: DeliveryError) -> list[dict[str, str]]:
    """Which events did not arrive, and why."""
    return [
        {
            "eventId": one.id,
            "topic": str(one),
            "jobId": one.job_id,
            "outcome": item.outcome,
            "reason": item.reason,
        }
        for item in error.undelivered
        for one in [cast("Outgoing", item.event)]
    ]
