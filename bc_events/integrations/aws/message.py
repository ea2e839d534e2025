"""What a record says about job and actor: its message attributes, those within SNS envelopes, or its payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from .attributes import texts

if TYPE_CHECKING:
    from bc_events.propagation import Border

PayloadCarrier = Callable[[Any], Mapping[str, Any] | None]


def is_event_bridge(event: Mapping[str, Any]) -> bool:
    return "detail-type" in event and "source" in event


def carrier_of(record: Mapping[str, Any], border: Border, payload: PayloadCarrier | None) -> dict[str, str]:
    """The names and values that a record carries; attributes go before the payload."""
    if is_event_bridge(record):
        return _named(record["detail"], border, payload or _itself)
    if "Sns" in record:
        attributes, text = texts(record["Sns"].get("MessageAttributes"), "Value"), record["Sns"]["Message"]
    else:
        attributes, text = texts(record.get("messageAttributes"), "stringValue"), record["body"]
        envelope = _json(text)
        if _is_sns(envelope):
            attributes = texts(envelope.get("MessageAttributes"), "Value") | attributes
            text = envelope["Message"]
    return _named(_json(text), border, payload) | attributes if payload is not None else attributes


def _named(payload: Any, border: Border, find: PayloadCarrier) -> dict[str, str]:
    """Only the border's own names: a payload may well have a field of any other."""
    found = find(payload) if payload is not None else None
    names = (border.job_id, border.actor_id, border.actor_type)
    values = {name: found.get(name) for name in names if name is not None} if isinstance(found, Mapping) else {}
    return {name: value for name, value in values.items() if isinstance(value, str)}


def _itself(payload: Any) -> Any:
    return payload


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _is_sns(body: Any) -> bool:
    """A queue that is subscribed to a topic without raw message delivery gets messages in an envelope."""
    return isinstance(body, Mapping) and body.get("Type") == "Notification" and "TopicArn" in body
