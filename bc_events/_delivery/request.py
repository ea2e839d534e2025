"""Request: one POST of the wire contract, and the limits it keeps."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from bc_events.constants import (
    BULK_PATH,
    EVENTS_PATH,
    IDEMPOTENCY_HEADER,
    JOB_ID_HEADER,
    MAX_REQUEST_BYTES,
    MAX_REQUEST_EVENTS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARTS: Final = uuid.UUID("0f1d3c1e-6a53-4c0e-9d3b-6f2a5a0b7c41")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one request may hold. The contract caps `events` at 250."""

    events: int = MAX_REQUEST_EVENTS
    bytes: int = MAX_REQUEST_BYTES


class Sendable(Protocol):
    """An `Event`, or the row of an outbox that holds one."""

    @property
    def envelope(self) -> bytes: ...
    @property
    def job_id(self) -> str: ...


S = TypeVar("S", bound=Sendable)


@dataclass(frozen=True, slots=True)
class Request(Generic[S]):
    """One POST: 1 to 250 events of one job, ready to be sent any number of times with the same bytes and key."""

    events: tuple[S, ...]
    body: bytes
    key: str

    @classmethod
    def of(cls, events: Sequence[S], key: str | None = None) -> Request[S]:
        """Without a `key` of an earlier attempt it gets a new one, at random."""
        return cls.joined(events, [event.envelope for event in events], key)

    @classmethod
    def joined(cls, events: Sequence[S], envelopes: Sequence[bytes], key: str | None = None) -> Request[S]:
        """`envelopes` are those of the events."""
        body = envelopes[0] if len(envelopes) == 1 else b"[" + b",".join(envelopes) + b"]"
        return cls(tuple(events), body, key or str(uuid.uuid4()))

    @property
    def path(self) -> str:
        return EVENTS_PATH if len(self.events) == 1 else BULK_PATH

    @property
    def headers(self) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            JOB_ID_HEADER: self.events[0].job_id,
            IDEMPOTENCY_HEADER: self.key,
        }

    def part(self, places: Sequence[int]) -> Request[S]:
        """The request of the events at these places."""
        return Request.of([self.events[place] for place in places], key_of_part(self.key, places))

    def halves(self) -> tuple[Request[S], Request[S]]:
        """Two requests, each with a key of its own, in order."""
        middle = len(self.events) // 2
        return self.part(range(middle)), self.part(range(middle, len(self.events)))


def key_of_part(key: str, places: Sequence[int]) -> str:
    """The key for the events at these places of a request. The same part of the same request has the same key."""
    return str(uuid.uuid5(_PARTS, f"{key}/{','.join(map(str, places))}"))
