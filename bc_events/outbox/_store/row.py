"""Row: one event as an outbox stores it, with its state of delivery."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from .columns import GIVEN

if TYPE_CHECKING:
    from uuid import UUID

    from opentelemetry.trace import SpanContext

    from bc_events.event import Event

_given_values = attrgetter(*(column.attribute for column in GIVEN))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the outbox table. Times are seconds of the Unix epoch; `seq` is 0 until the row is stored.

    `batch` is the key of the request that the row is part of. The rows of that request have a `seq` from `batch_first`
    to `batch_last`. `fault` says why the row cannot be sent, if another program has changed it. If it `is_sealed`, its
    payload is stored sealed; a claimed row has it opened. `api_event_id` is the API's own id of a delivered event.
    A row is sent like an `Event`: a request needs `envelope` and `job_id` alone.
    """

    id: UUID
    category: str
    job_id: str
    topic: str
    payload: str
    created_at: float
    service: str
    trace: str | None = None
    seq: int = 0
    available_at: float = 0.0
    attempts: int = 0
    lease: UUID | None = None
    batch: UUID | None = None
    batch_first: int | None = None
    batch_last: int | None = None
    last_error: str | None = None
    dead_at: float | None = None
    fault: str | None = None
    is_sealed: bool = False
    api_event_id: str | None = None

    @classmethod
    def of(cls, event: Event, service: str) -> Row:
        """The row of an event that `service` published."""
        return cls(
            id=event.id,
            category=event.topic.category,
            job_id=event.job_id,
            topic=event.topic.name,
            payload=event.envelope.decode(),
            created_at=event.time.timestamp(),
            service=service,
            trace=_traceparent(event.trace),
        )

    @property
    def is_leased(self) -> bool:
        return self.lease is not None

    @property
    def unstamped(self) -> Row:
        """The same row in no batch."""
        return replace(self, batch=None, batch_first=None, batch_last=None)

    @property
    def given(self) -> tuple[Any, ...]:
        """The values of the columns `GIVEN`."""
        values: tuple[Any, ...] = _given_values(self)
        return values

    @property
    def envelope(self) -> bytes:
        """The bytes to which the event was frozen when it was published."""
        return self.payload.encode()


def _traceparent(trace: SpanContext | None) -> str | None:
    """In the form of the W3C header, which any tracer can read."""
    return None if trace is None else f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"
