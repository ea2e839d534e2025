"""Row: one event as an outbox stores it, and what became of it so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import SpanContext

    from bc_events.event import Event

COLUMNS = (
    *("seq", "id", "aggregatetype", "aggregateid", "type", "payload", "created_at", "available_at"),
    *("attempts", "lease", "batch", "service", "trace", "last_error", "dead_at"),
)
"""The table's columns, in the order of `Row.read`."""
IN_DOUBT: Final = UUID(int=0)
"""In place of a lease: nobody holds the row, and an attempt at its batch may have arrived."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the outbox table. Times are seconds of the Unix epoch; `seq` is 0 until the row is stored.

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
    def read(cls, values: Sequence[object]) -> Row:
        """From the database's values of `COLUMNS`."""
        found = dict(zip(COLUMNS, values, strict=True))
        return cls(
            id=_uuid(found["id"]),
            category=str(found["aggregatetype"]),
            job_id=str(found["aggregateid"]),
            topic=str(found["type"]),
            payload=str(found["payload"]),
            created_at=float(str(found["created_at"])),
            service=str(found["service"]),
            trace=_text(found["trace"]),
            seq=int(str(found["seq"])),
            available_at=float(str(found["available_at"])),
            attempts=int(str(found["attempts"])),
            lease=None if found["lease"] is None else _uuid(found["lease"]),
            batch=None if found["batch"] is None else _uuid(found["batch"]),
            last_error=_text(found["last_error"]),
            dead_at=None if found["dead_at"] is None else float(str(found["dead_at"])),
        )

    @property
    def is_leased(self) -> bool:
        return self.lease not in (None, IN_DOUBT)

    @property
    def is_doubtful(self) -> bool:
        """Of a row as it was claimed: whether an earlier attempt at its batch may have arrived.

        A lease that is still there is of a relay that was killed or held up: nobody knows how far it came.
        """
        return self.batch is not None and self.lease is not None

    @property
    def envelope(self) -> bytes:
        """The exact bytes that were frozen when the event was published."""
        return self.payload.encode()


def _uuid(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _traceparent(trace: SpanContext | None) -> str | None:
    """The W3C header's form, which any tracer reads back."""
    return None if trace is None else f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"
