"""Spans and metrics of what the library does, through OpenTelemetry's API. Without an SDK nothing is measured.

Their names are a contract: docs/reference/telemetry.md lists them, and a test compares.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from bc_events._runtime import logs
from bc_events._runtime.interrupts import isolated

from . import observers
from .metrics import Metrics, instruments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Link, Span, SpanContext
    from opentelemetry.util.types import AttributeValue

    from bc_events.event import Event


is_active = False
"""Whether an SDK listens, as far as `refresh` knows. Publishers read it, because asking costs more."""

P = ParamSpec("P")
R = TypeVar("R")
_activating = threading.RLock()
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch  # RFC 9110, 5.6.2
_HEADER_VALUE: Final = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?").fullmatch
_OF_REQUEST: Final = re.compile(
    r"host|content-.*|transfer-encoding|te|trailer|connection|keep-alive|upgrade|expect|cookie|(proxy-)?authorization",
    re.IGNORECASE,
).fullmatch
"""Headers that say how a request is framed, where it goes or who sends it: a propagator must not set them."""
_MOST_LINKS: Final = 128  # the links that the SDK keeps of a span by default


def refresh() -> bool:
    """Asks whether an SDK listens. Once one does, this does not ask again, because a provider cannot be removed."""
    if not is_active and isolated(_report, _has_sdk):
        _activate()
    return is_active


def _has_sdk() -> bool:
    from opentelemetry import metrics, trace  # noqa: PLC0415  not loaded with the package

    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if not type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics")):
            return True
    return False


def _activate() -> None:
    global is_active  # noqa: PLW0603  one answer a process
    with _activating:
        if not is_active:
            observers.add(Metrics())
            is_active = True


def current_trace() -> SpanContext | None:
    """The span that is current here; None where there is none."""
    return _quietly(_current_trace)


def _current_trace() -> SpanContext | None:
    from opentelemetry import trace  # noqa: PLC0415  not loaded with the package

    context = trace.get_current_span().get_span_context()
    return context if context.is_valid else None


def propagated() -> dict[str, str]:
    """The headers that OpenTelemetry's propagators add to a request, without those that cannot stand in a header."""
    from opentelemetry import propagate  # noqa: PLC0415  not loaded with the package

    written: dict[str, Any] = {}
    _quietly(propagate.inject, written)
    return {
        name: value
        for name, value in written.items()
        if isinstance(name, str) and isinstance(value, str) and _is_header(name, value)
    }


def _is_header(name: str, value: str) -> bool:
    return bool(_HEADER_NAME(name) and _HEADER_VALUE(value) and not _OF_REQUEST(name))


def prepare() -> None:
    """Loads now, on this thread, what a flush needs of OpenTelemetry: see `EventsAPI.prepare`."""
    from opentelemetry import context, metrics, propagate, trace  # noqa: F401, PLC0415  not loaded with the package


@contextmanager
def flushing(events: Sequence[Event], api_url: str | None) -> Iterator[None]:
    """A PRODUCER span around one flush, by the semantic conventions for messaging; it links to the publishing spans.

    What a tracer, processor or exporter raises is logged and affects no event.
    """
    if not refresh():
        yield
        return
    started = time.monotonic()
    span = _quietly(_begin, events, api_url)
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        _quietly(_end, span, failure, time.monotonic() - started)


def _begin(events: Sequence[Event], api_url: str | None) -> tuple[Span, Token[Context]]:
    from opentelemetry import context, trace  # noqa: PLC0415  not loaded with the package

    span = instruments().tracer.start_span(
        "send events", kind=trace.SpanKind.PRODUCER, attributes=_attributes(events, api_url), links=_links(events)
    )
    return span, context.attach(trace.set_span_in_context(span))


def _end(begun: tuple[Span, Token[Context]] | None, failure: BaseException | None, seconds: float) -> None:
    from opentelemetry import context, trace  # noqa: PLC0415  not loaded with the package

    attributes: dict[str, AttributeValue] = {} if failure is None else {"error.type": type(failure).__qualname__}
    if begun is not None:
        span, token = begun
        context.detach(token)
        if failure is not None:
            span.set_attributes(attributes)
            span.record_exception(failure)
            span.set_status(trace.Status(trace.StatusCode.ERROR, f"{type(failure).__name__}: {failure}"))
        span.end()
    instruments().flush_duration.record(seconds, attributes)


def _quietly(work: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> R | None:
    return isolated(_report, work, *arguments, **options)


def _report() -> None:
    logs.write(logging.ERROR, "OpenTelemetry failed; the events are not affected", exc_info=True)


def _attributes(events: Sequence[Event], api_url: str | None) -> Mapping[str, AttributeValue]:
    from urllib.parse import urlsplit  # noqa: PLC0415  not loaded with the package

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
