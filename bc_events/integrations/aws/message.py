"""The job and actor of a record: in its message attributes, in those of an SNS envelope, or in its payload."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from bc_events._runtime import logs

from .attributes import texts
from .shape import folded, mapping, text

if TYPE_CHECKING:
    from bc_events.propagation import Border

Carrier = list[tuple[str, str]]
PayloadCarrier = Callable[[Any], Mapping[str, Any] | None]
_OPENTELEMETRY: Final = frozenset({"traceparent", "tracestate", "baggage"})
_ENVELOPE: Final = ("MessageId", "TopicArn", "Message", "Timestamp")
_logger = logs.logger


def is_event_bridge(event: object) -> bool:
    return isinstance(event, Mapping) and "detail-type" in event and "source" in event


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Finds the names and values that a record carries. Attributes win over the payload."""

    border: Border
    payload: PayloadCarrier | None
    sns_topics: Collection[str] | None

    def carrier_of(self, record: object) -> Carrier:
        found = mapping(record)
        if is_event_bridge(found):
            return self._named(found.get("detail"), self.payload or _itself)
        if "Sns" in found:
            return self._of_sns(mapping(found["Sns"]))
        own, body = found.get("messageAttributes"), _json(found.get("body"))
        if self._is_from_sns(body) and not self._has_ours(own):
            return self._of_sns(body)
        return self._with_payload(texts(own, value="stringValue", kind="dataType"), body)

    def _of_sns(self, envelope: Mapping[str, Any]) -> Carrier:
        attributes = texts(envelope.get("MessageAttributes"), value="Value", kind="Type")
        return self._with_payload(attributes, _json(envelope.get("Message")))

    def _with_payload(self, attributes: Mapping[str, str], body: Any) -> Carrier:
        present = {folded(name) for name in attributes}
        others = [] if self.payload is None else self._named(body, self.payload)
        return [*attributes.items(), *((name, value) for name, value in others if folded(name) not in present)]

    def _named(self, payload: Any, find: PayloadCarrier) -> Carrier:
        """Only the border's names, in upper or lower case: other fields of a payload may have any name."""
        found = mapping(_looked_up(find, payload)) if payload is not None else {}
        wanted = _names(self.border)
        values = {name: text(value) for name, value in found.items() if folded(name) in wanted}
        return [(name, value) for name, value in values.items() if value is not None]

    def _is_from_sns(self, body: Any) -> bool:
        """A queue that is subscribed to a topic without raw message delivery gets messages in an envelope."""
        if not isinstance(body, Mapping) or body.get("Type") != "Notification":
            return False
        topics = self.sns_topics
        return all(isinstance(body.get(name), str) for name in _ENVELOPE) and (
            topics is None or body["TopicArn"] in topics
        )

    def _has_ours(self, attributes: object) -> bool:
        """Whether one of our services sent this very message. Its body is then only data, which anybody may write."""
        ours = _OPENTELEMETRY | _names(self.border)
        return any(folded(name) in ours for name in mapping(attributes))


def _names(border: Border) -> frozenset[str]:
    return frozenset(folded(name) for name in (border.job_id, border.actor_id, border.actor_type) if name is not None)


def _looked_up(find: PayloadCarrier, payload: Any) -> object:
    """The part that `find` finds. A message without it, such as one with no `body["metadata"]`, carries nothing."""
    try:
        return find(payload)
    except (LookupError, TypeError, AttributeError):
        return None


def _itself(payload: Any) -> Any:
    return payload


def _json(body: object) -> Any:
    if not isinstance(body, str | bytes):
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
