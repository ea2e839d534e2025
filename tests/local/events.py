"""Received events for a store, made without a server."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from bc_events.event import Actor
from bc_events.local import ReceivedEvent

START = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


def received(number: int = 0, *, entity: str = "Policy", data: str = '{"id": 1}', **changes: Any) -> ReceivedEvent:
    """An event that came `number` seconds after `START`."""
    fields: dict[str, Any] = {
        "seq": 0,
        "event_id": str(uuid.uuid4()),
        "received": START + timedelta(seconds=number),
        "job_id": "job-1",
        "topic": f"policies.{entity}Created",
        "category": "policies",
        "entity": entity,
        "action": "Created",
        "actor": Actor("cognito-1", "user"),
        "raw": data.encode(),
    }
    return ReceivedEvent(**{**fields, **changes})
