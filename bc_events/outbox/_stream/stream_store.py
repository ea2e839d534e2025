"""StreamStore: the records that a consumer has handed over, as a relay works on them. It is in memory."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING

from bc_events._runtime import logs
from bc_events.errors import OutboxError
from bc_events.outbox._store.store import Claim, Failure, Settlement, Stats

from .job_queue import JobQueue, name_of
from .positions import Positions, place_of
from .read_request import ReadRequest
from .record import DeadRecord
from .record_reading import UnreadableRecordError, row_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence
    from uuid import UUID

    from bc_events._delivery.request import Limits, Request
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.store import Order

    from .job_queue import Name
    from .record import StreamRecord

_logger = logs.logger


class StreamStore:
    """Loses nothing when its process ends: a consumer commits only the positions of settled records.

    The requests and their keys come from the publisher; those that follow from an answer have keys that follow from
    theirs. So a record that is read again is sent in the same request, or in what the same answers leave of it.
    """

    def __init__(self, on_dead: Callable[[DeadRecord], object]) -> None:
        self._on_dead = on_dead
        self._changed = threading.Condition()
        self._jobs: dict[str, JobQueue] = {}
        self._unsettled: dict[UUID | None, ReadRequest] = {}
        self._positions = Positions()

    def __repr__(self) -> str:
        return "<StreamStore>"

    def read(self, records: Iterable[StreamRecord]) -> None:
        """Raises `OutboxError` where `on_dead` does. The record is not settled then."""
        for record in records:
            with self._changed:
                self._positions.add(place_of(record))
            try:
                row = row_of(record)
            except UnreadableRecordError as error:
                self._report_unreadable(record, str(error))
                self._settle_at_once(record)
            else:
                self._take(row, record)

    def _take(self, row: Row | None, record: StreamRecord) -> None:
        with self._changed:
            known = None if row is None else self._unsettled.get(row.batch)
        if row is None or (known is None and row.batch_first != 1):
            # A relay sends the row; or change data capture was restarted in the middle of a request that was settled.
            self._settle_at_once(record)
            return
        read = known or ReadRequest()
        with self._changed:
            read.add(row, record)
            self._unsettled[row.batch] = read
        if read.is_whole and not read.is_queued:
            self._queue(read)

    def _queue(self, read: ReadRequest) -> None:
        for row in read.unreadable:
            self._report_unreadable(read.records[name_of(row)], str(row.fault))
        read.is_queued = True
        with self._changed:
            self._settle(read.unreadable)
            if read.request is not None:
                job_id = read.request.events[0].job_id
                self._jobs.setdefault(job_id, JobQueue()).requests.append(read.request)

    def _settle_at_once(self, record: StreamRecord) -> None:
        with self._changed:
            self._positions.settle([place_of(record)])

    def _report_unreadable(self, record: StreamRecord, reason: str) -> None:
        self._bury(record, reason)
        _logger.error("a record of a stream is dead: %s", reason, extra={"bc_reason": reason})

    def _bury(self, record: StreamRecord, reason: str) -> None:
        try:
            self._on_dead(DeadRecord(record, reason))
        except Exception as error:
            raise OutboxError(
                f"on_dead did not take a dead event ({type(error).__name__}); it is not settled, and offered again"
            ) from error

    def wait(self, timeout: float) -> None:
        """Waits until no request waits, but at most so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs, timeout)

    def positions(self) -> dict[Hashable, int]:
        with self._changed:
            return self._positions.news()

    def claim(self, *, limit: int, seconds: float, limits: Limits, order: Order = "time") -> Claim | None:  # noqa: ARG002  the publisher has made the requests
        lease, now = uuid.uuid4(), time.monotonic()
        requests: list[Request[Row]] = []
        with self._changed:
            for queue in self._jobs.values():
                if limit <= 0:
                    break
                if queue.is_ready(now):
                    taken = queue.claim(lease, now + seconds, limit)
                    limit -= sum(len(request.events) for request in taken)
                    requests += taken
        return Claim(lease, tuple(requests), now + seconds, "job") if requests else None

    def sweep(self) -> None:
        """Nothing: each claim looks at all requests."""

    def settle(self, lease: UUID, settlement: Settlement) -> int:
        dead = [failure for failure in settlement.failed if failure.delay is None]
        try:
            for failure in dead:
                self._bury(self._record_of(failure.row), failure.reason)
        except OutboxError:
            self._end(lease)
            raise
        again = {name_of(one.row): one for one in settlement.failed if one.delay is not None}
        done = [*settlement.delivered, *(failure.row for failure in dead)]
        with self._changed:
            held = {job_id: queue for job_id, queue in self._jobs.items() if queue.lease == lease}
            fenced = [row for row in settlement.rows if row.job_id not in held]
            for job_id, queue in held.items():
                _settle_in(queue, {name_of(row) for row in done if row.job_id == job_id}, again)
                del self._jobs[job_id]
                if queue.requests:  # behind the others, which have their turn first
                    self._jobs[job_id] = queue
            self._settle([row for row in done if row.job_id in held])
        return len(fenced)

    def split(self, lease: UUID, requests: Sequence[Request[Row]]) -> bool:
        with self._changed:
            queue = self._jobs.get(requests[0].events[0].job_id)
            if queue is None or queue.lease != lease:
                return False
            queue.split(requests)
        return True

    def release(self, lease: UUID, rows: Sequence[Row], *, delay: float = 0.0, reason: str | None = None) -> None:  # noqa: ARG002  nobody shows a row of a stream
        with self._changed:
            for row in rows:
                queue = self._jobs.get(row.job_id)
                if queue is not None and queue.lease == lease:
                    queue.free([name_of(row)], time.monotonic() + delay if delay else 0.0)

    def stats(self) -> Stats:
        with self._changed:
            rows = [row for queue in self._jobs.values() for one in queue.requests for row in one.events]
            leased = sum(len(queue.claimed) for queue in self._jobs.values() if queue.lease is not None)
        age = time.time() - min((row.created_at for row in rows), default=time.time())
        return Stats(len(rows), leased, sum(row.attempts > 0 for row in rows), 0, max(0.0, age))

    def check(self) -> None:
        """Nothing: there is no table."""

    @property
    def keep(self) -> None:
        """There is no archive."""
        return

    def purge_sent(self) -> bool:
        return False

    def _record_of(self, row: Row) -> StreamRecord:
        with self._changed:
            return self._unsettled[row.batch].records[name_of(row)]

    def _end(self, lease: UUID) -> None:
        with self._changed:
            for queue in self._jobs.values():
                if queue.lease == lease:
                    queue.free(set(queue.claimed))

    def _settle(self, rows: Iterable[Row]) -> None:
        for row in rows:
            read = self._unsettled[row.batch]
            read.left.discard(name_of(row))
            if not read.left:
                self._positions.settle(read.places)
                del self._unsettled[row.batch]
        self._changed.notify_all()


def _settle_in(queue: JobQueue, done: set[Name], again: dict[Name, Failure]) -> None:
    queue.settle(done, {name: failure.reason for name, failure in again.items()})
    delays = [failure.delay or 0.0 for name, failure in again.items() if name in queue.claimed]
    queue.free([*done, *again], time.monotonic() + max(delays) if delays else 0.0)
