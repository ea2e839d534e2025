"""Row: one event as an outbox stores it, and what became of it so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import SpanContext

    from bc_events.event import Event

COLUMNS = (
    *("seq", "id", "aggregatetype", "aggregateid", "type", "payload", "created_at", "available_at"),
    *("attempts", "lease", "batch", "batch_first", "batch_last", "service", "trace", "last_error", "dead_at"),
)
"""The table's columns, in the order of `Row.read`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the outbox table. Times are seconds of the Unix epoch; `seq` is 0 until the row is stored.

    `batch` is the key of the request that it was put into, whose rows are from `batch_first` to `batch_last` by `seq`.
    It travels like an `Event`: `envelope` and `job_id` are all that a request needs.
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

    @classmethod
    def read(cls, values: Sequence[Any]) -> Row:
        """From the database's values of `COLUMNS`. Some databases keep a UUID as text."""
        seq, event_id, category, job_id, topic, payload, created_at, available_at, *rest = values
        attempts, lease, batch, batch_first, batch_last, service, trace, last_error, dead_at = rest
        return cls(
            id=_uuid(event_id),
            category=category,
            job_id=job_id,
            topic=topic,
            payload=payload,
            created_at=created_at,
            service=service,
            trace=trace,
            seq=seq,
            available_at=available_at,
            attempts=attempts,
            lease=None if lease is None else _uuid(lease),
            batch=None if batch is None else _uuid(batch),
            batch_first=batch_first,
            batch_last=batch_last,
            last_error=last_error,
            dead_at=dead_at,
        )

    @property
    def is_leased(self) -> bool:
        return self.lease is not None

    @property
    def envelope(self) -> bytes:
        """The exact bytes that were frozen when the event was published."""
        return self.payload.encode()


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _traceparent(trace: SpanContext | None) -> str | None:
    """The W3C header's form, which any tracer reads back."""
    return None if trace is None else f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"
