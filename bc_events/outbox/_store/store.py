"""The Store protocol: what a relay, a delivery and an operator need of an outbox's database."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits, Request

    from .archived_row import ArchivedRow
    from .row import Row

Order = Literal["time", "job"]
"""`time`: nearly first-in first-out. `job`: one event per job in flight, in the order they were stored.

In the order of jobs, a claim has the first events of some jobs, each in a request by itself. No other claim has events
of these jobs.
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """Requests leased to one worker.

    `lease` is the token that fences them. The lease ends at `until`, a time of the monotonic clock.
    In the `order` of jobs, a failed event holds back the later events of its job.
    `dead` are rows that the claim found and could not read. They are dead letters now, each with its reason.
    """

    lease: UUID
    requests: tuple[Request[Row], ...]
    until: float
    order: Order = "time"
    dead: tuple[Failure, ...] = ()

    def is_safe_for(self, seconds: float) -> bool:
        """Whether the lease lasts for so many seconds from now."""
        return time.monotonic() + seconds < self.until


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that was not delivered, and why. It is ready again after `delay` seconds; without one, it is dead."""

    row: Row
    reason: str
    delay: float | None = None


@dataclass(slots=True)
class Settlement:
    """The results of leased rows. They are written in one transaction, because the rows of one request share a key."""

    delivered: list[Row] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        return [*self.delivered, *(failure.row for failure in self.failed)]


@dataclass(frozen=True, slots=True)
class Stats:
    """Numbers of rows. `pending` rows wait; `leased` of them belong to relays. `oldest_age` is that of pending rows.

    `old_versions` are the versions of rows that nobody needs any more but for snapshots: dead tuples of the table on
    PostgreSQL, by its own estimate; the history list of the whole server on MariaDB and MySQL. `snapshot_age` is that
    of the oldest transaction that has a snapshot. Both are None where the database's user may not see them, and on
    SQLite.
    """

    pending: int
    leased: int
    retried: int
    dead: int
    oldest_age: float
    """Seconds."""
    old_versions: int | None = None
    snapshot_age: float | None = None
    """Seconds."""


class RelayStore(Protocol):
    """What a relay needs of an outbox.

    A lease is a token and a time. The claim that wrote the token owns the row until that time. `settle`, `split` and
    `release` change only rows that carry the token, so a former owner changes nothing.
    """

    def claim(self, *, limit: int, seconds: float, limits: Limits, order: Order = "time") -> Claim | None:
        """Leases about `limit` ready rows for some seconds, and puts them into requests. None if nothing is ready.

        Each request's rows are stamped with its key. Rows that carry a stamp already come back as the same request.
        A row that cannot be read holds nothing up: it becomes a dead letter, and the rest of its batch gets new keys.
        """

    def sweep(self) -> None:
        """Makes the next claim look at all rows, also where this store expects none.

        Other claims may pass over dead letters that another process has replayed, for some seconds.
        """

    def settle(self, lease: UUID, settlement: Settlement) -> int:
        """Deletes delivered rows and unstamps failed ones. Returns how many rows the lease had lost by then.

        With a `keep`, delivered rows move to the archive in the same transaction.
        """
        ...

    def split(self, lease: UUID, requests: Sequence[Request[Row]]) -> bool:
        """Stamps leased rows as these requests. Returns False, and does nothing, if the lease has lost one of them."""
        ...

    def release(
        self,
        lease: UUID,
        rows: Sequence[Row],
        *,
        delay: float = 0.0,
        reason: str | None = None,
    ) -> None:
        """Gives leased rows back with their stamps. They are ready after `delay` seconds. No attempt is counted."""

    def stats(self) -> Stats: ...

    def check(self) -> None:
        """Raises `OutboxError` where the table is missing or of another version."""

    @property
    def keep(self) -> float | None:
        """For how many seconds delivered rows stay in the archive. None if they do not go there."""
        ...

    def purge_sent(self) -> bool:
        """Deletes rows of the archive that are older than `keep`, some at a time. Returns whether to ask again."""
        ...


class Store(RelayStore, Protocol):
    """Threads and processes share it. If the database refuses something, its methods raise `OutboxError`."""

    def add(self, rows: Sequence[Row]) -> None:
        """Stores rows in order, in one transaction: all or none. A row whose id is stored already is left alone."""

    def show(self, *, dead: bool = False, limit: int = 100) -> list[Row]:
        """The oldest rows that wait, or the oldest that are dead."""
        ...

    def find(self, ids: Sequence[UUID]) -> list[Row]:
        """The rows of these events, in the order they were stored. An unknown id has none."""
        ...

    def replay(self, ids: Sequence[UUID] | None = None) -> int:
        """Makes dead rows ready again: those of these events, or all. Returns how many."""
        ...

    def purge(self, ids: Sequence[UUID] | None = None) -> int:
        """Deletes dead rows: those of these events, or all. Returns how many. A row that waits is never deleted."""
        ...

    def history(
        self,
        *,
        ids: Sequence[UUID] = (),
        job_id: str | None = None,
        topic: str | None = None,
        since: float | None = None,
        until: float | None = None,
        limit: int = 100,
    ) -> list[ArchivedRow]:
        """Rows of the archive, the newest first: of these events, this job and this topic, as far as they are given.

        They were sent from `since` on and before `until`, which are seconds of the Unix epoch.
        """
        ...

    def opened(self, payload: str) -> str:
        """The envelope in a stored payload, which may be sealed. Raises `OutboxError` if it cannot be opened."""
        ...

    def close(self) -> None:
        """Closes its connections."""
