"""JobQueue: the requests of one job that wait, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bc_events._delivery.request import Request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from bc_events.outbox._store.row import Row

Name = tuple["UUID | None", "UUID"]


def name_of(row: Row) -> Name:
    """An event may be in the stream twice, in two requests."""
    return row.batch, row.id


@dataclass(slots=True)
class JobQueue:
    """One worker at a time has the job: the one that has the `lease`, `until` a time of the monotonic clock.

    `claimed` are the rows that it has to settle or to release. The job is ready again at `ready_at`.
    """

    requests: deque[Request[Row]] = field(default_factory=deque)
    claimed: set[Name] = field(default_factory=set)
    lease: UUID | None = None
    until: float = 0.0
    ready_at: float = 0.0

    def is_ready(self, now: float) -> bool:
        return self.ready_at <= now and (self.lease is None or self.until <= now)

    def claim(self, lease: UUID, until: float, limit: int) -> list[Request[Row]]:
        """Requests from the front, with about `limit` rows: one at least."""
        taken: list[Request[Row]] = []
        for request in self.requests:
            if taken and limit <= 0:
                break
            taken.append(request)
            limit -= len(request.events)
        self.lease, self.until = lease, until
        self.claimed = {name_of(row) for request in taken for row in request.events}
        return taken

    def free(self, names: Collection[Name], ready_at: float = 0.0) -> None:
        """The lease has no say over these rows any more."""
        self.claimed.difference_update(names)
        self.ready_at = max(self.ready_at, ready_at)
        if not self.claimed:
            self.lease = None

    def settle(self, done: Collection[Name], reasons: Mapping[Name, str]) -> None:
        """`reasons` are those of rows that are to be sent again."""
        settled = [_rest(request, done, reasons) for request in self.requests]
        self.requests = deque(request for request in settled if request is not None)

    def split(self, halves: Sequence[Request[Row]]) -> None:
        names = {name_of(row) for half in halves for row in half.events}
        place = next(at for at, one in enumerate(self.requests) if name_of(one.events[0]) in names)
        del self.requests[place]
        for half in reversed(halves):
            self.requests.insert(place, half)


def _rest(request: Request[Row], done: Collection[Name], reasons: Mapping[Name, str]) -> Request[Row] | None:
    """The request that is left. A request that was answered never has the same key again."""
    names = [name_of(row) for row in request.events]
    if not any(name in done or name in reasons for name in names):
        return request
    left = [place for place, name in enumerate(names) if name not in done]
    if not left:
        return None
    part = request.part(left)
    return Request.of([_failed(row, reasons.get(name_of(row))) for row in part.events], part.key)


def _failed(row: Row, reason: str | None) -> Row:
    return row if reason is None else replace(row, attempts=row.attempts + 1, last_error=reason)
