"""ClaimSender: sends the requests of one claim and settles them, until all are done or the relay has to pause."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from opentelemetry.context import attach, detach
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from bc_events._delivery import observers
from bc_events._runtime import job_ids, logs
from bc_events.errors import InvalidJobIdError, counted
from bc_events.outbox._store.store import Failure, Settlement

from .outcome import RequestOutcome, outcome_of, reason_of, settlement_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bc_events._delivery.api import EventsAPI
    from bc_events._delivery.request import Request
    from bc_events._delivery.wire import Answer
    from bc_events.outbox._store.row import Row
    from bc_events.outbox._store.store import Claim, RelayStore

    from .counts import RelayCounts
    from .settings import RelaySettings

# Seconds. Quick requests are settled together, because each settlement is a commit.
_SETTLE_AFTER: Final = 0.1
_LONGEST_NAME: Final = 255
_logger = logs.logger


@dataclass(frozen=True, slots=True)
class Interruption:
    """A request that failed as a whole, not because of its events. They are still leased."""

    request: Request[Row]
    answer: Answer
    outcome: RequestOutcome

    @property
    def reason(self) -> str:
        return reason_of(self.request, self.answer)


class ClaimSender:
    """`run` releases the rows that it does not settle, except those of an `Interruption`."""

    def __init__(
        self,
        claim: Claim,
        store: RelayStore,
        api: EventsAPI,
        *,
        settings: RelaySettings,
        counts: RelayCounts,
        is_stopping: Callable[[], bool],
        on_answer: Callable[[], None],
    ) -> None:
        """`on_answer` is called after each answer that shows that the API works."""
        self._claim = claim
        self._store = store
        self._api = api
        self._settings = settings
        self._counts = counts
        self._is_stopping = is_stopping
        self._on_answer = on_answer
        self._queue = deque(claim.requests)
        self._held_back: list[Request[Row]] = []
        self._settlement = Settlement()
        self._settle_at = time.monotonic() + _SETTLE_AFTER

    def run(self) -> Interruption | None:
        self._report_unreadable()
        interruption = None
        while self._queue and interruption is None and self._may_go_on():
            interruption = self._send(self._queue.popleft())
        self._settle()
        rest = [row for request in (*self._held_back, *self._queue) for row in request.events]
        if rest:
            self._store.release(self._claim.lease, rest)
        return interruption

    def _report_unreadable(self) -> None:
        dead = list(self._claim.dead)
        if dead:
            self._counts.settled(Settlement(failed=dead), 0)
        for failure in dead:
            _logger.error(
                "row %d of the outbox is dead: put it right and replay it, or purge it; %s",
                failure.row.seq,
                failure.reason,
                extra={"bc_event_id": str(failure.row.id), "bc_reason": failure.reason},
            )

    def _may_go_on(self) -> bool:
        return not self._is_stopping() and self._claim.is_safe_for(self._api.deadline)

    def _send(self, request: Request[Row]) -> Interruption | None:
        fault = _fault_of(request)
        if fault is not None:
            self._mark_dead(request, fault)
            return None
        self._counts.asked()
        with _trace_of(request):
            answer = self._api.post(request)
        outcome = outcome_of(answer)
        if outcome in (RequestOutcome.PAUSE, RequestOutcome.MISCONFIGURED):
            return Interruption(request, answer, outcome)
        self._on_answer()
        self._account(request, answer, outcome)
        if time.monotonic() > self._settle_at:
            self._settle()
        return None

    def _account(self, request: Request[Row], answer: Answer, outcome: RequestOutcome) -> None:
        if outcome is RequestOutcome.SETTLED:
            found = settlement_of(request, answer, self._settings.retry_after)
            self._settlement.delivered += found.delivered
            self._settlement.failed += found.failed
            if self._claim.order == "job" and any(failure.delay is not None for failure in found.failed):
                self._hold_back(request.events[0].job_id)
        elif len(request.events) == 1:
            self._mark_dead(request, reason_of(request, answer))
        else:
            self._halve(request)

    def _hold_back(self, job_id: str) -> None:
        """The later events of a job wait for one that has to be sent again."""
        queue, self._queue = self._queue, deque()
        for request in queue:
            (self._held_back if request.events[0].job_id == job_id else self._queue).append(request)

    def _mark_dead(self, request: Request[Row], reason: str) -> None:
        self._settlement.failed += [Failure(row, reason) for row in request.events]

    def _halve(self, request: Request[Row]) -> None:
        """The new keys are stored before they are used, so that a retry after a crash uses the same ones."""
        halves = request.halves()
        if self._store.split(self._claim.lease, halves):
            self._queue.extendleft(reversed(halves))

    def _settle(self) -> None:
        settlement, self._settlement = self._settlement, Settlement()
        self._settle_at = time.monotonic() + _SETTLE_AFTER
        if not settlement.rows:
            return
        fenced = self._store.settle(self._claim.lease, settlement)
        self._counts.settled(settlement, fenced)
        if fenced:
            _logger.warning(
                "a lease ended before its %s could be settled; they may be sent again",
                counted(fenced, "row"),
                extra={"bc_rows": fenced},
            )
        for failure in settlement.failed:
            if failure.delay is None:
                observers.dead(self._api.url, failure.row, failure.reason)
                _report_dead(failure)


def _report_dead(failure: Failure) -> None:
    row = failure.row
    _logger.error(
        "event %s (%s of job %s) is dead: %s; correct the cause and replay it, or purge it",
        row.id,
        _told(row.topic),
        _told(row.job_id),
        failure.reason,
        extra={
            "bc_event_id": str(row.id),
            "bc_topic": _told(row.topic),
            "bc_job_id": _told(row.job_id),
            "bc_reason": failure.reason,
        },
    )


def _told(text: str) -> str:
    """A name, escaped for a log line: another program may have written the row."""
    return ascii(text)[1:-1][:_LONGEST_NAME]


def _fault_of(request: Request[Row]) -> str | None:
    """The fault of a job id that no header can carry: every attempt would fail. Another program has written it."""
    try:
        job_ids.validated(request.events[0].job_id)
    except InvalidJobIdError as error:
        return str(error)
    return None


@contextmanager
def _trace_of(request: Request[Row]) -> Iterator[None]:
    """The trace in which a request's events were published, if they share one. The request's headers carry it."""
    traces = {row.trace for row in request.events}
    trace = traces.pop() if len(traces) == 1 else None
    if trace is None:
        yield
        return
    token = attach(TraceContextTextMapPropagator().extract({"traceparent": trace}))
    try:
        yield
    finally:
        detach(token)
