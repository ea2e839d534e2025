"""Message attributes: how SNS and SQS carry what headers carry elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from opentelemetry.propagators.textmap import Setter

from bc_events import propagation
from bc_events.propagation import BROKER, Border

Attributes = MutableMapping[str, Any]


class _Setter(Setter[Attributes]):
    def set(self, carrier: Attributes, key: str, value: str) -> None:
        carrier.setdefault(key, {"DataType": "String", "StringValue": value})


def inject(attributes: Attributes, border: Border = BROKER) -> Attributes:
    """Adds the live job and actor, `traceparent` and baggage to what boto3 takes as `MessageAttributes`; returns it.

    `sns.publish(…, MessageAttributes=inject({}))`. These are up to six, and SQS delivers ten at most. What is there
    already stays.
    """
    propagation.inject(attributes, border, setter=_Setter())
    return attributes


def texts(attributes: Mapping[str, Any] | None, key: str) -> dict[str, str]:
    """The text of attributes, which each service spells in its own way under `key`; binary ones are left out."""
    values = {name: attribute.get(key) for name, attribute in (attributes or {}).items()}
    return {name: value for name, value in values.items() if isinstance(value, str)}
