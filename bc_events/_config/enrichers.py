"""Enrichers: callables that get an event's data before the check, and return the data to use instead."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bc_events._runtime import argument_checks as check
from bc_events.errors import InvalidEventError, Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bc_events.topics.topic import Topic

    from .settings import Enricher


def checked(given: object) -> tuple[Enricher, ...]:
    """Raises `ConfigurationError`."""
    if callable(given) or isinstance(given, str) or not isinstance(given, Iterable):
        raise check.wrong("enrichers", given, "a list of callables, such as [add_tenant]")
    found = tuple(given)
    for position, one in enumerate(found):
        example = "a callable of (topic, data) that returns the data"
        check.function(f"enrichers[{position}]", one, example=example)
    return found


def applied(enricher: Enricher, topic: Topic, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data that the enricher returns. Raises `InvalidEventError` where it returns None."""
    enriched: Mapping[str, Any] | None = enricher(topic, data)
    if enriched is None:
        name = getattr(enricher, "__qualname__", type(enricher).__qualname__)
        fault = f"the enricher {name} returned None; let it return the data to go on with"
        raise InvalidEventError(topic.name, [Violation("", "enricher", fault)])
    return enriched
