"""Message attributes: how SNS and SQS carry what headers carry elsewhere."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from opentelemetry.propagators.textmap import Setter

from bc_events import propagation
from bc_events._runtime import argument_checks as check
from bc_events.propagation import BROKER, Border

from .shape import mapping, text

Attributes = MutableMapping[str, Any]


class _Setter(Setter[Attributes]):
    def set(self, carrier: Attributes, key: str, value: str) -> None:
        carrier.setdefault(key, {"DataType": "String", "StringValue": value})


def inject(attributes: Attributes, border: Border = BROKER) -> Attributes:
    """Adds the live job and actor, `traceparent` and baggage to what boto3 takes as `MessageAttributes`; returns it.

    `sns.publish(…, MessageAttributes=inject({}))`. It adds six attributes at most; SQS delivers ten at most. Attributes
    that are there already stay.
    """
    check.instance("attributes", attributes, MutableMapping, example="a dictionary, such as {}")
    propagation.inject(attributes, border, setter=_Setter())
    return attributes


def texts(attributes: object, *, value: str, kind: str) -> dict[str, str]:
    """The attributes whose type is text. SNS and SQS write the types and values in different ways."""
    found = {name: mapping(attribute) for name, attribute in mapping(attributes).items()}
    texts = {name: text(one.get(value)) for name, one in found.items() if _is_single_text(one.get(kind))}
    return {name: one for name, one in texts.items() if one is not None}


def _is_single_text(kind: object) -> bool:
    """Whether a type is a single text: not Binary, which is base64, and not String.Array, which is a list."""
    return not isinstance(kind, str) or (kind.startswith(("String", "Number")) and kind != "String.Array")
