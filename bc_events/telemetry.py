"""Spans and metrics of what the library does, through OpenTelemetry's API. Without an SDK nothing is measured.

Their names are a contract: docs/reference/telemetry.md lists them, and a test compares.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from opentelemetry.metrics import Counter as Instrument, Histogram
    from opentelemetry.trace import Link, SpanContext, Tracer
    from opentelemetry.util.types import AttributeValue

    from .errors import Undelivered
    from .event import Event

is_active = False
"""Whether an SDK listens, as far as `refresh` knows. Publishers read it, because to ask costs more than an event."""

_SCOPE: Final = "bc_events"
_MOST_LINKS: Final = 128  # what the SDK keeps of a span by default


def refresh() -> bool:
    """Asks whether an SDK listens. Once it does it is not asked again: no provider can be taken away."""
    global is_active  # noqa: PLW0603  one answer a process
    if not is_active:
        from opentelemetry import metrics, trace  # noqa: PLC0415  not loaded with the package

        providers = (trace.get_tracer_provider(), metrics.get_meter_provider())
        is_active = not all(
            type(one).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")) for one in providers
        )
    return is_active


def current_trace() -> SpanContext | None:
    """The span that is current here; None where there is none."""
    from opentelemetry import trace  # noqa: PLC0415  not loaded with the package

    context = trace.get_current_span().get_span_context()
    return context if context.is_valid else None


@dataclass(frozen=True, slots=True)
class _Instruments:
    tracer: Tracer
    published: Instrument
    refused: Instrument
    rolled_back: Instrument
    delivered: Instrument
    retried: Instrument
    failed: Instrument
    flush_duration: Histogram
    batch_size: Histogram


@cache
def _instruments() -> _Instruments:
    from opentelemetry import metrics, trace  # noqa: PLC0415  not loaded with the package

    meter = metrics.get_meter(_SCOPE)
    return _Instruments(
        tracer=trace.get_tracer(_SCOPE),
        published=meter.create_counter("bc_events.published", "{event}", "Events published, whatever became of them"),
        refused=meter.create_counter("bc_events.refused", "{event}", "Events refused at the call: their data is wrong"),
        rolled_back=meter.create_counter("bc_events.rolled_back", "{event}", "Events dropped: their work failed"),
        delivered=meter.create_counter("bc_events.delivered", "{event}", "Events that the Events API has confirmed"),
        retried=meter.create_counter("bc_events.retried", "{event}", "Events sent once more, each time they were"),
        failed=meter.create_counter("bc_events.failed", "{event}", "Events that a flush could not deliver"),
        flush_duration=meter.create_histogram("bc_events.flush.duration", "s", "Time that a flush took"),
        batch_size=meter.create_histogram("bc_events.batch.size", "{event}", "Events in one request"),
    )


def refused(topic: str) -> None:
    """An event was refused at the call."""
    if is_active:
        _instruments().refused.add(1, {"bc_events.topic": topic})


def rolled_back(events: Sequence[Event]) -> None:
    """These were published and dropped."""
    if is_active:
        _by_topic(_instruments().published, events)
        _by_topic(_instruments().rolled_back, events)


def attempted(size: int, *, is_repeat: bool) -> None:
    """A request with so many events went out."""
    if is_active:
        _instruments().batch_size.record(size)
        if is_repeat:
            _instruments().retried.add(size)


def settled(delivered: int, undelivered: Sequence[Undelivered]) -> None:
    """What a flush came to."""
    if is_active:
        _instruments().delivered.add(delivered)
        for outcome, count in Counter(item.outcome for item in undelivered).items():
            _instruments().failed.add(count, {"bc_events.outcome": outcome})


@contextmanager
def flushing(events: Sequence[Event], api_url: str | None) -> Iterator[None]:
    """A PRODUCER span around one flush, by the semantic conventions for messaging; it links to the publishing spans."""
    from opentelemetry.trace import SpanKind  # noqa: PLC0415  not loaded with the package

    instruments = _instruments()
    _by_topic(instruments.published, events)
    started = time.monotonic()
    attributes: dict[str, AttributeValue] = {}
    try:
        with instruments.tracer.start_as_current_span(
            "send events", kind=SpanKind.PRODUCER, attributes=_attributes(events, api_url), links=_links(events)
        ) as span:
            try:
                yield
            except BaseException as error:
                attributes["error.type"] = type(error).__qualname__
                span.set_attributes(attributes)
                raise
    finally:
        instruments.flush_duration.record(time.monotonic() - started, attributes)


def _attributes(events: Sequence[Event], api_url: str | None) -> Mapping[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "britecore",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "events",
        "messaging.batch.message_count": len(events),
        "messaging.message.conversation_id": events[0].job_id,
    }
    address = urlsplit(api_url or "")
    if address.hostname:
        attributes["server.address"] = address.hostname
        attributes["server.port"] = address.port or (443 if address.scheme == "https" else 80)
    return attributes


def _links(events: Sequence[Event]) -> list[Link]:
    from opentelemetry.trace import Link  # noqa: PLC0415  not loaded with the package

    spans = {(trace.trace_id, trace.span_id): trace for trace in (event.trace for event in events) if trace is not None}
    return [Link(trace) for trace in list(spans.values())[:_MOST_LINKS]]


def _by_topic(counter: Instrument, events: Sequence[Event]) -> None:
    for topic, count in Counter(str(event) for event in events).items():
        counter.add(count, {"bc_events.topic": topic})
