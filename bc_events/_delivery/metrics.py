"""The instruments of OpenTelemetry, and the observer that counts with them.

Their names are a contract: docs/reference/telemetry.md lists them, and a test compares.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.metrics import Counter as Instrument, Histogram
    from opentelemetry.trace import Tracer

    from bc_events.errors import InvalidEventError, Undelivered
    from bc_events.event import Event, Origin

    from .observers import Rollback
    from .request import Request
    from .wire import Answer

_SCOPE: Final = "bc_events"


@dataclass(frozen=True, slots=True)
class Instruments:
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
def instruments() -> Instruments:
    from opentelemetry import metrics, trace  # noqa: PLC0415  not loaded with the package

    meter = metrics.get_meter(_SCOPE)
    return Instruments(
        tracer=trace.get_tracer(_SCOPE),
        published=meter.create_counter("bc_events.published", "{event}", "Events published, whatever became of them"),
        refused=meter.create_counter("bc_events.refused", "{event}", "Events refused at the call: their data is wrong"),
        rolled_back=meter.create_counter("bc_events.rolled_back", "{event}", "Events dropped: their work failed"),
        delivered=meter.create_counter("bc_events.delivered", "{event}", "Events that the Events API has confirmed"),
        retried=meter.create_counter("bc_events.retried", "{event}", "Events sent again; each time counts"),
        failed=meter.create_counter("bc_events.failed", "{event}", "Events that a flush could not deliver"),
        flush_duration=meter.create_histogram("bc_events.flush.duration", "s", "Time that a flush took"),
        batch_size=meter.create_histogram("bc_events.batch.size", "{event}", "Events in one request"),
    )


class Metrics:
    """The observer that counts. An event counts as published once it is known what became of it."""

    published = None

    def refused(self, error: InvalidEventError, origin: Origin) -> None:  # noqa: ARG002  others use it
        instruments().refused.add(1, {"bc_events.topic": error.topic})

    def dropped(self, events: Sequence[Event], rollback: Rollback) -> None:  # noqa: ARG002  others use it
        _by_topic(instruments().published, events)
        _by_topic(instruments().rolled_back, events)

    def confirmed(self, events: Sequence[Event]) -> None:
        _by_topic(instruments().published, events)

    def attempted(self, size: int, *, is_retry: bool) -> None:
        instruments().batch_size.record(size)
        if is_retry:
            instruments().retried.add(size)

    def posting(self, url: str, request: Request[Any]) -> None:
        """Does nothing: `attempted` counts the requests of flushes."""

    def answered(self, url: str, request: Request[Any], answer: Answer) -> None:
        """Does nothing: `settled` has the count of a whole flush."""

    def sent(self, events: Sequence[Any]) -> None:
        """Does nothing, as `answered`."""

    def settled(self, delivered: int, undelivered: Sequence[Undelivered]) -> None:
        instruments().delivered.add(delivered)
        for outcome, count in Counter(item.outcome for item in undelivered).items():
            instruments().failed.add(count, {"bc_events.outcome": outcome})

    def undelivered(self, undelivered: Sequence[Undelivered]) -> None:
        """Does nothing, as `answered`."""

    def dead(self, url: str, row: Any, reason: str) -> None:
        """Does nothing: the metrics of a relay count rows."""


def _by_topic(counter: Instrument, events: Sequence[Event]) -> None:
    for topic, count in Counter(str(event) for event in events).items():
        counter.add(count, {"bc_events.topic": topic})
