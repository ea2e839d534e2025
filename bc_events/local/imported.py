"""Events that an export of a local Events API has as lines of JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from bc_events.errors import InvalidActorError, printable
from bc_events.event import Actor
from bc_events.topics.schemas import compile_schema

from .document import DocumentError, read_document, refuse_deep
from .envelope import ENVELOPE_PROPERTIES, raw_data
from .received_event import ReceivedEvent

_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": 1000}
_OPTIONAL: Final = {"type": ["string", "null"], "maxLength": 10_000}
LINE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["eventId", "received", "jobId", "category", "entity", "action", "actor", "data"],
    "properties": {
        **ENVELOPE_PROPERTIES,
        "seq": {"type": "integer"},
        "eventId": _TEXT,
        "received": {"type": "string", "format": "date-time", "maxLength": 40},
        "jobId": _TEXT,
        "topic": {"type": "string"},
        "status": {"type": "string", "minLength": 1, "maxLength": 40},
        "reason": _OPTIONAL,
        "service": _OPTIONAL,
        "idempotencyKey": _OPTIONAL,
        "traceparent": _OPTIONAL,
        "baggage": _OPTIONAL,
    },
}
_CHECK: Final = compile_schema(LINE)


def read_lines(body: bytes) -> list[ReceivedEvent]:
    """Raises `DocumentError`, which names the first line that is no event."""
    events: list[ReceivedEvent] = []
    for number, line in enumerate(body.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            events.append(_event(line))
        except (DocumentError, InvalidActorError) as error:
            raise DocumentError(
                f"line {number} is no event of an export: {error}; nothing was brought in. Give lines as "
                "GET /api/events.jsonl returns them"
            ) from error
    return events


def _event(line: bytes) -> ReceivedEvent:
    """Raises `DocumentError` and `InvalidActorError`."""
    found = read_document(line)
    try:
        violations = _CHECK.violations(found)
    except ValueError as error:
        raise DocumentError("it nests too deeply") from error
    if violations:
        raise DocumentError("; ".join(f"{printable(one.path) or 'the line'}: {one.message}" for one in violations[:5]))
    refuse_deep(found["data"])
    return ReceivedEvent(
        seq=0,  # the store counts
        event_id=found["eventId"],
        received=_moment(found["received"]),
        job_id=found["jobId"],
        topic=f"{found['category']}.{found['entity']}{found['action']}",
        category=found["category"],
        entity=found["entity"],
        action=found["action"],
        actor=Actor(found["actor"]["id"], found["actor"]["type"]),
        raw=raw_data(line.decode()),
        idempotency_key=found.get("idempotencyKey"),
        traceparent=found.get("traceparent"),
        baggage=found.get("baggage"),
        status=found.get("status", "accepted"),
        reason=found.get("reason"),
        service=found.get("service"),
    )


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise DocumentError("/received: it is no time that can be kept") from error
