"""The Store protocol: what a relay, a delivery and an operator ask of the database in which an outbox lives."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits, Request

    from .row import Row

Order = Literal["time", "job"]
"""`time`: nearly first-in first-out. `job`: one event per job in flight, in the order they were stored.

In the order of jobs a claim has the first events of some jobs, one to a request; nobody else has later ones of those.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Requests leased to one worker. `lease` is the token that fences them, `until` when it ends (monotonic).

    `order` is the one it was asked for in: in that of jobs a failed event holds back what follows it.
    `dead` are rows that were found instead, and could not be read: they are dead by now, each for its own reason.
    """

    lease: UUID
    requests: tuple[Request[Row], ...]
    until: float
    order: Order = "time"
    dead: tuple[Failure, ...] = ()

    def is_safe_for(self, seconds: float) -> bool:
        """Whether the lease still lasts that long."""
        return time.monotonic() + seconds < self.until


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that the API did not take, and why. It is ready again after `delay` seconds; None: it is dead."""

    row: Row
    reason: str
    delay: float | None = None


@dataclass(slots=True)
class Settlement:
    """What became of leased rows. It is written in one transaction, because rows of one request share a key."""

    delivered: list[Row] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        return [*self.delivered, *(failure.row for failure in self.failed)]


@dataclass(frozen=True, slots=True)
class Stats:
    """`pending` waits to be delivered (`leased` of it is in a relay's hands); `oldest_age` of it is in seconds."""

    pending: int
    leased: int
    retried: int
    dead: int
    oldest_age: float


class Store(Protocol):
    """Threads and processes share it. What the database refuses is an `OutboxError`.

    A lease is a token and a time: whoever claims a row owns it until then, and what a former owner still has to say
    changes nothing (`settle`, `split` and `release` touch only rows that carry the token).
    """

    def add(self, rows: Sequence[Row]) -> None:
        """Stores rows in a transaction of its own, all or none, in order. A row whose id is stored is left alone."""

    def claim(self, *, limit: int, seconds: float, limits: Limits, order: Order = "time") -> Claim | None:
        """Leases up to about `limit` ready rows for so long, cut into requests; None where nothing is ready.

        A row that cannot be read holds no other up: it is made dead, and what shared its batch goes out anew.
        Each request's rows are stamped with its key. Rows that carry a stamp already come back as the same request.
        """

    def settle(self, lease: UUID, settlement: Settlement) -> int:
        """Deletes what was delivered, and unstamps the rest; returns how many rows were no longer the lease's."""
        ...

    def split(self, lease: UUID, requests: Sequence[Request[Row]]) -> bool:
        """Stamps leased rows anew, as these requests; False (and nothing done) where any is no longer the lease's."""
        ...

    def release(
        self,
        lease: UUID,
        rows: Sequence[Row],
        *,
        delay: float = 0.0,
        reason: str | None = None,
    ) -> None:
        """Gives rows back, stamped as they are, ready after `delay` seconds; it counts as no attempt."""

    def stats(self) -> Stats: ...

    def show(self, *, dead: bool = False, limit: int = 100) -> list[Row]:
        """The oldest rows: those that wait, or those that are dead."""
        ...

    def find(self, ids: Sequence[UUID]) -> list[Row]:
        """The rows of these events, in order of storage; an unknown id has none."""
        ...

    def replay(self, ids: Sequence[UUID] | None = None) -> int:
        """Makes dead rows ready again, all or those named; returns how many."""
        ...

    def purge(self, ids: Sequence[UUID] | None = None) -> int:
        """Deletes dead rows, all or those named; returns how many. Those that wait are never deleted."""
        ...

    def check(self) -> None:
        """Raises `OutboxError` where the table is missing or of another version."""

    def close(self) -> None:
        """Lets go of its connections."""
