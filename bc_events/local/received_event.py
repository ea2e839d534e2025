"""ReceivedEvent: an event that the local Events API has stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from datetime import datetime

    from bc_events.event import Actor


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One stored event. `seq` counts events in the order of receipt, from 1. `raw` is the exact bytes of the data.

    `status` is "accepted", or "refused" with the `reason`. Only a filter with `status:` finds events that are not
    accepted.
    """

    seq: int
    event_id: str
    received: datetime
    job_id: str
    topic: str
    category: str
    entity: str
    action: str
    actor: Actor
    raw: bytes
    idempotency_key: str | None = None
    traceparent: str | None = None
    baggage: str | None = None
    status: str = "accepted"
    reason: str | None = None
    service: str | None = None

    @property
    def data(self) -> Any:
        """A fresh copy of the data."""
        return orjson.loads(self.raw)

    @property
    def json(self) -> bytes:
        """The event as one line of JSON. The data has the digits, and the order of keys, that were sent."""
        # In JSON a bare line break is white space between tokens: inside strings it is always escaped.
        data = self.raw.replace(b"\n", b" ").replace(b"\r", b" ")
        return orjson.dumps(
            {
                "seq": self.seq,
                "eventId": self.event_id,
                "received": self.received,
                "jobId": self.job_id,
                "topic": self.topic,
                "category": self.category,
                "entity": self.entity,
                "action": self.action,
                "actor": {"id": self.actor.id, "type": self.actor.type},
                "data": orjson.Fragment(data),
                "idempotencyKey": self.idempotency_key,
                "traceparent": self.traceparent,
                "baggage": self.baggage,
                "status": self.status,
                "reason": self.reason,
                "service": self.service,
            }
        )
