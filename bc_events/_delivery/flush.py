"""Flush: sends some events, retries requests where the contract allows it, and accounts for every record."""

from __future__ import annotations

import sys
import time
from collections import deque
from itertools import compress
from typing import TYPE_CHECKING, Final, Literal, Protocol

from bc_events._runtime.interrupts import raised_outside
from bc_events.errors import DeliveryError, Undelivered

from . import observers
from .attempt import Attempt
from .request import Request
from .wire import RETRYABLE_TYPES, SUCCESS, Answer, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bc_events.errors import Outcome
    from bc_events.event import Event

_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0
_SHORTEST_TIMEOUT: Final = 0.05


class Sender(Protocol):
    """One attempt at a request: `EventsAPI`."""

    @property
    def is_closed(self) -> bool: ...
    def post(self, request: Request[Event], attempt: Attempt) -> Answer: ...


class Clock(Protocol):
    """The `time` module, or a clock of a test."""

    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, /) -> None: ...


class Flush:
    """First attempts cost nothing. Retries and the waits before them share `retry_budget` seconds.

    A request that uses the budget up ends the flush. The events after it are then reported as unsent.
    """

    def __init__(
        self, api: Sender, requests: Iterable[Request[Event]], retry_budget: float, clock: Clock = time
    ) -> None:
        self._api = api
        self._queue = deque(requests)
        self._left = retry_budget
        self._clock = clock
        self._undelivered: list[Undelivered] = []
        self._failed: list[Request[Event]] = []
        self._sent = 0
        self._open: Request[Event] | None = None  # the unsettled part of the request whose turn it is
        self._answer = Answer(Verdict.FINAL)  # the latest answer
        self._was_sent = False  # whether an attempt at the open request may have reached the API
        self._patience: float | None = None  # the seconds that the next attempt may take; None for the first attempt

    def run(self) -> None:
        """Raises `DeliveryError` naming each event that is not known to have arrived.

        An exception from outside, such as KeyboardInterrupt or a signal handler's time limit, propagates. Its cause is
        then the DeliveryError.
        """
        handled = sys.exception()
        try:
            self._send_all()
        except BaseException as stop:
            self._give_up(f"the flush was stopped by {type(stop).__name__}")
            if raised_outside(stop, handled=handled) is None and isinstance(stop, Exception):
                raise self._error() from stop
            raise stop from self._error()
        observers.settled(self._sent, self._undelivered)
        if self._undelivered:
            raise self._error() from self._answer.cause  # an outage has no cause; its reason is in the message

    def _send_all(self) -> None:
        if self._api.is_closed:
            self._give_up("the client is closed")
        while self._queue:
            self._open, self._was_sent, self._patience = self._queue.popleft(), False, None
            self._settle()
            if self._open is not None:
                self._give_up(self._reason)

    def _give_up(self, reason: str) -> None:
        """Reports as undelivered the open request, and the requests that had no turn yet."""
        if self._open is not None:
            self._fail(self._open, self._outcome, reason)
            self._open = None
            reason = f"an earlier request ended the flush: {reason}"
        while self._queue:
            self._fail(self._queue.popleft(), "unsent", reason)

    def _settle(self) -> None:
        """Sends the open request until each of its records has its result, or the budget is used up."""
        from tenacity import Retrying, retry_if_result, wait_random_exponential  # noqa: PLC0415  imported late, as `requests` is

        jitter = wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)
        Retrying(
            retry=retry_if_result(lambda unsettled: unsettled is not None),
            wait=lambda state: max(self._answer.pause or 0.0, jitter(state)),
            stop=lambda state: state.upcoming_sleep >= self._left,
            sleep=self._wait,
            retry_error_callback=lambda _: None,
        )(self._attempt)

    def _wait(self, seconds: float) -> None:
        started = self._clock.monotonic()
        self._clock.sleep(seconds)
        self._left -= max(seconds, self._clock.monotonic() - started)  # a test may have stopped the clock
        self._patience = max(self._left, _SHORTEST_TIMEOUT)

    def _attempt(self) -> Request[Event] | None:
        request = self._open
        assert request is not None  # noqa: S101  _send_all has set it, and a settled request is not tried again
        started = self._clock.monotonic()
        observers.attempted(len(request.events), is_retry=self._patience is not None)
        attempt = Attempt(self._patience)
        try:
            self._answer = self._api.post(request, attempt)
        finally:
            self._was_sent |= attempt.was_sent
        if self._patience is not None:
            self._left -= self._clock.monotonic() - started
        is_settled = self._answer.verdict is Verdict.SETTLED
        self._open = (self._account_records if is_settled else self._account_whole)(request, self._answer)
        return self._open

    def _account_whole(self, request: Request[Event], answer: Answer) -> Request[Event] | None:
        """Accounts for an answer about the request as a whole. Returns the request to send again, if any."""
        if answer.verdict is Verdict.AGAIN:
            return request
        if answer.status is None:  # no request can be made, so the others need not be tried
            self._give_up(answer.reason)
        elif answer.verdict is Verdict.SPLIT and len(request.events) > 1:
            self._queue.extendleft(reversed(request.halves()))
        else:
            self._fail(request, "refused", answer.reason)
        return None

    def _account_records(self, request: Request[Event], answer: Answer) -> Request[Event] | None:
        """Accounts for an answer with a result for each record.

        Returns a request of the records to send again, if any.
        """
        again = [result in RETRYABLE_TYPES for result in answer.results]
        final = [result != SUCCESS and result not in RETRYABLE_TYPES for result in answer.results]
        self._sent += answer.results.count(SUCCESS)
        if any(final):
            self._failed.append(Request.of(list(compress(request.events, final))))
            for event, result in compress(zip(request.events, answer.results, strict=True), final):
                self._undelivered.append(Undelivered(event, result, "refused"))
        if not any(again):
            return None
        names = sorted({result for result in answer.results if result in RETRYABLE_TYPES})
        self._answer = Answer(Verdict.AGAIN, " and ".join(names), status=answer.status)
        self._was_sent = True
        return Request.of(list(compress(request.events, again)))

    def _fail(self, request: Request[Event], outcome: Outcome, reason: str) -> None:
        self._failed.append(request)
        self._undelivered.extend(Undelivered(event, reason, outcome) for event in request.events)

    @property
    def _outcome(self) -> Literal["unknown", "unsent"]:
        """The outcome of the open request if the API never answers for it."""
        return "unknown" if self._was_sent else "unsent"

    @property
    def _reason(self) -> str:
        """That of the last answer, and the pause that it asks for if it is too long."""
        pause, reason = self._answer.pause, self._answer.reason
        if not pause or pause < self._left:
            return reason
        return f"{reason}; it asks for a pause of {pause:.0f} s, which retry_budget does not allow"

    def _error(self) -> DeliveryError:
        return DeliveryError(self._undelivered, self._failed, self._sent)
