"""Say what happened from any line of a service, and be sure that it arrives.

Nothing heavy is loaded by importing this package: names load what they need when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import events
    from ._delivery.delivery import Delivery, Outbox
    from .client import EventClient
    from .errors import (
        ConfigurationError,
        DeliveryError,
        EventsError,
        InvalidActorError,
        InvalidEventError,
        InvalidJobIdError,
        NestedSessionError,
        NoActiveSessionError,
        OutboxError,
        SessionClosedError,
        TopicDefinitionError,
        UnknownEventNameError,
        UnknownTopicError,
        UnknownTopicKeyError,
    )
    from .event import Actor, Event
    from .session import EventSession
    from .topics.table import TopicTable
    from .topics.topic import Topic

_HOMES = {
    "Actor": "event",
    "ConfigurationError": "errors",
    "Delivery": "_delivery.delivery",
    "DeliveryError": "errors",
    "Event": "event",
    "EventClient": "client",
    "EventSession": "session",
    "EventsError": "errors",
    "InvalidActorError": "errors",
    "InvalidEventError": "errors",
    "InvalidJobIdError": "errors",
    "NestedSessionError": "errors",
    "NoActiveSessionError": "errors",
    "Outbox": "_delivery.delivery",
    "OutboxError": "errors",
    "SessionClosedError": "errors",
    "Topic": "topics",
    "TopicDefinitionError": "errors",
    "TopicTable": "topics",
    "UnknownEventNameError": "errors",
    "UnknownTopicError": "errors",
    "UnknownTopicKeyError": "errors",
}

__version__ = "1.0.0a1"
__all__ = [
    "Actor",
    "ConfigurationError",
    "Delivery",
    "DeliveryError",
    "Event",
    "EventClient",
    "EventSession",
    "EventsError",
    "InvalidActorError",
    "InvalidEventError",
    "InvalidJobIdError",
    "NestedSessionError",
    "NoActiveSessionError",
    "Outbox",
    "OutboxError",
    "SessionClosedError",
    "Topic",
    "TopicDefinitionError",
    "TopicTable",
    "UnknownEventNameError",
    "UnknownTopicError",
    "UnknownTopicKeyError",
    "events",
]


if not TYPE_CHECKING:  # type checkers then find misspelt names

    def __getattr__(name: str) -> Any:
        if name == "events":
            return importlib.import_module(f"{__name__}.events")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
