"""ArchivedRow: one delivered event in the archive of an outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedRow:
    """Times are seconds of the Unix epoch.

    `payload` is the envelope, sealed if it was stored so, or None if it cannot be read. `attempts` counts the results
    that the API gave for this event; the last one was a success. `idempotency_key` is that of the request which
    delivered it, and `api_event_id` the id that the API gave it, if the event was alone in that request.
    """

    id: UUID
    category: str
    job_id: str
    topic: str
    payload: str | None
    created_at: float
    sent_at: float
    attempts: int
    idempotency_key: UUID | None
    api_event_id: str | None
    service: str
    trace: str | None
